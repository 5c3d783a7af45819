import { type ByteSource, crc32cRaw, fromBytes, viewOf } from "@sextant/bytes";
import { compareTrees } from "@sextant/testkit";
import {
  type Directory,
  device,
  directory,
  file,
  type Name,
  nameFromBytes,
  nameFromText,
  special,
  symlink,
  type TreeNode,
} from "@sextant/tree";
import { describe, expect, test } from "vitest";
import { emit, isErofs, plan } from "../src/index.js";
import * as layout from "../src/layout.js";
import { deviceSlotRecord, superblockRecord, superOffset } from "../src/layout.js";
import { openBytes, pack } from "./helpers.js";
import { extension, fill, pattern, xattr } from "./zoo.js";

test.each<readonly [string, { readonly size: number }, number]>([
  ["superblock", superblockRecord, 128],
  ["superblock slot", layout.superblockSlotRecord, layout.superSlotBytes],
  ["device slot", deviceSlotRecord, 128],
  ["compact inode", layout.compactInodeRecord, 32],
  ["extended inode", layout.extendedInodeRecord, 64],
  ["xattr header", layout.xattrHeaderRecord, 12],
  ["xattr entry", layout.xattrEntryRecord, 4],
  ["dirent", layout.direntRecord, 12],
  ["chunk index", layout.chunkIndexRecord, 8],
])("the %s has the size that erofs_fs.h asserts", (_, record, size) => {
  expect(record.size).toBe(size);
});

const empty = file(new Uint8Array(0));
const of = (node: TreeNode) => fill(directory(), { d: fill(directory(), { f: node }) });

/** A directory that contains itself. */
function cycle(): Directory {
  const inner = directory();
  inner.entries.set("again" as Name, inner);
  return fill(directory(), { inner });
}

function twice(): Directory {
  const inner = directory();
  return fill(directory(), { a: inner, b: fill(directory(), { c: inner }) });
}

describe("a tree that EROFS cannot hold is refused with the path", () => {
  test.each<readonly [string, Directory, string, string]>([
    ["a directory in itself", cycle(), "MALFORMED_TREE", "/inner/again"],
    ["a directory under two names", twice(), "MALFORMED_TREE", "/b/c"],
    ["a name of 256 bytes", fill(directory(), { ["n".repeat(256)]: empty }), "LIMIT_NAME", `/: ${"n".repeat(256)}`],
    ["an empty name", fill(directory(), { "": empty }), "MALFORMED_TREE", "/"],
    ["a name that is a dot", fill(directory(), { ".": empty }), "MALFORMED_TREE", "/"],
    ["a name with a slash", fill(directory(), { "a/b": empty }), "MALFORMED_TREE", "/"],
    ["a name that is not bytes", { ...directory(), entries: new Map([["名" as Name, empty]]) }, "MALFORMED_TREE", "/"],
    ["a symlink of 4096 bytes", of(symlink("x".repeat(4096) as Name)), "LIMIT_SYMLINK", "/d/f"],
    ["an empty symlink", of(symlink("" as Name)), "MALFORMED_TREE", "/d/f"],
    ["a symlink with NUL", of(symlink("a\0" as Name)), "MALFORMED_TREE", "/d/f"],
    ["a mode with a file type", of(special("fifo", { mode: 0o10644 })), "MALFORMED_TREE", "/d/f"],
    ["a user of 2^32", of(special("fifo", { uid: 2 ** 32 })), "MALFORMED_TREE", "/d/f"],
    ["a group of -1", of(special("fifo", { gid: -1 })), "MALFORMED_TREE", "/d/f"],
    ["half a second", of(special("fifo", { mtimeSeconds: 0.5 })), "MALFORMED_TREE", "/d/f"],
    ["10^9 nanoseconds", of(special("fifo", { mtimeNanoseconds: 1e9 })), "MALFORMED_TREE", "/d/f"],
    ["a major number of 4096", of(device("block-device", 4096, 0)), "MALFORMED_TREE", "/d/f"],
    ["a minor number of 2^20", of(device("character-device", 0, 2 ** 20)), "MALFORMED_TREE", "/d/f"],
    ["a file of -1 bytes", of(file({ size: -1, open: () => fromBytes(new Uint8Array(0)) })), "MALFORMED_TREE", "/d/f"],
    ["a file of 8 PiB", of(file({ size: 2 ** 53 - 1, open: () => fromBytes(new Uint8Array(0)) })), "LIMIT_SIZE", "/"],
    [
      "an xattr of 65,536 bytes",
      of(file(pattern(1), { xattrs: [xattr("user.a", new Uint8Array(65536))] })),
      "LIMIT_XATTR",
      "/d/f",
    ],
    [
      "an xattr name of 256 bytes",
      of(file(pattern(1), { xattrs: [xattr(`user.${"a".repeat(251)}`, "")] })),
      "LIMIT_XATTR",
      "/d/f",
    ],
    [
      "more xattrs than 16 bits count",
      of(
        file(pattern(1), {
          xattrs: [..."abcde"].map((name) => xattr(`user.${name}`, new Uint8Array(60_000).fill(name.charCodeAt(0)))),
        }),
      ),
      "LIMIT_XATTR",
      "/d/f",
    ],
    [
      "a namespace that EROFS does not have",
      of(file(pattern(1), { xattrs: [xattr("system.nfs4_acl", "x")] })),
      "UNSUPPORTED_XATTR",
      "/d/f",
    ],
    ["an xattr of no namespace", of(file(pattern(1), { xattrs: [xattr("user.", "x")] })), "UNSUPPORTED_XATTR", "/d/f"],
  ])("%s", (_, tree, code, path) => {
    expect(() => plan(tree)).toThrow(expect.objectContaining({ code, context: expect.objectContaining({ path }) }));
  });
});

