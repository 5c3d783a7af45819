import { fromBytes, fromHex, portableHasher, toHex } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import {
  bareHashArea,
  buildVerity,
  decodeSuperblock,
  dumpHashArea,
  emitHashArea,
  encodeSuperblock,
  hashAreaBytes,
  openHashArea,
  superblock,
  treeFromDigests,
  treeOffsetAfter,
  treeShape,
  type VerityOptions,
  type VerityParams,
  verityParams,
} from "@sextant/verity";
import { describe, expect, test } from "vitest";
import { cases, pattern, uuid } from "./cases.js";
import { rejectionOf, sealed } from "./sealed.js";

const params: VerityParams = {
  algorithm: "sha512",
  hashType: 1,
  dataBlockBytes: 4096,
  hashBlockBytes: 1024,
  dataBlocks: 0x1_2345_6789,
  salt: fromHex("c0ffee"),
};

describe("the superblock", () => {
  test("has the size and the offsets of struct verity_sb", () => {
    expect(superblock.size).toBe(512);
    expect(superblock.offsets).toEqual({
      signature: 0,
      version: 8,
      hashType: 12,
      uuid: 16,
      algorithm: 32,
      dataBlockBytes: 64,
      hashBlockBytes: 68,
      dataBlocks: 72,
      saltBytes: 80,
      padding1: 82,
      salt: 88,
      padding2: 344,
    });
  });

  test("is written and read as these bytes", () => {
    const bytes = encodeSuperblock(params, uuid);
    const lines = Array.from({ length: 6 }, (_, i) => toHex(bytes.subarray(16 * i, 16 * i + 16)));
    expect(lines).toEqual([
      "76657269747900000100000001000000",
      "00112233445566778899aabbccddeeff",
      "73686135313200000000000000000000",
      "00000000000000000000000000000000",
      "00100000000400008967452301000000",
      "0300000000000000c0ffee0000000000",
    ]);
    expect(bytes.subarray(96).every((byte) => byte === 0)).toBe(true);
    expect(decodeSuperblock(bytes)).toEqual({ params, uuid });
  });

  test("dumps with every field and level at its place", async () => {
    const { area } = await sealed(129 * 128, { salt: fromHex("0102"), dataBlockBytes: 512 });
    expect(dumpHashArea(area, 8192).map(({ start, end, path, value }) => `${start}-${end} ${path} ${value}`)).toEqual([
      "8192-8200 superblock.signature 7665726974790000",
      "8200-8204 superblock.version 1",
      "8204-8208 superblock.hashType 1",
      "8208-8224 superblock.uuid 00112233445566778899aabbccddeeff",
      '8224-8256 superblock.algorithm "sha256"',
      "8256-8260 superblock.dataBlockBytes 512",
      "8260-8264 superblock.hashBlockBytes 4096",
      "8264-8272 superblock.dataBlocks 16512",
      "8272-8274 superblock.saltBytes 2",
      "8274-8280 superblock.padding1 000000000000",
      `8280-8536 superblock.salt 0102${"00".repeat(254)}`,
      `8536-8704 superblock.padding2 ${"00".repeat(168)}`,
      "12288-16384 tree.level2 1 block",
      "16384-24576 tree.level1 2 blocks",
      "24576-552960 tree.level0 129 blocks",
    ]);
  });
});

