import { join } from "node:path";
import { counted, fromBytes } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import { describeWithMounts, describeWithPeers, withLoopMount } from "@sextant/peers";
import {
  arbitraryTree,
  compareTrees,
  compareTreeWithDirectory,
  shuffleTree,
  withTemporaryDirectory,
} from "@sextant/testkit";
import { type Directory, directory, file } from "@sextant/tree";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { check, findChunks, type PlanOptions, plan } from "../src/index.js";
import { openBytes, pack, packFile } from "./helpers.js";
import { fill, xattr, zoo } from "./zoo.js";

/** Bytes that no two blocks of which are equal; `seed` tells contents apart. */
function content(blocks: number, seed: number, more = 0): Uint8Array {
  const bytes = new Uint8Array(4096 * blocks + more);
  for (let at = 0; at < bytes.length; at += 2) {
    bytes[at] = (at >>> 12) + (at >>> 4);
    bytes[at + 1] = seed + (seed >>> 8) * (at & 0xff);
  }
  return bytes;
}

const joined = (...parts: Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]));

const [a, b, c] = [content(8, 1), content(4, 2), content(1, 3)];

/** Each with the blocks of data that sharing leaves of it. */
const rows: readonly (readonly [name: string, blocks: number, files: Readonly<Record<string, Uint8Array>>])[] = [
  ["nothing to share", 12, { a, b }],
  ["equal files", 8, { a, b: a.slice(), c: a.slice() }],
  ["equal files with an inline tail", 8, { a: content(8, 1, 100), b: content(8, 1, 100) }],
  ["equal files with a tail too large to be inline", 9, { a: content(8, 1, 4080), b: content(8, 1, 4080) }],
  ["a file within a larger one", 8, { a, b: a.subarray(8192, 20_480) }],
  ["a file that begins with another", 12, { a, b: joined(a, b) }],
  ["a file that ends with another", 12, { a, b: joined(b, a) }],
  ["a file that repeats itself", 4, { a: joined(b, b, b) }],
  ["a file that repeats a block", 1, { a: joined(...Array<Uint8Array>(100).fill(c)) }],
  ["a file of zeros", 0, { a: new Uint8Array(100_000) }],
  ["a file with zeros within", 5, { a: joined(b, new Uint8Array(409_600), c) }],
  ["zeros at the end of a file, beyond its last block", 4, { a: joined(b, new Uint8Array(40_000)) }],
  [
    "a block that comes again, before a tail that does not pay",
    4,
    { a: joined(b.subarray(0, 4096), c, a.subarray(0, 50)), b: joined(a.subarray(8192, 12_288), c, a.subarray(0, 50)) },
  ],
  [
    "chunks from here and there",
    12,
    { a, b, c: joined(a.subarray(4096, 8192), b, a.subarray(0, 8192), b.subarray(0, 4096)) },
  ],
  [
    "the same backwards",
    8,
    { a, b: joined(...Array.from({ length: 8 }, (_, index) => a.subarray(4096 * (7 - index), 4096 * (8 - index)))) },
  ],
  [
    "more numbers than a block takes",
    2000,
    { a: joined(...Array.from({ length: 2000 }, (_, index) => joined(content(1, index + 1), c))) },
  ],
  ["small files", 0, { a: content(0, 1, 3000), b: content(0, 1, 3000) }],
];

function treeOf(files: Readonly<Record<string, Uint8Array>>): Directory {
  const nodes = Object.entries(files).map(([name, bytes]) => [name, file(bytes)] as const);
  return fill(directory(), Object.fromEntries(nodes));
}

async function sharing(tree: Directory, chunkBytes?: number): Promise<PlanOptions> {
  return { chunks: await findChunks(tree, { chunkBytes, hasher: nodeHasher }) };
}

const dataBlocks = (tree: Directory, options: PlanOptions) => {
  const { sizeBytes, dataBlock } = plan(tree, options);
  return sizeBytes / 4096 - dataBlock;
};

const many = Array.from({ length: 300 }, (_, index) =>
  xattr(`user.many-${String(index).padStart(3, "0")}`, `${index}`),
);

/** Equal files whose ends do not all fit behind their inodes. */
function unequalHeads(): Directory {
  const bytes = content(2, 1, 3000);
  const large = [xattr("user.large", new Uint8Array(3900).fill(0x61))];
  return fill(directory(), {
    a: file(bytes, { xattrs: [xattr("user.small", "1")] }),
    b: file(bytes, { xattrs: large }),
    c: file(bytes, { xattrs: large, uid: 70_000 }),
    d: file(bytes),
    "numbers behind many xattrs": file(joined(c, bytes), { xattrs: many }),
  });
}

/** Files out of few different blocks, with holes, tails and equal parts. */
const arbitraryShares = fc
  .array(
    fc.record({
      blocks: fc.array(fc.nat(6), { maxLength: 12 }),
      tail: fc.constantFrom(0, 0, 1, 4095),
      uid: fc.constantFrom(0, 70_000),
    }),
    {
      minLength: 2,
      maxLength: 12,
    },
  )
  .map((files) => {
    const nodes = files.map(({ blocks, tail, uid }, index) => {
      const bytes = joined(
        ...blocks.map((seed) => content(1, seed).fill(0, seed === 0 ? 0 : 4096)),
        content(0, 9, tail),
      );
      return [`f${index}`, file(bytes, { uid })] as const;
    });
    return fill(directory(), Object.fromEntries(nodes));
  });