describe("a file that is not as large as the tree says", () => {
  const lying = (claimed: number, source: Partial<ByteSource>) =>
    of(file({ size: claimed, open: () => ({ ...fromBytes(pattern(claimed)), ...source }) }));
  test.each<readonly [string, Directory]>([
    ["is smaller", lying(5000, { size: 4999 })],
    ["is larger", lying(5000, { size: 5001 })],
    ["gives less than was asked for", lying(5000, { read: async () => pattern(4000) })],
    ["has extents behind its end", of(file({ ...file(pattern(10)).content, extents: [{ start: 0, end: 11 }] }))],
    [
      "has extents out of order",
      of(
        file({
          ...file(pattern(10)).content,
          extents: [
            { start: 5, end: 7 },
            { start: 0, end: 2 },
          ],
        }),
      ),
    ],
  ])("%s", async (_, tree) => {
    await expect(pack(tree)).rejects.toMatchObject({ code: "MISMATCH_SIZE", context: { path: "/d/f" } });
  });

  test("an error of a source goes through, and reads that were ahead of it are let go", async () => {
    const broken = file({
      size: 10,
      open: () => ({ size: 10, read: () => Promise.reject(new Error("the disk is gone")) }),
    });
    const tree = fill(directory(), { a: broken, b: broken, c: { ...broken }, d: file(pattern(100)) });
    await expect(pack(tree)).rejects.toThrow("the disk is gone");
  });
});

