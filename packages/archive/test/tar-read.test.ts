import { type ArchiveWarning, readTar, type TarOptions, tarMembers } from "@sextant/archive";
import { concatBytes, counted, fromBytes } from "@sextant/bytes";
import type { TreeNode } from "@sextant/tree";
import { describe, expect, test } from "vitest";
import { bytesOf, end, expectError, linesOf, member, name, pax, readParts, textOf } from "./helpers.js";

/** The tree's lines without the root's, and what is not at issue in a row. */
const shown = async (parts: readonly Uint8Array[], options?: TarOptions) =>
  (await linesOf(await readParts(parts, options)))
    .slice(1)
    .map((line) => line.replace(/ owner=0:0| time=0\.000000000| links=1| sha256=\S+| mode=0644| mode=0755/g, ""));

const file = (path: string, content = path) => member({ name: path }, content);
const directory = (path: string, mode = "0000755\0") => member({ name: path, typeflag: "5", mode });

const nodeOf = async (parts: readonly Uint8Array[], path = "a", options?: TarOptions): Promise<TreeNode> => {
  const node = (await readParts(parts, options)).entries.get(name(path));
  if (node === undefined) throw new Error(`no ${path}`);
  return node;
};

describe("paths", () => {
  const rows: readonly (readonly [what: string, parts: readonly Uint8Array[], lines: readonly string[]])[] = [
    [
      "with ./, slashes and dots",
      [file("./a", "1"), file("/b", "2"), file("c/.//d", "3")],
      ["/a file size=1", "/b file size=1", "/c directory", "/c/d file size=1"],
    ],
    [
      "a directory after what is in it",
      [file("a/b"), directory("a/", "0000700\0")],
      ["/a directory mode=0700", "/a/b file size=3"],
    ],
    ["a file again", [file("a", "1"), file("a", "22")], ["/a file size=2"]],
    [
      "a directory again",
      [directory("a"), file("a/b"), directory("a", "0000711\0")],
      ["/a directory mode=0711", "/a/b file size=3"],
    ],
    ["a directory in place of a file", [file("a"), directory("a")], ["/a directory"]],
    ["a file in place of a directory", [directory("a"), file("a/b"), file("a")], ["/a file size=1"]],
    ["v7: a directory is a name with a slash", [member({ name: "a/", typeflag: "\0", magic: "" })], ["/a directory"]],
    [
      "ustar's prefix",
      [member({ name: "b", rest: "some/where" }, "x")],
      ["/some directory", "/some/where directory", "/some/where/b file size=1"],
    ],
    [
      "star's shorter prefix",
      [
        member(
          { name: "b", rest: `${"p".repeat(130)}\0${" ".repeat(12)}00000000000 ${"\0".repeat(8)}tar\0`.slice(0, 167) },
          "x",
        ),
      ],
      [`/${"p".repeat(130)} directory`, `/${"p".repeat(130)}/b file size=1`],
    ],
    [
      "GNU long names",
      [member({ name: "././@LongLink", typeflag: "L" }, `${"n".repeat(150)}\0`), file("n", "x")],
      [`/${"n".repeat(150)} file size=1`],
    ],
    [
      "a pax path before a GNU one",
      [member({ name: "L", typeflag: "L" }, "gnu\0"), pax([["path", "p=x"]]), file("n", "x")],
      ["/p=x file size=1"],
    ],
    [
      "a pax path of any bytes",
      [
        pax([
          ["hdrcharset", "BINARY"],
          ["path", "\xff\n"],
        ]),
        file("n", "x"),
      ],
      ["/\\xff\\x0a file size=1"],
    ],
  ];
  test.each(rows)("%s", async (_what, parts, lines) => {
    expect(await shown(parts)).toEqual(lines);
  });

  test("directories without a member get the attributes that the caller wants", async () => {
    const lines = await shown([file("a/b/c", "x")], { parents: { mode: 0o700, uid: 7 } });
    expect(lines.slice(0, 2)).toEqual(["/a directory mode=0700 owner=7:0", "/a/b directory mode=0700 owner=7:0"]);
  });

  test.each([
    ["..", [file("../a")], "MISMATCH_ESCAPE"],
    [".. in the middle", [file("a/../b")], "MISMATCH_ESCAPE"],
    ["through a symlink", [member({ name: "a", typeflag: "2", linkname: "/etc" }), file("a/b")], "MISMATCH_ESCAPE"],
    ["through a file", [file("a"), file("a/b")], "MISMATCH_KIND"],
    ["a name of 256 bytes", [pax([["path", "n".repeat(256)]]), file("a")], "MALFORMED_NAME"],
    ["a name with NUL", [pax([["path", "a\0b"]]), file("a")], "MALFORMED_NAME"],
    ["too deep", [pax([["path", "d/".repeat(3000)]]), file("a")], "LIMIT_DEPTH"],
    ["a file as the root", [file("./", "x"), file(".", "x")], "MISMATCH_KIND"],
    ["a hard link to ..", [member({ name: "a", typeflag: "1", linkname: "../../etc/shadow" })], "MISMATCH_ESCAPE"],
  ] as const)("refuses: %s", async (_what, parts, code) => {
    await expectError(readParts(parts), code);
  });

  test("through a symlink, if the caller wants", async () => {
    const parts = [directory("usr/bin"), member({ name: "bin", typeflag: "2", linkname: "usr/bin" }), file("bin/b")];
    expect(await textOf(await readParts(parts, { parentSymlinks: "follow" }), "usr/bin/b")).toBe("bin/b");
  });
});