describe("the shape of a tree", () => {
  /** As the kernel's `verity_ctr` has it: level i has ceil(blocks / 2^((i + 1) · bits)) blocks, while (blocks - 1) >> bits · i is left. */
  function shiftedLevels(blocks: number, bits: number): bigint[] {
    const levels: bigint[] = [];
    for (let i = 0n; (BigInt(blocks) - 1n) >> (BigInt(bits) * i) > 0n; i++) {
      const shift = (i + 1n) * BigInt(bits);
      levels.push((BigInt(blocks) + (1n << shift) - 1n) >> shift);
    }
    return levels;
  }

  const counts = [1, 2, 7, 8, 9, 127, 128, 129, 16384, 16385, 2 ** 21, 2 ** 21 + 1, 2 ** 31, 2 ** 40 + 7, 2 ** 43];
  test.each(counts)("over %d data blocks is the one the kernel computes", (dataBlocks) => {
    for (const [hashBlockBytes, algorithm, bits] of [
      [512, "sha512", 3],
      [4096, "sha256", 7],
      [65536, "sha256", 11],
    ] as const) {
      const shape = treeShape({ ...params, dataBlockBytes: 512, dataBlocks, hashBlockBytes, algorithm });
      const expected = shiftedLevels(dataBlocks, bits);
      expect(shape.levels.map(({ blocks }) => BigInt(blocks))).toEqual(expected);
      let offset = 0n;
      for (const [level, blocks] of [...expected.entries()].reverse()) {
        expect(BigInt(shape.levels[level]?.offset ?? -1)).toBe(offset);
        offset += blocks * BigInt(hashBlockBytes);
      }
      expect(BigInt(shape.treeBytes)).toBe(offset);
    }
  });

  test.each([
    [0, 512, 512],
    [0, 4096, 4096],
    [512, 4096, 4096],
    [3584, 4096, 4096],
    [4096, 4096, 8192],
    [4608, 4096, 8192],
    [1 << 20, 65536, (1 << 20) + 65536],
  ])("behind a superblock at %i with hash blocks of %i starts at %i", (at, hashBlockBytes, expected) => {
    expect(treeOffsetAfter(at, hashBlockBytes)).toBe(expected);
  });
});

describe("building", () => {
  test.each(
    cases.filter(({ blocks, options }) => blocks * options.dataBlockBytes < 1 << 20).map((one) => [one.name, one]),
  )("%s: both hashers and any runs of digests give the same", async (_, { blocks, options }) => {
    const data = pattern(blocks * options.dataBlockBytes);
    const tree = await buildVerity(fromBytes(data), { ...options, hasher: nodeHasher });
    expect(await buildVerity(fromBytes(data), options)).toEqual(tree);
    const salted = (block: Uint8Array) =>
      Buffer.concat(options.hashType === 1 ? [options.salt, block] : [block, options.salt]);
    const digests = Buffer.concat(
      Array.from({ length: blocks }, (_, i) => {
        const block = data.subarray(i * options.dataBlockBytes, (i + 1) * options.dataBlockBytes);
        return portableHasher.hash(options.algorithm, salted(block));
      }),
    );
    const runs = (bytes: number) => {
      const parts: Uint8Array[] = [];
      for (let at = 0; at < digests.length; at += bytes) parts.push(new Uint8Array(digests.subarray(at, at + bytes)));
      return parts;
    };
    for (const count of [1, 3, 1000]) {
      const again = await treeFromDigests(tree.params, runs(count * tree.shape.digestBytes), nodeHasher);
      expect(again).toEqual(tree);
    }
    await expect(treeFromDigests(tree.params, [], nodeHasher)).rejects.toThrow(RangeError);
    await expect(treeFromDigests(tree.params, [...runs(64), ...runs(64)], nodeHasher)).rejects.toThrow(RangeError);
  });

  test("reads the data once, from start to end, and tells how far it is", async () => {
    const data = pattern(3 * (1 << 20) + 4096);
    const asked: [number, number][] = [];
    const source = {
      size: data.length,
      read: async (start: number, end: number) => {
        asked.push([start, end]);
        return data.subarray(start, end);
      },
    };
    const seen: [number, number][] = [];
    await buildVerity(source, { hasher: nodeHasher, onProgress: (done, total) => seen.push([done, total]) });
    const mebibyte = 1 << 20;
    const ends = [mebibyte, 2 * mebibyte, 3 * mebibyte, data.length];
    expect(asked).toEqual(ends.map((end, i) => [i * mebibyte, end]));
    expect(seen).toEqual(ends.map((end) => [end, data.length]));
  });

  test("covers the first blocks where asked to", async () => {
    const data = pattern(10 * 4096 + 5);
    const part = await buildVerity(fromBytes(data), { dataBlocks: 4 });
    expect(part.rootHash).toEqual((await buildVerity(fromBytes(data.subarray(0, 4 * 4096)))).rootHash);
  });

  test("stops when aborted", async () => {
    const reason = new Error("enough");
    const abort = new AbortController();
    const work = buildVerity(fromBytes(pattern(4 << 20)), {
      hasher: nodeHasher,
      signal: abort.signal,
      onProgress: () => abort.abort(reason),
    });
    expect(await rejectionOf(work)).toBe(reason);
  });

  const wrong: [what: string, dataBytes: number, options: VerityOptions, message: RegExp][] = [
    ["no data", 0, {}, /cannot cover 0 data blocks/],
    ["half a block", 6144, {}, /6144 bytes are not whole blocks of 4096/],
    ["more blocks than there are", 8192, { dataBlocks: 3 }, /no 3 blocks/],
    ["a part of a block", 8192, { dataBlocks: 1.5 }, /1.5 data blocks/],
    ["blocks of 256", 8192, { dataBlockBytes: 256 }, /256 bytes is not a power of two/],
    ["blocks of 128 KiB", 1 << 20, { hashBlockBytes: 1 << 17 }, /131072 bytes is not a power of two/],
    ["blocks of 2^32 + 512", 8192, { hashBlockBytes: 2 ** 32 + 512 }, /is not a power of two/],
    ["blocks of 512.5", 1025, { dataBlockBytes: 512.5 }, /is not a power of two/],
    ["blocks of 3072", 6144, { dataBlockBytes: 3072 }, /3072 bytes is not a power of two/],
    ["a salt of 257 bytes", 8192, { salt: new Uint8Array(257) }, /257 bytes is longer than 256/],
    ["another algorithm", 8192, { algorithm: "md5" as "sha256" }, /no such hash algorithm: md5/],
    ["an inherited name", 8192, { algorithm: "toString" as "sha256" }, /no such hash algorithm/],
    ["hash type 2", 8192, { hashType: 2 as 1 }, /no hash type 2/],
  ];
  test.each(wrong)("refuses %s", (_, dataBytes, options, message) => {
    expect(() => verityParams(dataBytes, options)).toThrow(message);
    expect(() => verityParams(dataBytes, options)).toThrow(RangeError);
  });

  test("refuses a tree that would not fit in memory, before it reads or allocates", async () => {
    const source = {
      size: 2 ** 50,
      read: async () => {
        throw new Error("was read");
      },
    };
    expect(await rejectionOf(buildVerity(source))).toMatchObject({ code: "LIMIT_TREE_BYTES" });
  });
});