describe("inodes", () => {
  test("are compact where their time is the most frequent one, of several the earliest", () => {
    const at = (mtimeSeconds: number, mtimeNanoseconds = 0) => file(pattern(1), { mtimeSeconds, mtimeNanoseconds });
    const tree = fill(directory({ mtimeSeconds: 5 }), {
      a: at(9),
      b: at(9),
      c: at(7),
      d: at(7),
      e: at(7, 1),
      f: at(-1),
    });
    const { baseTime, inodes } = plan(tree);
    expect(baseTime).toEqual({ seconds: 7, nanoseconds: 0 });
    expect(inodes.filter(({ extended }) => !extended).map(({ name }) => name)).toEqual(["c", "d"]);
  });

  test.each<readonly [string, TreeNode, boolean]>([
    ["uid 65535", file(pattern(1), { uid: 65535 }), false],
    ["uid 65536", file(pattern(1), { uid: 65536 }), true],
    ["gid 65535", file(pattern(1), { gid: 65535 }), false],
    ["gid 65536", file(pattern(1), { gid: 65536 }), true],
    ["2^32 − 1 bytes", file({ size: 2 ** 32 - 1, open: () => fromBytes(new Uint8Array(0)) }), false],
    ["2^32 bytes", file({ size: 2 ** 32, open: () => fromBytes(new Uint8Array(0)) }), true],
  ])("of %s", (_, node, extended) => {
    const { inodes } = plan(fill(directory(), { node }));
    expect(inodes.at(-1)?.extended).toBe(extended);
  });

  test.each([
    [65535, false],
    [65536, true],
  ])("of %i links", async (count, extended) => {
    const linked = file(pattern(2));
    const tree = directory();
    for (let i = 0; i < count; i++) tree.entries.set(`link ${i}` as Name, linked);
    const { inodes } = plan(tree);
    expect(inodes.length).toBe(2);
    expect(inodes[1]).toMatchObject({ nlink: count, extended });
    const node = await (await (await openBytes(await pack(tree))).root()).lookup("link 777" as Name);
    expect(node?.nlink).toBe(count);
  });

  test("have their data in blocks where it does not fit behind them", () => {
    const sizes = [0, 1, 4064, 4065, 4096, 4097, 8160, 8161];
    const tree = fill(directory(), Object.fromEntries(sizes.map((size) => [`file ${size}`, file(pattern(size))])));
    const { inodes } = plan(tree);
    expect(inodes.slice(1).map(({ name, blocks, inlineBytes }) => [name, blocks, inlineBytes])).toEqual([
      ["file 0", 0, 0],
      ["file 1", 0, 1],
      ["file 4064", 0, 4064],
      ["file 4065", 1, 0],
      ["file 4096", 1, 0],
      ["file 4097", 1, 1],
      ["file 8160", 1, 4064],
      ["file 8161", 2, 0],
    ]);
  });

  test("never cross a block with what stands behind them", () => {
    const node = (i: number) => file(pattern((i * 1237) % 9000), { uid: i % 5 === 0 ? 70_000 : 0 });
    const tree = fill(directory(), Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`f${i}`, node(i)])));
    const ends: [number, number][] = plan(tree).inodes.map(({ nid, extended, inlineBytes }) => {
      const start = nid * 32;
      return [start, start + (extended ? 64 : 32) + inlineBytes];
    });
    for (const [start, end] of ends) expect(Math.floor(start / 4096)).toBe(Math.floor((end - 1) / 4096));
    ends.sort(([a], [b]) => a - b);
    for (const [index, [start]] of ends.entries()) expect(start).toBeGreaterThanOrEqual(ends[index - 1]?.[1] ?? 1152);
  });
});

describe("xattrs", () => {
  test("that several inodes have stand once, up to 255 of them an inode", async () => {
    const xattrs = Array.from({ length: 256 }, (_, i) => xattr(`user.${String(i).padStart(3, "0")}`, "value"));
    const tree = fill(directory(), { a: file(pattern(1), { xattrs }), b: file(pattern(2), { xattrs }) });
    const { sharedXattrs, inodes } = plan(tree);
    expect(sharedXattrs.length).toBe(256);
    expect(inodes.map(({ xattrBytes }) => xattrBytes)).toEqual([0, 12 + 4 * 255 + 12, 12 + 4 * 255 + 12]);
    expect(await compareTrees(tree, await (await openBytes(await pack(tree))).root())).toEqual([]);
  });

  test("out of order give the same image", async () => {
    const xattrs = [xattr("user.a", "1"), xattr("user.b", "2"), xattr("trusted.c", "3")];
    const image = await pack(of(file(pattern(1), { xattrs })));
    expect(await pack(of(file(pattern(1), { xattrs: xattrs.toReversed() })))).toEqual(image);
  });

  test("larger than a block, beside files", async () => {
    const large = (letter: string) => xattr("user.large", letter.repeat(9000));
    const tree = fill(directory({ xattrs: [large("r")] }), {
      a: file(pattern(3000), { xattrs: [large("a")] }),
      b: file(pattern(3000), { xattrs: [large("s")] }),
      c: symlink(nameFromText("x".repeat(4000)), { xattrs: [xattr("trusted.t", "s".repeat(200))] }),
      d: file(pattern(3000), { xattrs: [large("s")] }),
    });
    expect(await compareTrees(tree, await (await openBytes(await pack(tree))).root())).toEqual([]);
  });
});

