import { toHex } from "@sextant/bytes";
import { describe, expect, test } from "vitest";
import { compactShape, encodeCompact } from "../src/compressed/write-compact.js";
import { encodeFull } from "../src/compressed/write-full.js";
import { logicalClusters, type MappedExtent } from "../src/compressed/write-lclusters.js";
import { encodeRecords, recordShape } from "../src/compressed/write-records.js";
import type { ClusterAlgorithm } from "../src/stored.js";

const blockBytes = 4096;

type Part = readonly [bytes: number, kind: ClusterAlgorithm | "inline" | "fragment", address: number, blocks?: number];

/** Extents one behind the other. */
function extents(...parts: readonly Part[]): MappedExtent[] {
  let at = 0;
  return parts.map(([bytes, what, address, blocks = 1]) => {
    const start = at;
    at += bytes;
    const isCluster = what !== "inline" && what !== "fragment";
    return {
      start,
      end: at,
      kind: isCluster ? "cluster" : what,
      algorithm: isCluster ? what : "zstd",
      address,
      blocks: isCluster ? blocks : 0,
      partial: false,
    };
  });
}

const sizeOf = (list: readonly MappedExtent[]) => list.at(-1)?.end ?? 0;
const tell = (list: readonly MappedExtent[]) => {
  const clusters = logicalClusters(list, sizeOf(list), blockBytes);
  if (clusters === undefined) throw new RangeError("indexes cannot tell it");
  return clusters;
};
const hex = (bytes: Uint8Array | undefined) => bytes && toHex(bytes).replace(/(.{16})(?=.)/g, "$1 ");

/** Inode and xattrs end so that indexes begin, mod 32, at 8 (32-byte inode), or at 0 (24 bytes behind). */
const [at8, at0] = [32, 56];

describe("full indexes", () => {
  test.each<readonly [string, MappedExtent[], string]>([
    // advise, clusterofs, block
    ["one block", extents([4096, "zstd", 7]), "0100000007000000"],
    ["less than a block", extents([100, "stored", 7]), "0000000007000000"],
    [
      "three blocks out of one: deltas back and on; without big clusters no sizes",
      extents([12288, "lz4", 7]),
      "0100000007000000 0200000001000200 0200000002000100",
    ],
    [
      "a head amid an lcluster, and the end behind the last head",
      extents([5000, "lz4", 7], [4000, "lz4", 8]),
      "0100000007000000 0100880308000000 0000280300000000",
    ],
    [
      "clusters of two blocks: the size is behind the head",
      extents([13000, "zstd", 7, 2], [3384, "zstd", 9, 1]),
      "0100000007000000 0200000002080200 0200000002000100 0100c80209000000",
    ],
    [
      "stored clusters of two blocks: a head for each",
      extents([8192, "stored", 7, 2], [1, "stored", 9]),
      "0000000007000000 0000000008000000 0000000009000000",
    ],
    [
      "two algorithms",
      extents([4096, "zstd", 7], [4096, "lz4", 8], [4096, "zstd", 9]),
      "0100000007000000 0300000008000000 0100000009000000",
    ],
    [
      "a fragment, whose offset has 64 bits",
      extents([4196, "zstd", 7], [8092, "fragment", 5 * 2 ** 32 + 1]),
      "0100000007000000 0100640005000000 0200000001000100",
    ],
    [
      "an inline end; in a file of big clusters it takes one block",
      extents([12288, "zstd", 7, 2], [9000, "inline", 0]),
      "0100000007000000 0200000002080200 0200000002000100 0100000000000000 0200000001080100 0000280300000000",
    ],
  ])("%s", (_, list, expected) => {
    expect(hex(encodeFull(tell(list)))).toBe(expected);
  });

  test("extents that are parts of their clusters say so", () => {
    const list = extents([4096, "zstd", 7], [4096, "zstd", 9]).map((extent) => ({ ...extent, partial: true }));
    expect(hex(encodeFull(tell(list)))).toBe("0180000007000000 0180000009000000");
  });

  test("distances back end at 2047, those on at 65535", () => {
    const count = 70_000;
    const bytes = encodeFull(tell(extents([count * blockBytes, "fragment", 0])));
    const view = new DataView(bytes.buffer);
    const deltas = (index: number) => [view.getUint16(8 * index + 4, true), view.getUint16(8 * index + 6, true)];
    expect(deltas(1)).toEqual([1, 65535]);
    expect(deltas(2047)).toEqual([2047, 65535]);
    expect(deltas(2048)).toEqual([2047, 65535]);
    expect(deltas(count - 65535)).toEqual([2047, 65535]);
    expect(deltas(count - 1)).toEqual([2047, 1]);
  });
});

