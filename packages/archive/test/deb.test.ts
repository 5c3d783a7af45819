import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { openArchive, parseControl, readAr, readDeb, writeTar } from "@sextant/archive";
import { nodeUnpackOptions } from "@sextant/archive/node";
import { concatBytes, fromBytes } from "@sextant/bytes";
import { describeWithPeers, peer } from "@sextant/peers";
import { compareTrees, withTemporaryDirectory } from "@sextant/testkit";
import { directory, file, type MutableDirectory } from "@sextant/tree";
import { describe, expect, test } from "vitest";
import { bytesOf, collect, expectError, name, textOf } from "./helpers.js";

const arMember = (label: string, data: Uint8Array) => {
  const head = `${label.padEnd(16)}${"0".padEnd(12)}${"0".padEnd(6)}${"0".padEnd(6)}${"100644".padEnd(8)}${String(data.length).padEnd(10)}\`\n`;
  return concatBytes([bytesOf(head), data, bytesOf(data.length % 2 ? "\n" : "")]);
};
const ar = (...members: readonly Uint8Array[]) => concatBytes([bytesOf("!<arch>\n"), ...members]);

const rootOf = (files: Readonly<Record<string, string>>): MutableDirectory => {
  const root = directory();
  for (const [key, content] of Object.entries(files)) root.entries.set(name(key), file(bytesOf(content)));
  return root;
};
const controlText =
  "Package: hello\nVersion: 1:2.0-3~rc1\nArchitecture: all\nDescription: a greeting\n It greets.\n .\n Politely.\n";
const controlTar = () => collect(writeTar(rootOf({ control: controlText, md5sums: "" })));
const content = rootOf({ "greeting.txt": "hello, world\n", odd: "x" });
const version = arMember("debian-binary", bytesOf("2.0\n"));
const source = (bytes: Uint8Array) => fromBytes(bytes, "hello.deb");

describe("packages", () => {
  const packs = {
    "": async (bytes: Uint8Array) => bytes,
    ".gz": async (bytes: Uint8Array) => new Uint8Array(gzipSync(bytes)),
    ".xz": async (bytes: Uint8Array) => (await peer("xz")?.run(["-c"], { input: bytes }))?.stdout,
    ".zst": async (bytes: Uint8Array) => (await peer("zstd")?.run(["-c"], { input: bytes }))?.stdout,
  };

  test.each(Object.entries(packs))("data.tar%s", async (suffix, pack) => {
    const data = await pack(await collect(writeTar(content)));
    const control = await pack(await controlTar());
    if (data === undefined || control === undefined) return;
    for (const slash of ["", "/"]) {
      const deb = ar(
        version,
        arMember(`control.tar${suffix}${slash}`, control),
        arMember("_ignored", bytesOf("x")),
        arMember(`data.tar${suffix}${slash}`, data),
      );
      for (const options of [{}, nodeUnpackOptions]) {
        await using found = await readDeb(source(deb), options);
        expect(found.control).toMatchObject({ package: "hello", version: "1:2.0-3~rc1", architecture: "all" });
        expect(await compareTrees(content, found.tree)).toEqual([]);
        await using opened = await openArchive(source(deb), options);
        expect(opened.format).toBe("deb");
        expect(opened.control?.package).toBe("hello");
        expect(opened.compression).toBe(found.compression);
        expect(await textOf(opened.tree, "greeting.txt")).toBe("hello, world\n");
      }
    }
  });

  test.each([
    ["no archive", bytesOf("!<arsh>\n"), "MALFORMED_HEADER", "ar.magic"],
    ["nothing", new Uint8Array(0), "MALFORMED_HEADER", "ar.magic"],
    ["an empty archive", ar(), "MALFORMED_HEADER", "deb"],
    ["no package", ar(arMember("a.o/", bytesOf("x"))), "MALFORMED_HEADER", "deb"],
    ["another version", ar(arMember("debian-binary", bytesOf("3.0\n"))), "UNSUPPORTED_FORMAT", "deb.debian-binary"],
    ["no control", ar(version, arMember("data.tar", new Uint8Array(1024))), "MISSING_MEMBER", "deb"],
    ["an empty control", ar(version, arMember("control.tar", new Uint8Array(1024))), "MISSING_MEMBER", "deb"],
  ] as const)("refused: %s", async (_what, bytes, code, path) => {
    await expectError(readDeb(source(bytes)), code, path);
  });

  test("refused: no data", async () => {
    await expectError(
      readDeb(source(ar(version, arMember("control.tar", await controlTar())))),
      "MISSING_MEMBER",
      "deb",
    );
  });
});

