import { counted, fromBytes, slice } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import { checkDigests, checkVerity, verifiedSource } from "@sextant/verity";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { flipped, opened, rejectionOf, type Sealed, sealed } from "./sealed.js";

const hasher = nodeHasher;
/** Three levels of 19, 2 and 1 blocks, none full. */
const small = { dataBlockBytes: 512, hashBlockBytes: 512, salt: Uint8Array.of(1, 2, 3) } as const;

async function check({ data, tree, area }: Sealed, options = {}) {
  return checkVerity(fromBytes(data), await opened(area), tree.rootHash, { hasher, ...options });
}

/** What stands at a byte of a hash area: level and block, and the entry that the byte is part of. */
function placeOf({ tree }: Sealed, treeByte: number) {
  const block = tree.params.hashBlockBytes;
  const level = tree.shape.levels.findIndex(({ offset, blocks }) => {
    return treeByte >= offset && treeByte < offset + blocks * block;
  });
  const { offset = 0, dataBlocksPerBlock = 1 } = tree.shape.levels[level] ?? {};
  const within = treeByte - offset;
  return {
    level,
    block: Math.floor(within / block),
    child: Math.floor(within / tree.shape.digestBytes),
    children: level === 0 ? tree.params.dataBlocks : (tree.shape.levels[level - 1]?.blocks ?? 0),
    dataBlocksPerBlock,
  };
}

describe("a single flipped bit", () => {
  test("anywhere in the data is found, and only it", async () => {
    const whole = await sealed(300, small);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.data.length * 8 - 1), async (bit) => {
        const block = Math.floor(bit / 8 / 512);
        const data = flipped(whole.data, bit);
        const report = await check({ ...whole, data });
        expect(report).toMatchObject({ ok: false, damagedDataBlocks: 1, damagedTreeBlocks: 0, suspectBlocks: 0 });
        expect(report.unprovenDataBlocks).toBe(0);
        expect(report.damage).toEqual([
          {
            area: "data",
            level: undefined,
            block,
            offset: block * 512,
            bytes: 512,
            firstDataBlock: block,
            dataBlocks: 1,
            certain: true,
          },
        ]);
      }),
      { seed: 2, numRuns: 60 },
    );
  });

  test("anywhere in the tree is found, with the entry that it spoils as the only suspect", async () => {
    const whole = await sealed(300, small);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.tree.shape.treeBytes * 8 - 1), async (bit) => {
        const place = placeOf(whole, Math.floor(bit / 8));
        const report = await check({ ...whole, area: flipped(whole.area, 512 * 8 + bit) });
        const first = place.block * place.dataBlocksPerBlock;
        const dataBlocks = Math.min(300 - first, place.dataBlocksPerBlock);
        const suspects = place.child < place.children ? 1 : 0;
        expect(report).toMatchObject({
          ok: false,
          damagedDataBlocks: 0,
          damagedTreeBlocks: 1,
          suspectBlocks: suspects,
        });
        expect(report.unprovenDataBlocks).toBe(dataBlocks);
        const [found, ...rest] = report.damage;
        expect(found).toEqual({
          area: "tree",
          level: place.level,
          block: place.block,
          offset: 512 + Math.floor(bit / 8 / 512) * 512,
          bytes: 512,
          firstDataBlock: first,
          dataBlocks,
          certain: true,
        });
        const level = place.level === 0 ? undefined : place.level - 1;
        const suspect = { area: level === undefined ? "data" : "tree", level, block: place.child, certain: false };
        expect(rest).toMatchObject(suspects === 0 ? [] : [suspect]);
      }),
      { seed: 3, numRuns: 150 },
    );
  });

  test("in the root hash makes the top block wrong and everything unproven", async () => {
    const whole = await sealed(300, small);
    const rootHash = flipped(whole.tree.rootHash, 77);
    const report = await checkVerity(fromBytes(whole.data), await opened(whole.area), rootHash, { hasher });
    expect(report).toMatchObject({ ok: false, damagedTreeBlocks: 1, suspectBlocks: 0, unprovenDataBlocks: 300 });
    expect(report.damage).toMatchObject([{ area: "tree", level: 2, block: 0, certain: true, dataBlocks: 300 }]);
  });

  test("in data of one block, which have no tree", async () => {
    const whole = await sealed(1, small);
    expect(await check(whole)).toMatchObject({ ok: true, dataBlocks: 1, treeBlocks: 0 });
    const report = await check({ ...whole, data: flipped(whole.data, 9) });
    expect(report.damage).toMatchObject([{ area: "data", block: 0, certain: true }]);
  });
});

