import { fromBytes, viewOf } from "@sextant/bytes";
import { describe, expect, test } from "vitest";
import { check, ErofsError, open } from "../src/index.js";
import { superOffset } from "../src/layout.js";
import {
  type Damage,
  inDirent,
  inInode,
  inodeBytes,
  inodeField,
  inSuper,
  inXattrs,
  readAll,
  sample,
  seal,
  superField,
} from "./damage.js";

/** What reading throws, what the check finds first, and the path that both name. */
const rows: readonly (readonly [string, Damage, string, string, RegExp])[] = [
  ["no magic number", inSuper("magic", 32, 1), "MALFORMED_SUPERBLOCK", "superblock.magic", /magic/],
  ["blocks of 256 bytes", inSuper("blockBytesLog2", 8, 8), "MALFORMED_SUPERBLOCK", "superblock.blockBytesLog2", /2\^8/],
  [
    "blocks of 2^255 bytes",
    inSuper("blockBytesLog2", 8, 255),
    "MALFORMED_SUPERBLOCK",
    "superblock.blockBytesLog2",
    /2\^255/,
  ],
  [
    "a feature of tomorrow",
    inSuper("featureIncompat", 32, 0x80000000),
    "UNSUPPORTED_FEATURE",
    "superblock.featureIncompat",
    /incompat:0x80000000/,
  ],
  [
    "compressed metadata without an inode for it",
    inSuper("featureIncompat", 32, 0x100),
    "MALFORMED_SUPERBLOCK",
    "superblock.extensionSlots",
    /no room/,
  ],
  [
    "large directory blocks",
    inSuper("directoryBlockLog2", 8, 1),
    "UNSUPPORTED_FEATURE",
    "superblock.directoryBlockLog2",
    /directory blocks/,
  ],
  [
    "2^32 blocks",
    inSuper("blocksLow", 32, 0xffffffff),
    "MALFORMED_TRUNCATED",
    "superblock.blocksLow",
    /17592186040320 bytes/,
  ],
  ["a root beyond the end", inSuper("rootNid16", 16, 0xffff), "MALFORMED_INODE", "inode 65535.format", /byte 2097120/],
  ["a root in an inode's tail", inSuper("rootNid16", 16, 3), "MALFORMED_INODE", "inode 3.mode", /no file type/],
  ["an unknown inode format", inInode("f", "format", 16, 0x20), "UNSUPPORTED_LAYOUT", "inode .*format", /0x20/],
  ["an unknown data layout", inInode("f", "format", 16, 5 << 1), "UNSUPPORTED_LAYOUT", "inode .*format", /layout 5/],
  ["no file type", inInode("f", "mode", 16, 0o644), "MALFORMED_INODE", "inode .*mode", /0644/],
  [
    "an impossible nanosecond",
    inSuper("fixedNanoseconds", 32, 1e9),
    "MALFORMED_INODE",
    "inode .*mtimeNanoseconds",
    /nanoseconds/,
  ],
  [
    "a directory as large as can be",
    inInode("d", "size", 32, 0xffffffff),
    "MALFORMED_DATA",
    "inode .*data",
    /crosses a block|ends at byte/,
  ],
  [
    "a file whose blocks are not there",
    inInode("f", "address", 32, 0x7fffffff),
    "MALFORMED_DATA",
    "inode .*data",
    /ends at byte/,
  ],
  [
    "a file larger than its image",
    inInode("f", "size", 32, 0x80000010),
    "MALFORMED_DATA",
    "inode .*data",
    /ends at byte/,
  ],
  [
    "a tail that crosses a block",
    inInode("f", "size", 32, 4096 + 4090),
    "MALFORMED_DATA",
    "inode .*data",
    /crosses a block/,
  ],
  [
    "an unknown chunk format",
    (view, { f }) => {
      view.setUint16(f, 4 << 1, true);
      view.setUint32(f + inodeField.address, 0x80, true);
    },
    "UNSUPPORTED_LAYOUT",
    "inode .*address",
    /0x80/,
  ],
  ["a symlink that is too long", inInode("l", "size", 32, 4097), "LIMIT_SYMLINK", "inode .*size", /4097 bytes/],
  ["an empty symlink", inInode("l", "size", 32, 0), "MALFORMED_DATA", "inode .*data", /empty/],
  ["names before the entries", inDirent(0, "nameOffset", 16, 6), "MALFORMED_DIRECTORY", "inode .*block 0", /byte 6/],
  ["no entries", inDirent(0, "nameOffset", 16, 0), "MALFORMED_DIRECTORY", "inode .*block 0", /byte 0/],
  ["half an entry", inDirent(0, "nameOffset", 16, 46), "MALFORMED_DIRECTORY", "inode .*block 0", /byte 46/],
  [
    "names behind the block",
    inDirent(0, "nameOffset", 16, 60_000),
    "MALFORMED_DIRECTORY",
    "inode .*block 0",
    /byte 60000/,
  ],
  [
    "a name that ends before it begins",
    inDirent(2, "nameOffset", 16, 40),
    "MALFORMED_DIRECTORY",
    "inode .*block 0",
    /entry 1/,
  ],
  ["a name behind the block", inDirent(3, "nameOffset", 16, 9000), "MALFORMED_DIRECTORY", "inode .*block 0", /entry 2/],
  [
    "a slash in a name",
    (view, at) => view.setUint8(at.d + inodeBytes + 4 * 12 + 3, 0x2f),
    "MALFORMED_DIRECTORY",
    "inode .*block 0",
    /slash/,
  ],
  [
    "names out of order",
    (view, at) => view.setUint8(at.d + inodeBytes + 4 * 12 + 3, 0x7a),
    "MALFORMED_DIRECTORY",
    "inode .*block 0",
    /byte order/,
  ],
  [
    "two entries of one name",
    (view, at) => view.setUint8(at.d + inodeBytes + 4 * 12 + 4, 0x66),
    "MALFORMED_DIRECTORY",
    "inode .*block 0",
    /byte order/,
  ],
  [
    "an inode number of 2^63",
    (view, at) => view.setBigUint64(at.d + inodeBytes + 2 * 12, 1n << 63n, true),
    "MALFORMED_INODE",
    "superblock",
    /metabox/,
  ],
  [
    "an inode number of 2^53 − 1",
    (view, at) => view.setBigUint64(at.d + inodeBytes + 2 * 12, (1n << 53n) - 1n, true),
    "MALFORMED_DIRECTORY",
    "inode .*block 0",
    /9007199254740991/,
  ],
  ["more shared xattrs than there is room for", inXattrs(4, 8, 200), "MALFORMED_XATTR", "inode .*xattrs", /200 shared/],
  [
    "a shared xattr beyond the end",
    inXattrs(12, 32, 0xffffff),
    "MALFORMED_TRUNCATED",
    "shared xattr 16777215",
    /ends at byte/,
  ],
  [
    "an xattr longer than its body",
    inXattrs(12 + 4 + 2, 16, 60_000),
    "MALFORMED_XATTR",
    "inode .*xattrs",
    /longer than what is left/,
  ],
  [
    "an xattr body beyond the image",
    inInode("x", "xattrCount", 16, 0xffff),
    "MALFORMED_TRUNCATED",
    "inode .*xattrs",
    /ends at byte/,
  ],
  ["a NUL in an xattr's name", inXattrs(12 + 4 + 4, 8, 0), "MALFORMED_XATTR", "xattr.name", /NUL/],
];

