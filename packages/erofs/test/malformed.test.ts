import { type ByteSource, CodedError, counted, crc32cRaw, fromBytes, viewOf } from "@sextant/bytes";
import { mutations } from "@sextant/testkit";
import { directory, file, type LazyNode, type Name, nameFromText, symlink } from "@sextant/tree";
import { describe, expect, test } from "vitest";
import { check, dump, ErofsError, open } from "../src/index.js";
import { compactInodeRecord, direntRecord, superblockRecord, superOffset } from "../src/layout.js";
import { pack } from "./helpers.js";
import { fill, pattern, xattr, zoo } from "./zoo.js";

/** Reads all there is: attributes, xattrs, entries, targets, and the data that is no hole. */
async function readAll(source: ByteSource): Promise<void> {
  const visit = async (node: LazyNode): Promise<void> => {
    await node.xattrs();
    if (node.kind === "symlink") await node.readlink();
    if (node.kind === "file") {
      const { size, extents, open: openContent } = node.content();
      const content = openContent();
      for (const { start, end } of extents ?? [{ start: 0, end: size }]) {
        for (let at = start; at < end; at += 1 << 20) await content.read(at, Math.min(end, at + (1 << 20)));
      }
    }
    if (node.kind === "directory") for (const entry of await node.entries()) await visit(await entry.node());
  };
  await visit(await (await open(source)).root());
}

const { offsets: superField } = superblockRecord;
const { offsets: inodeField, size: inodeBytes } = compactInodeRecord;
const { offsets: direntField } = direntRecord;

/** `/d/f`, `/l`, `/x`; every inode compact. */
const tree = fill(directory(), {
  d: fill(directory(), { f: file(pattern(5000)), g: file(pattern(4096)) }),
  l: symlink(nameFromText("d/f")),
  x: file(pattern(3), { xattrs: [xattr("user.a", "b"), xattr("user.shared", "value")] }),
  y: file(pattern(3), { xattrs: [xattr("user.shared", "value")] }),
});

/** Sets the checksum to what it should be. */
function seal(image: Uint8Array): Uint8Array {
  const view = viewOf(image);
  view.setUint32(superOffset + superField.checksum, 0, true);
  view.setUint32(superOffset + superField.checksum, crc32cRaw(0xffffffff, image.subarray(superOffset, 4096)), true);
  return image;
}

interface Places {
  readonly root: number;
  readonly d: number;
  readonly f: number;
  readonly l: number;
  readonly x: number;
  readonly y: number;
}

/** A good image and where its inodes stand. */
async function sample(): Promise<{ image: Uint8Array; at: Places }> {
  const image = await pack(tree);
  const root = await (await open(fromBytes(image))).root();
  const offset = async (node: LazyNode | undefined) => 32 * Number(node?.id);
  const d = await root.lookup("d" as Name);
  const at: Places = {
    root: await offset(root),
    d: await offset(d),
    f: await offset(await d?.lookup("f" as Name)),
    l: await offset(await root.lookup("l" as Name)),
    x: await offset(await root.lookup("x" as Name)),
    y: await offset(await root.lookup("y" as Name)),
  };
  return { image, at };
}

type Damage = (view: DataView, at: Places, image: Uint8Array) => void;
const field = (offset: (at: Places) => number, bits: 8 | 16 | 32, value: number): Damage => {
  return (view, at) => {
    if (bits === 8) view.setUint8(offset(at), value);
    else if (bits === 16) view.setUint16(offset(at), value, true);
    else view.setUint32(offset(at), value, true);
  };
};
const inSuper = (name: keyof typeof superField, bits: 8 | 16 | 32, value: number) =>
  field(() => superOffset + superField[name], bits, value);
const inInode = (of: keyof Places, name: keyof typeof inodeField, bits: 16 | 32, value: number) =>
  field((at) => at[of] + inodeField[name], bits, value);
/** Of the directory `d`: `.`, `..`, `f`, `g`. */
const inDirent = (index: number, name: keyof typeof direntField, bits: 8 | 16 | 32, value: number) =>
  field((at) => at.d + inodeBytes + index * direntRecord.size + direntField[name], bits, value);