const trees: readonly (readonly [string, Directory])[] = [
  ...rows.map(([name, , files]) => [name, treeOf(files)] as const),
  ["equal files whose inodes are not", unequalHeads()],
  ["the zoo", zoo()],
  ...fc.sample(arbitraryTree(), { seed: 6, numRuns: 3 }).map((tree, index) => [`tree ${index}`, tree] as const),
  ...fc.sample(arbitraryShares, { seed: 7, numRuns: 10 }).map((tree, index) => [`shares ${index}`, tree] as const),
];

test.each(rows)("%s: as many blocks as there are different ones", async (_, blocks, files) => {
  const tree = treeOf(files);
  expect(dataBlocks(tree, await sharing(tree))).toBe(blocks);
});

test.each(trees)("%s: what we read back is what was there, and sound", async (_, tree) => {
  const bytesOf = async (chunkBytes: number) => {
    const image = await pack(tree, await sharing(tree, chunkBytes));
    expect(await compareTrees(tree, await (await openBytes(image)).root())).toEqual([]);
    expect((await check(fromBytes(image))).findings).toEqual([]);
    return image.length;
  };
  const alone = (await pack(tree)).length;
  for (const chunkBytes of [4096, 16_384, 1 << 20]) expect(await bytesOf(chunkBytes)).toBeLessThanOrEqual(alone);
});

describeWithMounts("what the kernel mounts", ["erofs"], () => {
  test.each(trees)("%s", async (_, tree) => {
    await withTemporaryDirectory(async (folder) => {
      const path = join(folder, "image");
      await packFile(tree, path, await sharing(tree));
      await withLoopMount(path, "erofs", async (mounted) => {
        expect(await compareTreeWithDirectory(tree, mounted)).toEqual([]);
      });
    });
  });
});

describeWithPeers("what fsck.erofs extracts", ["fsck.erofs"], ({ "fsck.erofs": fsck }) => {
  test.each(trees.filter(([name]) => name !== "the zoo" && !name.startsWith("tree")))("%s", async (_, tree) => {
    await withTemporaryDirectory(async (folder) => {
      const [path, target] = [join(folder, "image"), join(folder, "extracted")];
      await packFile(tree, path, await sharing(tree));
      const { exitCode, stderr } = await fsck.run([`--extract=${target}`, path]);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
      expect(await compareTreeWithDirectory(tree, target, { ignore: ["xattrs"] })).toEqual([]);
    });
  });
});

describe("features", () => {
  const featuresOf = async (tree: Directory) => (await openBytes(await pack(tree, await sharing(tree)))).features;

  test("files that are equal as a whole need none", async () => {
    expect(await featuresOf(treeOf({ a, b: a }))).not.toContain("chunked_file");
  });

  test("files that share parts need chunks", async () => {
    expect(await featuresOf(treeOf({ a, b: joined(b, a) }))).toContain("chunked_file");
  });
});

describe("equal identities", () => {
  const named = (identity: string | undefined, bytes: Uint8Array) =>
    file({ size: bytes.length, identity, open: () => fromBytes(bytes) });
  const tree = fill(directory(), {
    a: named("1", content(3, 1, 10)),
    b: named("1", content(3, 1, 10)),
    c: named("2", content(3, 1, 10)),
    d: named(undefined, content(3, 1, 10)),
    "another size": named("1", content(2, 1, 10)),
  });

  test("share blocks where that is asked for", async () => {
    expect([dataBlocks(tree, {}), dataBlocks(tree, { shareIdentical: true })]).toEqual([14, 11]);
    const image = await pack(tree, { shareIdentical: true });
    expect(await compareTrees(tree, await (await openBytes(image)).root())).toEqual([]);
    expect((await check(fromBytes(image))).findings).toEqual([]);
  });

  test("are read once when chunks are looked for", async () => {
    const { readBytes, count } = await findChunks(tree, { hasher: nodeHasher });
    expect(readBytes).toBe(3 * (3 * 4096 + 10) + 2 * 4096 + 10);
    // Three blocks, and the ends of both sizes.
    expect(count).toBe(5);
  });
});

describe("looking for chunks", () => {
  test("known holes are not read", async () => {
    const source = counted(fromBytes(joined(new Uint8Array(40_960), b, new Uint8Array(40_960))));
    const extents = [
      { start: 41_000, end: 41_001 },
      { start: 41_010, end: 57_344 },
    ];
    const tree = fill(directory(), { a: file({ size: source.size, extents, open: () => source }) });
    const { files, readBytes } = await findChunks(tree);
    const [found] = files.values();
    expect([...(found?.numbers ?? [])]).toEqual([...Array(10).fill(-1), 0, 1, 2, 3, ...Array(10).fill(-1)]);
    expect(readBytes).toBe(16_384);
    expect(source.count.bytes).toBe(readBytes);
  });

  test.each([0, 1, 512, 2048, 6000, 2 ** 21, Number.NaN])("chunks of %d bytes are none", async (chunkBytes) => {
    await expect(findChunks(directory(), { chunkBytes })).rejects.toThrow(RangeError);
  });

  test("chunks of another tree are refused", async () => {
    const options = await sharing(treeOf({ a }));
    expect(() => plan(treeOf({ a }), options)).toThrow(TypeError);
  });

  test("a source of another size than the tree says is refused", async () => {
    const tree = fill(directory(), { f: file({ size: 10_000, open: () => fromBytes(new Uint8Array(9999)) }) });
    await expect(findChunks(tree)).rejects.toMatchObject({ code: "MISMATCH_SIZE", context: { path: "/f" } });
  });

  test("the order of entries changes nothing", async () => {
    const tree = zoo({ small: true });
    const image = await pack(tree, await sharing(tree));
    for (const seed of [1, 2]) {
      const shuffled = shuffleTree(tree, seed);
      expect(await pack(shuffled, await sharing(shuffled))).toEqual(image);
    }
  });
});