describe("links", () => {
  const link = (path: string, target: string, data = "") =>
    member({ name: path, typeflag: "1", linkname: target }, data);

  test("names of one file are one node", async () => {
    expect(await shown([file("a", "x"), link("b", "./a"), link("c", "b")])).toEqual([
      "/a file links=3 size=1",
      "/b file links=3 same=/a size=1",
      "/c file links=3 same=/a size=1",
    ]);
  });

  test("a link to a symlink or a device", async () => {
    const symlink = member({ name: "s", typeflag: "2", linkname: "nowhere", mode: "0000777\0" });
    const fifo = member({ name: "f", typeflag: "6" });
    expect(await shown([symlink, link("t", "s"), fifo, link("g", "f")])).toEqual([
      "/f fifo links=2",
      "/g fifo links=2 same=/f",
      "/s symlink mode=0777 links=2 target=nowhere",
      "/t symlink mode=0777 links=2 same=/s target=nowhere",
    ]);
  });

  test("a link goes to what stood there when it came", async () => {
    const tree = await readParts([file("a", "old"), link("b", "a"), file("a", "new")]);
    expect([await textOf(tree, "a"), await textOf(tree, "b")]).toEqual(["new", "old"]);
  });

  test("data behind a link is passed over, and a size that means none", async () => {
    const sized = member({ name: "b", typeflag: "1", linkname: "a", size: "00000000005\0" });
    expect(await textOf(await readParts([file("a", "x"), link("b", "a", "repeated"), file("c", "y")]), "c")).toBe("y");
    expect(await textOf(await readParts([file("a", "x"), sized, file("c", "y")]), "c")).toBe("y");
  });

  test.each([
    ["to nothing", "missing"],
    ["to a directory", "d"],
    ["to itself", "a"],
  ])("refused: %s", async (_what, target) => {
    const code = target === "d" ? "MISMATCH_KIND" : "MISMATCH_LINK";
    await expectError(readParts([directory("d"), link("a", target)]), code);
  });

  test("long targets, GNU and pax", async () => {
    const long = "t".repeat(300);
    const gnu = [
      member({ name: "K", typeflag: "K" }, `${long}\0`),
      member({ name: "a", typeflag: "2", linkname: "t" }),
    ];
    const posix = [pax([["linkpath", long]]), member({ name: "a", typeflag: "2", linkname: "t" })];
    for (const parts of [gnu, posix]) expect(await nodeOf(parts)).toMatchObject({ kind: "symlink", target: long });
  });
});

describe("members that hold no file", () => {
  test.each([
    ["V", "the volume's label is left out"],
    ["D", "the list of a directory's names, from an incremental backup, is left out"],
    ["N", "a list of long names of GNU tar before 1.11 is left out"],
  ])("type %s", async (typeflag, message) => {
    const warnings: ArchiveWarning[] = [];
    const parts = [member({ name: "it", typeflag }, "some data"), file("a")];
    expect(await shown(parts, { onWarning: (warning) => warnings.push(warning) })).toEqual(["/a file size=1"]);
    expect(warnings).toEqual([{ code: "IGNORED_MEMBER", message, member: "it", offset: 0 }]);
  });

  test("an unknown type is a file", async () => {
    const warnings: ArchiveWarning[] = [];
    const parts = [member({ name: "a", typeflag: "Q" }, "data")];
    expect(await shown(parts, { onWarning: (warning) => warnings.push(warning) })).toEqual(["/a file size=4"]);
    expect(warnings.map(({ code }) => code)).toEqual(["UNKNOWN_TYPE"]);
  });

  test("a part of a file from another volume is refused", async () => {
    await expectError(
      readParts([member({ name: "a", typeflag: "M" }, "x")]),
      "UNSUPPORTED_MEMBER",
      "tar.header.typeflag",
      0,
    );
  });
});