describe("indexes cannot tell", () => {
  test.each<readonly [string, MappedExtent[]]>([
    ["two extents that begin in one lcluster", extents([100, "zstd", 7], [5000, "zstd", 8])],
    [
      "a stored cluster that ends amid the lcluster where the next begins",
      extents([4196, "stored", 7, 2], [5, "zstd", 9]),
    ],
    ["how large a cluster is whose next head is in the next lcluster", extents([8000, "zstd", 7, 2], [5, "zstd", 9])],
    ["three algorithms", extents([4096, "zstd", 7], [4096, "lz4", 8], [4096, "deflate", 9])],
  ])("%s", (_, list) => {
    expect(logicalClusters(list, sizeOf(list), blockBytes)).toBeUndefined();
  });
});

describe("shapes of compact indexes", () => {
  test.each<readonly [number, number, boolean, number, number, number]>([
    // lclusters, end of the body, narrow packs wanted; indexes in wide packs before, in narrow ones, bytes
    [1, at8, true, 1, 0, 8],
    [5, at8, true, 5, 0, 24],
    [6, at8, true, 6, 0, 24],
    [21, at8, true, 6, 0, 24 + 64],
    [22, at8, true, 6, 16, 24 + 32],
    [23, at8, true, 6, 16, 24 + 32 + 8],
    [38, at8, true, 6, 32, 24 + 64],
    [38, at8, false, 6, 0, 19 * 8],
    [16, at0, true, 0, 16, 32],
    [17, at0, true, 0, 16, 40],
    [18, 32 + 12 + 4, true, 2, 16, 40],
  ])("%i lclusters behind byte %i, narrow %s", (count, bodyEnd, withNarrow, first, narrow, bytes) => {
    expect(compactShape(count, bodyEnd, withNarrow)).toEqual({ first, narrow, bytes });
  });
});

const compact = (list: readonly MappedExtent[], bodyEnd = at8, narrow = true) => {
  const clusters = tell(list);
  return hex(encodeCompact(clusters, compactShape(clusters.count, bodyEnd, narrow)));
};

describe("compact indexes in packs of two", () => {
  test.each<readonly [string, MappedExtent[], string | undefined]>([
    // Type in bits 12–13 of each 16, then the base.
    ["one head: the base is the block before it", extents([4096, "zstd", 7]), "0010000006000000"],
    ["two heads", extents([4096, "zstd", 7], [4096, "zstd", 8]), "0010001006000000"],
    ["two heads apart", extents([4096, "zstd", 7], [4096, "zstd", 9]), undefined],
    [
      "two packs apart",
      extents([4096, "zstd", 7], [4096, "stored", 8], [4096, "zstd", 3], [4096, "zstd", 4]),
      "0010000006000000 0010001002000000",
    ],
    [
      "the last of a pack says how far it is to the next head",
      extents([16384, "lz4", 7], [4096, "lz4", 8]),
      "0010032006000000 0220012000000000 0010000007000000",
    ],
    [
      "big clusters: the base is the first head's block",
      extents([13000, "zstd", 7, 2], [3384, "zstd", 9]),
      "0010022807000000 0220c81209000000",
    ],
    [
      "big clusters whose size is the first of a pack: the base is the block of the head before it",
      extents([4096, "zstd", 7], [12288 - 4096, "zstd", 8], [20480, "zstd", 9, 3], [4096, "zstd", 12]),
      "0010001007000000 0128001008000000 0328032000000000 0320012000000000 001000000c000000",
    ],
    ["an inline end", extents([4096, "zstd", 7], [100, "inline", 0]), "0010001006000000"],
    ["a fragment", extents([4096, "zstd", 7], [100, "fragment", 0xffffffff]), "0010001006000000"],
    ["a fragment beyond 32 bits", extents([4096, "zstd", 7], [100, "fragment", 2 ** 32]), undefined],
    ["two algorithms", extents([4096, "zstd", 7], [4096, "lz4", 8]), "0010003006000000"],
  ])("%s", (_, list, expected) => {
    expect(compact(list, at8, false)).toBe(expected);
  });

  test("no extent is a part of its cluster", () => {
    const list = extents([4096, "zstd", 7]).map((extent) => ({ ...extent, partial: true }));
    expect(compact(list)).toBeUndefined();
  });
});