describeWithPeers("what dpkg-deb builds", ["dpkg-deb"], ({ "dpkg-deb": dpkg }) => {
  test.each(["none", "gzip", "xz", "zstd"])("-Z%s", async (compression) => {
    await withTemporaryDirectory(async (folder) => {
      const [tree, deb] = [join(folder, "tree"), join(folder, "hello.deb")];
      mkdirSync(join(tree, "DEBIAN"), { recursive: true });
      mkdirSync(join(tree, "usr/share"), { recursive: true });
      for (const path of [tree, join(tree, "DEBIAN"), join(tree, "usr"), join(tree, "usr/share")])
        chmodSync(path, 0o755);
      writeFileSync(
        join(tree, "DEBIAN/control"),
        `${controlText.replace("Description", "Maintainer: nobody <nobody@example.org>\nDescription")}`,
      );
      writeFileSync(join(tree, "usr/share/greeting"), "hello");
      const result = await dpkg.run(["--root-owner-group", `-Z${compression}`, "-b", tree, deb]);
      // Older versions know no zstd.
      if (result.exitCode !== 0 && compression === "zstd") return;
      expect(result.exitCode, result.stderr).toBe(0);
      await using found = await readDeb(source(new Uint8Array(readFileSync(deb))));
      expect(found.compression).toBe(compression === "none" ? undefined : compression);
      expect(await textOf(found.tree, "usr/share/greeting")).toBe("hello");
      expect(found.control.fields.get("Maintainer")).toBe("nobody <nobody@example.org>");
    });
  });
});

describe("ar", () => {
  const read = async (bytes: Uint8Array) => {
    const members = await readAr(source(bytes));
    return Promise.all(
      members.map(async ({ name: label, data }) => [label, String.fromCharCode(...(await data.read(0, data.size)))]),
    );
  };

  test("names, and padding that the last member lacks", async () => {
    const bytes = ar(arMember("a", bytesOf("x")), arMember("b/", bytesOf("yy")), arMember("c d", bytesOf("z")));
    const expected = [
      ["a", "x"],
      ["b", "yy"],
      ["c d", "z"],
    ];
    expect(await read(bytes)).toEqual(expected);
    expect(await read(bytes.subarray(0, -1))).toEqual(expected);
  });

  test("GNU long names, and symbol tables", async () => {
    const names = arMember("//", bytesOf("a_rather_long_name.o/\nanother_long_name.o/\n"));
    const bytes = ar(
      arMember("/", bytesOf("\0\0\0\0")),
      names,
      arMember("/22", bytesOf("x")),
      arMember("/0", bytesOf("y")),
    );
    expect(await read(bytes)).toEqual([
      ["another_long_name.o", "x"],
      ["a_rather_long_name.o", "y"],
    ]);
  });

  const good = arMember("a", bytesOf("x"));
  const edited = (at: number, text: string) => {
    const copy = ar(good);
    copy.set(bytesOf(text), 8 + at);
    return copy;
  };
  test.each([
    ["a header cut short", ar(good).subarray(0, 40), "MALFORMED_TRUNCATED", "ar.header", 8],
    ["data cut short", ar(arMember("a", bytesOf("xyz")).subarray(0, 61)), "MALFORMED_TRUNCATED", "ar.data", 68],
    ["no end of the header", edited(58, "x"), "MALFORMED_HEADER", "ar.header.end", 8],
    ["no size", edited(48, "x"), "MALFORMED_FIELD", "ar.header.size", 8],
    ["a negative size", edited(48, "-1"), "MALFORMED_FIELD", "ar.header.size", 8],
    ["an empty size", edited(48, " "), "MALFORMED_FIELD", "ar.header.size", 8],
    ["a size of 10 digits", edited(48, "9999999999"), "MALFORMED_TRUNCATED", "ar.data", 68],
    ["a BSD long name", edited(0, "#1/20"), "UNSUPPORTED_MEMBER", "ar.header.name", 8],
    ["a long name without a table", edited(0, "/5"), "MALFORMED_FIELD", "ar.header.name", 8],
  ] as const)("refused: %s", async (_what, bytes, code, path, offset) => {
    await expectError(readAr(source(bytes)), code, path, offset);
  });
});

describe("control files", () => {
  test("fields in any case, lines that go on, comments", () => {
    const control = parseControl(
      "\n# nobody reads this\nPACKAGE:a\nversion: 1 \nArchitecture:\tamd64\nDescription: b\n c\n .\n\td\n\nPackage: other\n",
    );
    expect(control).toMatchObject({ package: "a", version: "1", architecture: "amd64" });
    expect([...control.fields]).toEqual([
      ["PACKAGE", "a"],
      ["version", "1"],
      ["Architecture", "amd64"],
      ["Description", "b\nc\n.\nd"],
    ]);
  });

  test.each([
    "",
    "Package: a\nVersion: 1\n",
    "Package: a\nVersion:\nArchitecture: all\n",
    " x\n",
    "Package a\n",
    "Package: a\nx\n",
  ])("refused: %j", (text) => {
    expect(() => parseControl(text)).toThrow(expect.objectContaining({ code: "MALFORMED_FIELD" }));
  });
});
