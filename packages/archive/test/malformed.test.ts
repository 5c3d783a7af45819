import { gzipSync } from "node:zlib";
import { ArchiveError, openArchive, readAr, readCpio, readTar, writeCpio, writeTar } from "@sextant/archive";
import { BytesError, concatBytes, fromBytes, readChunks } from "@sextant/bytes";
import { CodecError } from "@sextant/codecs";
import { arbitraryTree, mutations } from "@sextant/testkit";
import { type Directory, walkTree } from "@sextant/tree";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytesOf, collect, end, expectError, member, pax } from "./helpers.js";

const source = (...parts: readonly Uint8Array[]) => fromBytes(concatBytes(parts), "bad");

describe("tar", () => {
  const good = member({ name: "a" }, "x");
  const rows = [
    ["less than a block", [good.subarray(0, 100)], "MALFORMED_TRUNCATED", "tar.header", 0],
    ["text", [bytesOf("text ".repeat(200))], "MALFORMED_HEADER", "tar.header.checksum", 0],
    ["junk behind a member", [good, bytesOf("junk".repeat(128))], "MISMATCH_CHECKSUM", "tar.header.checksum", 1024],
    ["a wrong checksum", [member({ name: "a", checksum: "0000001\0" })], "MALFORMED_HEADER", "tar.header.checksum", 0],
    [
      "a checksum of letters",
      [good, member({ name: "a", checksum: "checksum" })],
      "MISMATCH_CHECKSUM",
      "tar.header.checksum",
      1024,
    ],
    [
      "data cut short",
      [member({ name: "a" }, "x".repeat(600)).subarray(0, 1000)],
      "MALFORMED_TRUNCATED",
      "tar.data",
      512,
    ],
    [
      "a file of 2^60 bytes",
      [member({ name: "a", size: "\x80\0\0\0\x10\0\0\0\0\0\0\0" }), end],
      "LIMIT_FIELD",
      "tar.header.size",
      124,
    ],
    [
      "a file of 2^50 bytes",
      [member({ name: "a", size: "\x80\0\0\0\0\x04\0\0\0\0\0\0" }), end],
      "MALFORMED_TRUNCATED",
      "tar.data",
      512,
    ],
    ["a size that wraps", [pax([["size", "9007199254740991"]]), good, end], "MALFORMED_TRUNCATED", "tar.data", 1536],
    [
      "a pax header of 2 GiB",
      [member({ name: "x", typeflag: "x", size: "20000000000\0" }), end],
      "LIMIT_HEADER",
      "tar.pax",
      512,
    ],
    [
      "a pax header cut short",
      [member({ name: "x", typeflag: "x", size: "00000010000\0" }), end],
      "MALFORMED_TRUNCATED",
      "tar.pax",
      512,
    ],
    [
      "a long name of 1 MiB",
      [member({ name: "L", typeflag: "L", size: "00004000000\0" }), end],
      "LIMIT_HEADER",
      "tar.longName",
      512,
    ],
    ["a symlink to nothing", [member({ name: "a", typeflag: "2" }), end], "MALFORMED_FIELD", "tar.header.linkname", 0],
    [
      "a sparse map beyond the archive",
      [member({ name: "a", typeflag: "S", magic: "ustar  \0", rest: `${"\0".repeat(137)}\x01` })],
      "MALFORMED_TRUNCATED",
      "tar.data",
      512,
    ],
    [
      "a sparse file longer than its parts",
      [member({ name: "a", typeflag: "S", magic: "ustar  \0" }, "x"), end],
      "MALFORMED_SPARSE",
      "tar.sparse",
      0,
    ],
  ] as const;
  test.each(rows)("%s", async (_what, parts, code, path, offset) => {
    await expectError(readTar(source(...parts)), code, path, offset);
  });
});

