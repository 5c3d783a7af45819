import { concatBytes, toHex } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import { seededRandom, shuffleTree } from "@sextant/testkit";
import { type Directory, directory, file, type Name, type RegularFile, walkTree } from "@sextant/tree";
import { describe, expect, it } from "vitest";
import { type CompressOptions, compress } from "../src/index.js";
import { compressionWorkers } from "../src/node.js";
import { checkExtents, readStored } from "./stored-content.js";

const random = seededRandom(20261124);

/** Text of a few hundred words: compresses about as programs do. */
function words(size: number): Uint8Array {
  const dictionary = Array.from({ length: 400 }, () => random.bytes(3 + random.below(9)));
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; ) {
    const word = dictionary[random.below(dictionary.length)] ?? new Uint8Array(1);
    bytes.set(word.subarray(0, size - at), at);
    at += word.length;
  }
  return bytes;
}

const shared = words(300_000);
const noise = random.bytes(200_000);

/** Content at the edges of blocks, clusters and tasks, and all that compression, dedupe and fragments are made for. */
const contents: Readonly<Record<string, Uint8Array>> = {
  empty: new Uint8Array(0),
  "one-byte": words(1),
  "a-block": words(4096),
  "a-block-and-one": words(4097),
  zeros: new Uint8Array(3_000_000),
  noise,
  "noise-unaligned": random.bytes(70_001),
  "words-large": words(2_500_000),
  "noise-then-words": concatBytes([noise.subarray(0, 65_537), words(100_000)]),
  "words-then-noise": concatBytes([words(100_001), noise.subarray(0, 66_001)]),
  shared,
  "shared-copy": shared.slice(),
  "shared-within": concatBytes([words(9_001), shared, words(5_003), shared.subarray(0, 200_000), words(77)]),
  "shared-twice": concatBytes([shared, shared]),
  "shared-shifted": concatBytes([words(131), shared.subarray(4_999)]),
};

function sample(): Directory {
  const root = directory();
  for (const [name, bytes] of Object.entries(contents)) root.entries.set(name as Name, file(bytes));
  return root;
}

const filesOf = (tree: Directory): [Name, RegularFile][] =>
  [...walkTree(tree)].flatMap(({ path, node }) => (node.kind === "file" ? [[path, node] as [Name, RegularFile]] : []));

const zstd = { method: "zstd", level: 3, clusterBytes: 65536 } as const;
const cases: readonly (readonly [string, CompressOptions])[] = [
  ["lz4, 4 KiB", { compression: { method: "lz4", level: 0, clusterBytes: 4096 } }],
  ["lz4hc, 64 KiB", { compression: { method: "lz4hc", level: 9, clusterBytes: 65536 } }],
  ["deflate, 16 KiB", { compression: { method: "deflate", level: 6, clusterBytes: 16384 } }],
  ["zstd", { compression: zstd }],
  ["zstd, 1 MiB", { compression: { ...zstd, clusterBytes: 1 << 20 } }],
  ["tail packing", { compression: zstd, tailPacking: true }],
  ["fragments", { compression: zstd, fragments: "tails" }],
  ["all fragments", { compression: zstd, fragments: "all" }],
  ["dedupe", { compression: zstd, dedupe: true }],
  ["dedupe, lz4, 4 KiB", { compression: { method: "lz4", level: 0, clusterBytes: 4096 }, dedupe: true }],
  ["dedupe, fragments", { compression: zstd, dedupe: true, fragments: "tails" }],
  ["dedupe, all fragments", { compression: zstd, dedupe: true, fragments: "all" }],
  ["dedupe, tail packing", { compression: zstd, dedupe: true, tailPacking: true }],
  [
    "two methods and a profile",
    {
      compression: zstd,
      hotCompression: { method: "lz4", level: 0, clusterBytes: 16384 },
      dedupe: true,
      profile: [
        { path: "words-large" as Name, start: 1_000_000, end: 1_050_000 },
        { path: "shared-within" as Name, start: 5, end: 6 },
        { path: "zeros" as Name },
        { path: "words-large" as Name, start: 0, end: 4096 },
        { path: "not-there" as Name },
      ],
    },
  ],
  ["by size", { compression: zstd, order: "size" }],
  [
    "rules",
    {
      compression: zstd,
      choose: (path) => (path.startsWith("noise") ? "store" : { method: "lz4hc", level: 3, clusterBytes: 32768 }),
    },
  ],
];

async function digestOf(tree: Directory, options: CompressOptions): Promise<string> {
  await using made = await compress(tree, { hasher: nodeHasher, ...options });
  const state = nodeHasher.create("sha256");
  state.update(await made.data.read(0, made.data.size));
  state.update(await made.inline.read(0, made.inline.size));
  for (const [, node] of filesOf(tree)) {
    const stored = made.files.get(node);
    if (stored?.kind === "compressed") state.update(new Uint8Array(stored.starts.slice().buffer));
  }
  return toHex(state.digest());
}

describe.each(cases)("%s", (_, options) => {
  it("gives every byte back, from extents that a reader can find", async () => {
    const tree = sample();
    await using made = await compress(tree, { hasher: nodeHasher, ...options });
    for (const [path, node] of filesOf(tree)) {
      expect(checkExtents(made, node), path).toEqual([]);
      const stored = made.files.get(node);
      if (stored === undefined) continue;
      const bytes = await readStored(made, stored, node.content.size);
      expect(Buffer.compare(bytes, contents[path] ?? new Uint8Array(0)), path).toBe(0);
    }
  });

  it("does not depend on the tree's order", async () => {
    expect(await digestOf(shuffleTree(sample(), 7), options)).toBe(await digestOf(sample(), options));
  });
});

it("gives the same bytes with any number of threads", async () => {
  const options: CompressOptions = { compression: zstd, dedupe: true, fragments: "tails" };
  const one = await digestOf(sample(), options);
  for (const jobs of [2, 4])
    expect(await digestOf(sample(), { ...options, workers: compressionWorkers(jobs) })).toBe(one);
});

it("stores what comes again once", async () => {
  const plain = await compress(sample(), { compression: zstd });
  const deduped = await compress(sample(), { compression: zstd, dedupe: true, hasher: nodeHasher });
  expect(deduped.stats.copiedBytes).toBe(shared.length);
  expect(deduped.stats.repeatedBytes).toBeGreaterThan(1_000_000);
  expect(deduped.data.size).toBeLessThan(plain.data.size * 0.75);
});