describe("damage", () => {
  test.each(rows)("%s", async (_, damage, code, path, message) => {
    const { image, at } = await sample();
    damage(viewOf(image), at, image);
    const error = await readAll(fromBytes(seal(image))).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ErofsError);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect((error as ErofsError).context.path).toMatch(new RegExp(`^${path}$`));
    expect(Number((error as ErofsError).context.offset)).toBeGreaterThan(0);
    const { findings } = await check(fromBytes(image));
    expect(findings.map((finding) => finding.code)).toContain(code);
  });
});

describe("what is no image", () => {
  test.each<readonly [string, (image: Uint8Array) => Uint8Array, string]>([
    ["nothing", () => new Uint8Array(0), "MALFORMED_TRUNCATED"],
    ["half a superblock", (image) => image.slice(0, 1100), "MALFORMED_TRUNCATED"],
    ["zeros", () => new Uint8Array(8192), "MALFORMED_SUPERBLOCK"],
    ["a block of an image of several", (image) => image.slice(0, 4096), "MALFORMED_TRUNCATED"],
    ["an image without its last byte", (image) => image.slice(0, -1), "MALFORMED_TRUNCATED"],
    ["a wrong checksum", (image) => Object.assign(image, { 2000: 1 }), "MISMATCH_CHECKSUM"],
  ])("%s", async (_, make, code) => {
    const source = fromBytes(make((await sample()).image), "image");
    await expect(open(source)).rejects.toMatchObject({ code });
    const { findings, inodes } = await check(source);
    expect([findings.map((finding) => finding.code), inodes]).toEqual([[code], 0]);
  });

  test("a checksum counts only where the superblock says that there is one", async () => {
    const { image } = await sample();
    const view = viewOf(image);
    view.setUint32(superOffset + superField.featureCompat, 2, true);
    await readAll(fromBytes(image));
  });
});