describe("a check", () => {
  test.each([1, 2, 16, 17, 256, 257, 300])("of %i good blocks finds nothing", async (blocks) => {
    const report = await check(await sealed(blocks, small));
    expect(report).toMatchObject({ ok: true, dataBlocks: blocks, damage: [], unprovenDataBlocks: 0 });
  });

  test("reads all data and all of the tree, each once", async () => {
    const whole = await sealed(16500, { ...small, hashBlockBytes: 4096 });
    const data = counted(fromBytes(whole.data));
    const hash = counted(fromBytes(whole.area));
    const area = await opened(hash);
    const report = await checkVerity(data, area, whole.tree.rootHash, { hasher });
    expect(report).toMatchObject({ ok: true, treeBlocks: 132 });
    expect(data.count).toEqual({ requests: 9, bytes: whole.data.length });
    // One request for each parent's children, and the superblock.
    expect(hash.count).toEqual({ requests: 1 + 1 + 1 + 2, bytes: 512 + whole.tree.shape.treeBytes });
  });

  test("counts on where its list ends", async () => {
    const whole = await sealed(300, small);
    const data = new Uint8Array(whole.data.length);
    const report = await check({ ...whole, data }, { maxDamage: 7 });
    expect(report).toMatchObject({ ok: false, damagedDataBlocks: 300 });
    expect(report.damage.map(({ block }) => block)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(await check({ ...whole, data }, { maxDamage: 0 })).toMatchObject({ damagedDataBlocks: 300, damage: [] });
  });

  test("ignores data behind what the tree covers", async () => {
    const whole = await sealed(300, small);
    const data = new Uint8Array(whole.data.length + 1000);
    data.set(whole.data);
    expect(await check({ ...whole, data })).toMatchObject({ ok: true, dataBlocks: 300 });
  });

  test("refuses data that are too short, and root hashes of another size", async () => {
    const whole = await sealed(300, small);
    const data = slice(fromBytes(whole.data, "data"), 0, 300 * 512 - 1);
    const area = await opened(whole.area);
    const short = { code: "MISMATCH_DATA_SIZE", context: { path: "data", offset: data.size, source: "data" } };
    expect(await rejectionOf(checkVerity(data, area, whole.tree.rootHash))).toMatchObject(short);
    expect(() => verifiedSource(data, area, whole.tree.rootHash)).toThrow(expect.objectContaining(short));
    for (const size of [0, 20, 31, 64]) {
      const wrong = { code: "MISMATCH_ROOT_HASH", context: { path: "rootHash" } };
      expect(await rejectionOf(checkVerity(fromBytes(whole.data), area, new Uint8Array(size)))).toMatchObject(wrong);
      expect(() => verifiedSource(fromBytes(whole.data), area, new Uint8Array(size))).toThrow(
        expect.objectContaining(wrong),
      );
    }
  });

  test("refuses digests that are too few or too many", async () => {
    const whole = await sealed(3, small);
    const area = await opened(whole.area);
    const digest = new Uint8Array(32);
    for (const count of [0, 2, 4, 17]) {
      const runs = Array.from({ length: count }, () => digest);
      await expect(checkDigests(runs, area, whole.tree.rootHash, hasher)).rejects.toThrow(RangeError);
    }
  });

  test("stops when aborted, and tells how far it is", async () => {
    const whole = await sealed(600, { ...small, dataBlockBytes: 4096 });
    const seen: number[] = [];
    expect(await check(whole, { onProgress: (done: number) => seen.push(done) })).toMatchObject({ ok: true });
    expect(seen).toEqual([1 << 20, 2 << 20, 600 * 4096]);
    const reason = new Error("enough");
    const abort = new AbortController();
    const stop = () => abort.abort(reason);
    expect(await rejectionOf(check(whole, { signal: abort.signal, onProgress: stop }))).toBe(reason);
  });
});