describe("the hash area", () => {
  test("has the size that is known before hashing, and nothing in its gaps", async () => {
    for (const [blocks, offset, expected] of [
      [1, 0, 4096],
      [2, 0, 8192],
      [129, 0, 4096 + 3 * 4096],
      [2, 512, 8192 - 512],
      [2, 4096, 8192],
    ] as const) {
      const { tree } = await sealed(blocks);
      expect(hashAreaBytes(tree.params, offset)).toBe(expected);
      const chunks = [...emitHashArea(tree, { uuid, offset })];
      expect(chunks.map((chunk) => chunk.offset)[0]).toBe(offset);
      expect(chunks.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBe(512 + tree.shape.treeBytes);
    }
  });

  test.each([-512, 100, 0.5])("has no superblock at %d", async (offset) => {
    const { tree } = await sealed(1);
    expect(() => [...emitHashArea(tree, { uuid, offset })]).toThrow(RangeError);
  });

  test("has a UUID of 16 bytes", async () => {
    const { tree } = await sealed(1);
    expect(() => [...emitHashArea(tree, { uuid: uuid.subarray(1) })]).toThrow(RangeError);
  });

  test("opens where it is, with one read of 512 bytes", async () => {
    const { tree, area, data } = await sealed(129);
    const shifted = new Uint8Array(8192 + area.length);
    shifted.set(area, 8192);
    const asked: [number, number][] = [];
    const source = {
      size: shifted.length,
      read: async (start: number, end: number) => {
        asked.push([start, end]);
        return shifted.subarray(start, end);
      },
    };
    const found = await openHashArea(source, { offset: 8192 });
    expect(asked).toEqual([[8192, 8704]]);
    expect(found).toMatchObject({ params: tree.params, uuid, treeOffset: 12288 });
    expect(found.tree.size).toBe(tree.shape.treeBytes);
    expect(data.length).toBe(129 * 4096);
  });

  test("without a superblock takes parameters, and checks them", async () => {
    const { tree, area } = await sealed(129);
    const bare = bareHashArea(fromBytes(area), tree.params, 4096);
    expect(bare.tree.size).toBe(tree.shape.treeBytes);
    expect(() => bareHashArea(fromBytes(area), { ...tree.params, hashBlockBytes: 100 }, 4096)).toThrow(RangeError);
    expect(() => bareHashArea(fromBytes(area), tree.params, 8192)).toThrow(/12288 bytes, 8192 are left/);
  });
});
