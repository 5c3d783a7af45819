import { counted, fromBytes } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import { type VerifiedOptions, verifiedSource } from "@sextant/verity";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { flipped, opened, rejectionOf, type Sealed, sealed } from "./sealed.js";

const hasher = nodeHasher;
const small = { dataBlockBytes: 512, hashBlockBytes: 512, salt: Uint8Array.of(1, 2, 3) } as const;

async function verified({ data, tree, area }: Sealed, options: VerifiedOptions = {}) {
  const counts = { data: counted(fromBytes(data, "data")), hash: counted(fromBytes(area, "hash")) };
  const opening = await opened(counts.hash);
  counts.hash.count.requests = 0;
  counts.hash.count.bytes = 0;
  const source = verifiedSource(counts.data, opening, tree.rootHash, { hasher, ...options });
  return { source, data: counts.data.count, hash: counts.hash.count };
}

describe("a verified source", () => {
  test("gives the data, for any reads in any order with any cache", async () => {
    const whole = await sealed(300, small);
    const place = fc.nat(300 * 512);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(place, place), { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 0, max: 5 }),
        fc.boolean(),
        async (ranges, cachedBlocks, atOnce) => {
          const { source } = await verified(whole, { cachedBlocks });
          expect(source.size).toBe(whole.data.length);
          const read = async ([a, b]: [number, number]) => {
            const [start, end] = [Math.min(a, b), Math.max(a, b)];
            const bytes = await source.read(start, end);
            expect(Buffer.compare(bytes, whole.data.subarray(start, end))).toBe(0);
          };
          if (atOnce) await Promise.all(ranges.map(read));
          else for (const range of ranges) await read(range);
        },
      ),
      { seed: 4, numRuns: 100 },
    );
  });

  test("reads only the blocks that it is asked for and the tree above them", async () => {
    // Levels of 130, 2 and 1 blocks.
    const whole = await sealed(16600, { ...small, hashBlockBytes: 4096 });
    const { source, data, hash } = await verified(whole);
    const steps: [start: number, end: number, dataBytes: number, treeRequests: number, treeBytes: number][] = [
      [0, 0, 0, 0, 0],
      [700, 701, 512, 3, 3 * 4096],
      [700, 701, 512, 0, 0],
      [0, 128 * 512, 128 * 512, 0, 0],
      // Into the next block of level 0.
      [128 * 512 - 1, 128 * 512 + 1, 1024, 1, 4096],
      // The end stands under the second block of level 1.
      [16599 * 512, 16600 * 512, 512, 2, 2 * 4096],
      // Several missing blocks of a level in one request.
      [256 * 512, 640 * 512, 384 * 512, 1, 3 * 4096],
    ];
    for (const [start, end, dataBytes, treeRequests, treeBytes] of steps) {
      Object.assign(data, { requests: 0, bytes: 0 });
      Object.assign(hash, { requests: 0, bytes: 0 });
      await source.read(start, end);
      expect([start, end, data, hash]).toEqual([
        start,
        end,
        { requests: dataBytes === 0 ? 0 : 1, bytes: dataBytes },
        { requests: treeRequests, bytes: treeBytes },
      ]);
    }
  });

  test("shares requests for the tree between reads at the same time", async () => {
    const { source, hash } = await verified(await sealed(300, small));
    await Promise.all(Array.from({ length: 10 }, (_, i) => source.read(i * 512, i * 512 + 1)));
    expect(hash).toEqual({ requests: 3, bytes: 3 * 512 });
  });

  test("keeps as many tree blocks as it is told to", async () => {
    const { source, hash } = await verified(await sealed(300, small), { cachedBlocks: 2 });
    await source.read(0, 1);
    await source.read(0, 1);
    // The top block was dropped for the two below it.
    expect(hash).toEqual({ requests: 4, bytes: 4 * 512 });
  });

  test("refuses ranges outside of it", async () => {
    const { source } = await verified(await sealed(3, small));
    for (const [start, end] of [
      [-1, 1],
      [0, 3 * 512 + 1],
      [2, 1],
    ] as const) {
      expect(await rejectionOf(source.read(start, end))).toBeInstanceOf(RangeError);
    }
  });
});

describe("a flipped bit", () => {
  test("in the data fails the reads of its block and no others", async () => {
    const whole = await sealed(300, small);
    const { source } = await verified({ ...whole, data: flipped(whole.data, (100 * 512 + 3) * 8) });
    const error = {
      code: "MISMATCH_DATA_BLOCK",
      message: "data block 100 does not match its digest in the verity tree",
      context: { path: "data[100]", offset: 100 * 512, source: "data", block: 100 },
    };
    expect(await rejectionOf(source.read(100 * 512, 101 * 512))).toMatchObject(error);
    expect(await rejectionOf(source.read(0, 300 * 512))).toMatchObject(error);
    expect(await source.read(99 * 512, 100 * 512)).toEqual(whole.data.subarray(99 * 512, 100 * 512));
    expect(await source.read(101 * 512, 300 * 512)).toEqual(whole.data.subarray(101 * 512));
  });

  test.each([
    [0, 5, 16, "MISMATCH_TREE_BLOCK"],
    [1, 1, 256, "MISMATCH_TREE_BLOCK"],
    [2, 0, 4096, "MISMATCH_ROOT_HASH"],
  ] as const)("in block %i, %i of the tree fails the reads below it", async (level, block, dataBlocks, code) => {
    const whole = await sealed(300, small);
    const offset = 512 + (whole.tree.shape.levels[level]?.offset ?? 0) + block * 512;
    const { source } = await verified({ ...whole, area: flipped(whole.area, offset * 8 + 1000) });
    const path = `tree.level${level}[${block}]`;
    const error = { code, context: { path, offset, source: "hash", level, block } };
    const first = block * dataBlocks;
    const end = Math.min(300, first + dataBlocks);
    for (const at of [first, end - 1]) {
      // Twice: what has failed is not kept.
      expect(await rejectionOf(source.read(at * 512, at * 512 + 1))).toMatchObject(error);
      expect(await rejectionOf(source.read(at * 512, at * 512 + 1))).toMatchObject(error);
    }
    if (first > 0) expect((await source.read(0, first * 512)).length).toBe(first * 512);
    if (end < 300) expect((await source.read(end * 512, 300 * 512)).length).toBe((300 - end) * 512);
  });

  test("in data of one block", async () => {
    const whole = await sealed(1, small);
    const { source } = await verified({ ...whole, data: flipped(whole.data, 5) });
    expect(await rejectionOf(source.read(0, 1))).toMatchObject({ code: "MISMATCH_ROOT_HASH", context: { offset: 0 } });
  });

  test("in the root hash", async () => {
    const whole = await sealed(300, small);
    const { source } = await verified({ ...whole, tree: { ...whole.tree, rootHash: flipped(whole.tree.rootHash, 0) } });
    expect(await rejectionOf(source.read(0, 1))).toMatchObject({ code: "MISMATCH_ROOT_HASH" });
  });
});

test("a source that fails once is asked again", async () => {
  const whole = await sealed(300, small);
  const area = await opened(whole.area);
  let failures = 2;
  const flaky = {
    ...area,
    tree: {
      size: area.tree.size,
      read: async (start: number, end: number) => {
        if (failures-- > 0) throw new Error("line dropped");
        return area.tree.read(start, end);
      },
    },
  };
  const source = verifiedSource(fromBytes(whole.data), flaky, whole.tree.rootHash, { hasher });
  expect(await rejectionOf(source.read(0, 1))).toMatchObject({ message: "line dropped" });
  expect(await source.read(0, 1)).toEqual(whole.data.subarray(0, 1));
});