const inXattrs = (offset: number, bits: 8 | 16 | 32, value: number) =>
  field((at) => at.x + inodeBytes + offset, bits, value);

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
    "compressed metadata",
    inSuper("featureIncompat", 32, 0x100),
    "UNSUPPORTED_FEATURE",
    "superblock.featureIncompat",
    /metabox/,
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
    "MALFORMED_DIRECTORY",
    "inode .*block 0",
    /9223372036854775808/,
  ],
  [
    "an inode number of 2^53 − 1",
    (view, at) => view.setBigUint64(at.d + inodeBytes + 2 * 12, (1n << 53n) - 1n, true),
    "MALFORMED_INODE",
    "inode 9007199254740991.format",
    /would stand/,
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

describe("what only a check finds", () => {
  test.each<readonly [string, Damage, string, string]>([
    ["a link count", inInode("f", "nlinkOrHigh", 16, 3), "MISMATCH_LINKS", "/d/f"],
    ["a directory's link count", inInode("root", "nlinkOrHigh", 16, 2), "MISMATCH_LINKS", "/"],
    ["the count of inodes", inSuper("inodes", 32, 8), "MISMATCH_COUNT", "superblock.inodes"],
    ["the type in an entry", inDirent(2, "fileType", 8, 7), "MISMATCH_TYPE", "/d/f"],
    ["an undefined type in an entry", inDirent(2, "fileType", 8, 9), "MISMATCH_TYPE", "/d/f"],
    [
      "a dot that leads elsewhere",
      (view, at) => view.setUint32(at.d + inodeBytes, at.root / 32, true),
      "MISMATCH_PARENT",
      "/d",
    ],
    [
      "a parent that is none",
      (view, at) => view.setUint32(at.d + inodeBytes + 12, at.d / 32, true),
      "MISMATCH_PARENT",
      "/d",
    ],
    ["no parent", (view, at) => view.setUint8(at.d + inodeBytes + 4 * 12 + 2, 0x61), "MISMATCH_PARENT", "/d"],
    [
      "two files in the same blocks",
      (view, at) =>
        view.setUint32(at.f + inodeField.address, view.getUint32(at.f + inodeField.address, true) + 1, true),
      "MALFORMED_OVERLAP",
      "/d/g",
    ],
    ["a file in the metadata", inInode("f", "address", 32, 0), "MALFORMED_OVERLAP", "/"],
    [
      "a directory within itself",
      (view, at) => {
        view.setUint32(at.d + inodeBytes + 2 * 12, at.d / 32, true);
        view.setUint8(at.d + inodeBytes + 2 * 12 + 10, 2);
      },
      "MALFORMED_CYCLE",
      "/d/f",
    ],
    ["fewer blocks than are in use", inSuper("blocksLow", 32, 1), "MALFORMED_DATA", "/d/f"],
  ])("%s", async (_, damage, code, path) => {
    const { image, at } = await sample();
    damage(viewOf(image), at, image);
    const { findings } = await check(fromBytes(seal(image)));
    expect(findings.map((finding) => [finding.code, finding.path])).toContainEqual([code, path]);
  });

  test("findings are bounded", async () => {
    const image = await pack(zoo());
    const broken = image.slice();
    for (let at = 4096; at < broken.length; at += 32) broken[at] = 0xff;
    const all = await check(fromBytes(broken));
    expect(all.findings.length).toBeGreaterThan(3);
    const few = await check(fromBytes(broken), { maxFindings: 2 });
    expect(few.findings).toEqual(all.findings.slice(0, 2));
    expect([few.truncated, all.truncated]).toEqual([true, false]);
  });
});

describe("sizes that lie", () => {
  /** The sample with one extended inode, which has 64 bits for its size. */
  async function withSize(size: bigint, damage: (view: DataView, at: number) => void = () => {}) {
    const image = await pack(fill(directory(), { f: file(pattern(5000), { uid: 70_000 }) }));
    const node = await (await (await open(fromBytes(image))).root()).lookup(nameFromText("f"));
    const at = 32 * Number(node?.id);
    const view = viewOf(image);
    view.setBigUint64(at + 8, size, true);
    damage(view, at);
    return counted(fromBytes(seal(image)));
  }
  const plain = (view: DataView, at: number) => view.setUint16(at, 1, true);
  const hole = (view: DataView, at: number) => {
    plain(view, at);
    view.setUint32(at + 16, 0xffffffff, true);
    view.setUint16(at + 6, 0xffff, true);
  };
  const chunked = (bits: number) => (view: DataView, at: number) => {
    view.setUint16(at, 1 + (4 << 1), true);
    view.setUint32(at + 16, bits, true);
  };

  interface Row {
    readonly what: string;
    readonly size: bigint;
    readonly damage?: (view: DataView, at: number) => void;
    readonly code: string;
    /** What the check finds first, where it is something else. */
    readonly found?: string;
  }
  const most = 2n ** 53n - 1n;
  const sizes: Row[] = [
    { what: "2^60 bytes", size: 2n ** 60n, code: "LIMIT_RANGE" },
    { what: "2^53 − 1 bytes behind the inode", size: most, code: "MALFORMED_DATA" },
    { what: "2^53 − 1 bytes in blocks", size: most, damage: plain, code: "MALFORMED_DATA" },
    {
      what: "2^53 − 1 bytes in small chunks",
      size: most,
      damage: chunked(0),
      code: "MALFORMED_DATA",
      found: "MALFORMED_TRUNCATED",
    },
    { what: "2^43 bytes in one chunk", size: 2n ** 43n, damage: chunked(31), code: "MALFORMED_DATA" },
  ];
  test.each(sizes)("$what", async ({ size, damage, code, found = code }) => {
    const source = await withSize(size, damage);
    await expect(readAll(source)).rejects.toMatchObject({ code });
    expect((await check(source)).findings[0]?.code).toBe(found);
    expect(source.count.bytes).toBeLessThan(200_000);
  });

  test("2^53 − 1 bytes of nothing are a hole, and cost nothing", async () => {
    const source = await withSize(2n ** 53n - 1n, hole);
    await readAll(source);
    const node = await (await (await open(source)).root()).lookup(nameFromText("f"));
    expect(node?.content()).toMatchObject({ size: 2 ** 53 - 1, extents: [] });
    expect(
      await node
        ?.content()
        .open()
        .read(2 ** 52, 2 ** 52 + 3),
    ).toEqual(new Uint8Array(3));
  });
});

describe("fuzz", () => {
  test("damaged images throw only what they should, and soon", async () => {
    const image = await pack(zoo({ small: true }));
    for (const { bytes, what } of mutations(image, { seed: 1, count: 1000 })) {
      const source = fromBytes(bytes.length >= 4096 ? seal(bytes) : bytes);
      for (const read of [readAll, async (of: ByteSource) => void (await check(of)), drain]) {
        await read(source).catch((error: unknown) => {
          if (!(error instanceof CodedError)) throw new Error(`${what}: ${String(error)}`, { cause: error });
        });
      }
    }
  });
});

async function drain(source: ByteSource): Promise<void> {
  for await (const _ of dump(source));
}