describe("compact indexes in packs of sixteen", () => {
  const single = (count: number, from: number): Part[] =>
    Array.from({ length: count }, (_, index) => [4096, "zstd", from + index]);

  test("heads of 14 bits each, then the base", () => {
    // 0x1000 each: the bits 12, 26, 40, 54 of 56, again and again.
    expect(compact(extents(...single(16, 7)), at0)).toBe(
      "0010000400014000 1000040001400010 0004000140001000 0400014006000000",
    );
  });

  test("fill up between packs of two", () => {
    const bytes = compact(extents(...single(23, 7)));
    expect(bytes?.split(" ").length).toBe(3 + 4 + 1);
    expect(bytes?.split(" ")[0]).toBe("0010001006000000");
    expect(bytes?.split(" ")[2]).toBe("001000100a000000");
    expect(bytes?.split(" ")[6]?.slice(8)).toBe("0c000000");
    expect(bytes?.split(" ")[7]).toBe("001000001c000000");
  });

  test("take no clusters that stand apart", () => {
    expect(compact(extents(...single(8, 7), ...single(8, 99)), at0)).toBeUndefined();
    expect(compact(extents(...single(8, 7), ...single(8, 99)), at0, false)).toBeDefined();
  });
});

describe("extent records", () => {
  const encode = (list: readonly MappedExtent[], size = sizeOf(list), maxDataBlock = 100) => {
    const shape = recordShape(list, { size, blockBytes, maxDataBlock });
    return shape && [shape.recordBytes, shape.clusterBytes, hex(encodeRecords(list, shape, blockBytes))];
  };
  test.each<readonly [string, MappedExtent[], unknown]>([
    ["one: length with the format of zstd, and address", extents([5000, "zstd", 7, 2]), [8, 8192, "0020004000700000"]],
    ["one stored", extents([4096, "stored", 7]), [8, 4096, "0010000000700000"]],
    [
      "several of one length, chained: the first address before them",
      extents([8192, "lz4", 7], [8192, "lz4", 8], [8192, "lz4", 9], [10, "stored", 10]),
      [4, 8192, "0070000000000000 0010001000100010 0010001000100000"],
    ],
    [
      "several of one length, apart",
      extents([8192, "lz4", 7], [8192, "lz4", 9], [10, "stored", 8]),
      [8, 8192, "0010001000700000 0010001000900000 0010000000800000"],
    ],
    [
      "of any length",
      extents([8193, "deflate", 7, 2], [10, "stored", 2 ** 31]),
      [16, 4096, "0020003000700000 0000000000000000 0010000000000000 0008000001200000"],
    ],
    [
      "a fragment: the two halves of its offset",
      extents([8193, "zstd", 7], [10, "fragment", 5 * 2 ** 32 + 6]),
      [16, 4096, "0010004000700000 0000000000000000 0600000005000000 0000000001200000"],
    ],
    ["an inline end", extents([8193, "zstd", 7], [10, "inline", 0]), undefined],
  ])("%s", (_, list, expected) => {
    expect(encode(list)).toEqual(expected);
  });

  test("say where an extent is a part of its cluster", () => {
    const list = extents([4096, "zstd", 7], [5000, "zstd", 9]).map((extent) => ({ ...extent, partial: true }));
    expect(encode(list)).toEqual([16, 4096, "0010004800700000 0000000000000000 0010004800900000 0000000000100000"]);
  });

  test("have 32 bytes in files of more than 4 GiB, and long addresses where the data area may be far", () => {
    const list = extents([2 ** 32, "zstd", 7], [10, "zstd", 9]);
    expect(encode(list)?.[0]).toBe(32);
    expect(encode(list)?.[2]).toMatch(/ 00100040 ?00900000 0000000000000000 0100000000000000 0000000000000000$/);
    expect(encode(extents([4096, "zstd", 7]), 4096, 2 ** 20)?.[0]).toBe(4);
  });

  test("that are chained are few, as reading one takes reading all before it", () => {
    const chain = (count: number) =>
      extents(...Array.from({ length: count }, (_, index): Part => [4096, "zstd", 7 + index]));
    expect([256, 257].map((count) => encode(chain(count))?.[0])).toEqual([4, 8]);
  });
});