describe("cpio", () => {
  const header = (fields: Readonly<Record<number, string>>, label = "a\0") => {
    const values = ["1", "81a4", "0", "0", "1", "0", "0", "0", "0", "0", "0", label.length.toString(16), "0"].map(
      (value, i) => (fields[i] ?? value).padStart(8, "0"),
    );
    const text = `070701${values.join("")}${label}`;
    return bytesOf(text.padEnd(Math.ceil(text.length / 4) * 4, "\0"));
  };
  const trailer = header({ 1: "0" }, "TRAILER!!!\0");
  const rows = [
    ["a header cut short", [header({}).subarray(0, 60)], "MALFORMED_TRUNCATED", "cpio.header", 0],
    [
      "another magic",
      [header({}), bytesOf("070702x".padEnd(110, "0")), trailer],
      "MALFORMED_FIELD",
      "cpio.header.ino",
      118,
    ],
    ["no magic", [header({}), bytesOf("x".repeat(200))], "MALFORMED_HEADER", "cpio.header.magic", 112],
    ["a number that is none", [header({ 6: "0000000g" })], "MALFORMED_FIELD", "cpio.header.filesize", 54],
    ["a name of no bytes", [header({ 11: "0" })], "MALFORMED_FIELD", "cpio.header.namesize", 0],
    ["a name of 4 GiB", [header({ 11: "ffffffff" })], "MALFORMED_FIELD", "cpio.header.namesize", 0],
    ["a name cut short", [header({ 11: "fff" })], "MALFORMED_TRUNCATED", "cpio.name", 110],
    ["a name without end", [header({}, "ab")], "MALFORMED_FIELD", "cpio.name", 110],
    ["data cut short", [header({ 6: "ffffffff" }), trailer], "MALFORMED_TRUNCATED", "cpio.data", 112],
    ["a mode of nothing", [header({ 1: "1a4" }), trailer], "MALFORMED_FIELD", "cpio.header.mode", 0],
    ["a symlink to nothing", [header({ 1: "a1ff" }), trailer], "MALFORMED_FIELD", "cpio.header.filesize", 0],
    [
      "a device out of range",
      [header({ 1: "21a4", 9: "1000" }), trailer],
      "MALFORMED_FIELD",
      "cpio.header.rdevmajor",
      0,
    ],
    ["..", [header({}, "../a\0"), trailer], "MISMATCH_ESCAPE", "../a", 0],
    ["a name that is empty", [header({}, "\0"), trailer], "MISMATCH_KIND", undefined, 0],
    ["something behind", [header({}), trailer, bytesOf("junk")], "MALFORMED_HEADER", "cpio", 236],
    ["an archive out of step", [trailer, new Uint8Array(2), trailer], "MALFORMED_HEADER", "cpio", 126],
  ] as const;
  test.each(rows)("%s", async (_what, parts, code, path, offset) => {
    await expectError(readCpio(source(...parts)), code, path, offset);
  });

  test("a wrong checksum", async () => {
    const crc = concatBytes([header({ 6: "2", 12: "c3" }), bytesOf("ab\0\0"), trailer]);
    crc[5] = 0x32;
    expect((await readCpio(source(crc))).tree.entries.size).toBe(1);
    crc[112] = 0x62;
    await expectError(readCpio(source(crc)), "MISMATCH_CHECKSUM", "cpio.header.check", 0);
  });
});

/** Reads all of a tree; what is refused must be refused as an error of ours. */
async function survive(read: () => Promise<{ readonly tree: Directory } | undefined>, what: string): Promise<void> {
  try {
    const found = await read();
    for (const { node } of found ? walkTree(found.tree) : []) {
      if (node.kind !== "file" || node.content.size > 1 << 24) continue;
      for await (const bytes of readChunks(node.content.open())) expect(bytes.length).toBeGreaterThan(0);
    }
  } catch (error) {
    const isOurs = error instanceof ArchiveError || error instanceof CodecError || error instanceof BytesError;
    if (!isOurs) throw new Error(`${what}: ${String(error)}`, { cause: error });
  }
}

describe("damaged by chance", () => {
  const trees = fc.sample(
    arbitraryTree({ maxFileBytes: 5000, sockets: false, minSeconds: 0, maxSeconds: 2 ** 31, nanoseconds: true }),
    { seed: 5, numRuns: 4 },
  );
  const warnless = { maxMembers: 10_000 };

  test.each(trees.map((tree, index) => [index, tree] as const))("tar of tree %i", async (index, tree) => {
    const bytes = await collect(writeTar(tree));
    for (const { bytes: damaged, what } of mutations(bytes, { seed: index, count: 250, headBytes: 3000 })) {
      await survive(async () => ({ tree: await readTar(fromBytes(damaged), warnless) }), what);
    }
  });

  test.each(trees.map((tree, index) => [index, tree] as const))("cpio of tree %i", async (index, tree) => {
    const bytes = await collect(writeCpio(tree, { dropXattrs: true }));
    for (const { bytes: damaged, what } of mutations(bytes, { seed: index, count: 250, headBytes: 3000 })) {
      await survive(async () => readCpio(fromBytes(damaged), warnless), what);
    }
  });

  test("compressed archives and packages", async () => {
    const [first] = trees;
    if (first === undefined) throw new Error("no tree");
    const tar = await collect(writeTar(first));
    const head = (label: string, size: number) =>
      bytesOf(`${label.padEnd(16)}${"0".padEnd(32)}${String(size).padEnd(10)}\`\n`);
    const data = gzipSync(tar);
    const deb = concatBytes([
      bytesOf("!<arch>\n"),
      head("debian-binary", 4),
      bytesOf("2.0\n"),
      head("control.tar", tar.length),
      tar,
      head("data.tar.gz", data.length),
      data,
    ]);
    for (const bytes of [data, deb]) {
      for (const { bytes: damaged, what } of mutations(bytes, { seed: 3, count: 150, headBytes: 200 })) {
        await survive(() => openArchive(fromBytes(damaged), { unpackLimitBytes: 1 << 22 }), what);
        await survive(async () => void (await readAr(fromBytes(damaged))), what);
      }
    }
  });

  test("cut anywhere", async () => {
    const [, second] = trees;
    if (second === undefined) throw new Error("no tree");
    const tar = await collect(writeTar(second));
    const cpio = await collect(writeCpio(second, { dropXattrs: true }));
    for (let length = 0; length < tar.length; length += 97) {
      await survive(async () => ({ tree: await readTar(fromBytes(tar.subarray(0, length))) }), `cut to ${length}`);
    }
    for (let length = 0; length < cpio.length; length += 97) {
      await survive(() => readCpio(fromBytes(cpio.subarray(0, length))), `cut to ${length}`);
    }
  });
});