test("the root's number has 16 bits, however large what comes before it", async () => {
  const label = xattr("user.large", new Uint8Array(65_535).fill(1));
  const crowd = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`${"r".repeat(200)}${i}`, empty]));
  const lib = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`${"l".repeat(200)}${i}`, { ...empty }]));
  const shared = Array.from({ length: 60 }, (_, i) => xattr(`user.${100 + i}`, new Uint8Array(65_000).fill(i)));
  const holders = Object.fromEntries(
    Array.from({ length: 40 }, (_, i) => [`holder ${i}`, file(pattern(1), { xattrs: shared.slice(i, i + 3) })]),
  );
  const tree = fill({ ...extension(holders, lib), xattrs: [label] }, crowd);
  const { inodes } = plan(tree);
  expect(inodes[0]?.nid).toBeLessThan(65536);
  expect(await compareTrees(tree, await (await openBytes(await pack(tree))).root())).toEqual([]);
});

test("names that are not UTF-8 are kept", async () => {
  const tree = directory();
  tree.entries.set(nameFromBytes(Uint8Array.of(0xff, 0x80, 0x01)), file(pattern(1)));
  const root = await (await openBytes(await pack(tree))).root();
  expect((await root.entries()).map(({ name }) => name)).toEqual(["\xff\x80\x01"]);
});

test("chunks cover the image but for zeros, each byte once", async () => {
  const planned = plan(fill(extension(), { large: file(pattern(2_500_000)), small: file(pattern(100)) }));
  const seen: [number, number][] = [];
  for await (const { offset, bytes } of emit(planned)) seen.push([offset, offset + bytes.length]);
  expect(seen.at(-1)).toEqual([0, 4096]);
  seen.sort(([a], [b]) => a - b);
  for (const [index, [start]] of seen.entries()) expect(start).toBeGreaterThanOrEqual(seen[index - 1]?.[1] ?? 0);
  expect(seen.at(-1)?.[1]).toBe(planned.sizeBytes);
});

describe("blocks of another size", () => {
  // All data of this image stands behind inodes, in block 0, so the block size is all that there is to change.
  test.each([13, 14, 16])("2^%i bytes", async (log2) => {
    const tree = extension({ link: symlink(nameFromText("lib")), "a file": file(pattern(900)) });
    const small = await pack(tree);
    expect(small.length).toBe(4096);
    const image = new Uint8Array(2 ** log2);
    image.set(small);
    const view = viewOf(image);
    view.setUint8(superOffset + superblockRecord.offsets.blockBytesLog2, log2);
    view.setUint32(superOffset + superblockRecord.offsets.checksum, 0, true);
    view.setUint32(
      superOffset + superblockRecord.offsets.checksum,
      crc32cRaw(0xffffffff, image.subarray(superOffset)),
      true,
    );
    const opened = await openBytes(image);
    expect([opened.blockBytes, opened.sizeBytes]).toEqual([2 ** log2, 2 ** log2]);
    expect(await compareTrees(tree, await opened.root())).toEqual([]);
  });
});

test("the magic number tells an image", async () => {
  const image = await pack(directory());
  expect([isErofs(image), isErofs(image.subarray(0, 1028)), isErofs(image.subarray(0, 1027))]).toEqual([
    true,
    true,
    false,
  ]);
  expect(isErofs(new Uint8Array(2000))).toBe(false);
});