describe("the end", () => {
  const read = async (parts: readonly Uint8Array[], options?: TarOptions) => {
    const warnings: string[] = [];
    const onWarning = ({ message }: ArchiveWarning) => warnings.push(message);
    const tree = await readTar(fromBytes(concatBytes(parts)), { ...options, onWarning });
    return [[...tree.entries.keys()].join(), ...warnings];
  };
  const zero = new Uint8Array(512);

  test("marked as it should be, with anything behind", async () => {
    expect(await read([file("a"), end])).toEqual(["a"]);
    expect(await read([file("a"), end, file("b"), bytesOf("junk")])).toEqual(["a"]);
    expect(await read([end])).toEqual([""]);
  });

  test("not marked, or by one block", async () => {
    expect(await read([file("a")])).toEqual(["a", "the end of the archive is not marked"]);
    expect(await read([file("a"), zero])).toEqual(["a", "the end of the archive is not marked"]);
    expect(await read([file("a"), zero.subarray(1)])).toEqual(["a", "the end of the archive is not marked"]);
    expect(await read([file("a"), zero, file("b")])).toEqual([
      "a",
      "the end of the archive is marked by one block, not two",
    ]);
    expect(await read([file("a", "x").subarray(0, 513)])).toEqual(["a", "the end of the archive is not marked"]);
    expect(await read([])).toEqual(["", "the end of the archive is not marked"]);
  });

  test("archives joined", async () => {
    expect(await read([file("a"), end, end, file("b"), end], { concatenated: true })).toEqual(["a,b"]);
    expect(await read([file("a"), zero, file("b"), end], { concatenated: true })).toEqual(["a,b"]);
  });
});

test("checksums of signed bytes, and with other endings", async () => {
  const name = "\xe4\xf6\xfc";
  const signed = (text: (sum: number) => string) => {
    const block = member({ name }, "x");
    block.fill(0x20, 148, 156);
    const sum = block.subarray(0, 512).reduce((total, byte) => total + (byte < 128 ? byte : byte - 256), 0);
    block.set(bytesOf(text(sum)), 148);
    return block;
  };
  const octal = (sum: number) => sum.toString(8);
  for (const text of [octal, (sum: number) => `${octal(sum)}\0 `, (sum: number) => ` ${octal(sum)} \0`]) {
    expect(await shown([signed((sum) => text(sum).padEnd(8, " "))])).toEqual(["/\\xe4\\xf6\\xfc file size=1"]);
  }
});

describe("whiteouts of OCI layers", () => {
  const options = { whiteouts: "oci" } as const;
  const opaque = "xattr:trusted.overlay.opaque=0x79";

  test("in any order", async () => {
    const parts = [
      file("d/.wh..wh..opq", ""),
      file("a/.wh.gone", ""),
      directory("d"),
      file("d/kept", "x"),
      file("a/b", "x"),
    ];
    const lines = [
      "/a directory",
      "/a/b file size=1",
      "/a/gone character-device mode=0000 device=0:0",
      `/d directory ${opaque}`,
      "/d/kept file size=1",
    ];
    expect(await shown(parts, options)).toEqual(lines);
    expect(await shown([...parts].reverse(), options)).toEqual(lines);
  });

  test("of what the layer has itself", async () => {
    const parts = [file(".wh.a", ""), file("a", "x"), file(".wh.d", ""), directory("d")];
    expect(await shown(parts, options)).toEqual(["/a file size=1", `/d directory ${opaque}`]);
  });

  test("names that aufs keeps to itself", async () => {
    const warnings: string[] = [];
    const parts = [file(".wh..wh.plnk/x", ""), file(".wh..wh.aufs", ""), file("a", "x")];
    const lines = await shown(parts, { ...options, onWarning: ({ member: path }) => warnings.push(path ?? "") });
    expect(lines).toEqual(["/.wh..wh.plnk directory", "/.wh..wh.plnk/x file size=0", "/a file size=1"]);
    expect(warnings).toEqual([".wh..wh.aufs"]);
  });

  test("are files unless the caller knows", async () => {
    expect(await shown([file(".wh.a", "")])).toEqual(["/.wh.a file size=0"]);
  });
});

test("reads headers only, many in one request", async () => {
  const small = Array.from({ length: 300 }, (_, i) => file(`small${i}`));
  const bytes = concatBytes([
    member({ name: "large", size: "00144000000\0" }),
    new Uint8Array(0o144000000),
    ...small,
    end,
  ]);
  const source = counted(fromBytes(bytes));
  const tree = await readTar(source);
  expect(tree.entries.size).toBe(301);
  expect(source.count.requests).toBeLessThanOrEqual(7);
  expect(source.count.bytes).toBeLessThanOrEqual(7 * 65536);
});

test("stops at as many members as it may take", async () => {
  await expectError(readParts([file("a"), file("b"), file("c")], { maxMembers: 2 }), "LIMIT_ENTRIES");
});

test("a stream of members, with what they are", async () => {
  const found = [];
  const source = fromBytes(
    concatBytes([directory("d/"), file("d/a", "x"), member({ name: "h", typeflag: "1", linkname: "d/a" }), end]),
  );
  for await (const { kind, path, linkPath, offset, content } of tarMembers(source))
    found.push([kind, path, linkPath, offset, content?.size]);
  expect(found).toEqual([
    ["directory", "d/", "", 0, undefined],
    ["file", "d/a", "", 512, 1],
    ["hard-link", "h", "d/a", 1536, undefined],
  ]);
});
