import { viewOf } from "@sextant/bytes";
import { blockCountFlag, clusterType, compactIndexOffset, compactPack } from "./layout.js";
import type { LogicalClusters } from "./write-lclusters.js";

/** Which packs the indexes of a file are in, in their order. */
export interface CompactShape {
  /** Indexes in wide packs before the first narrow one. */
  readonly first: number;
  /** Indexes in narrow packs. */
  readonly narrow: number;
  /** Of all packs. */
  readonly bytes: number;
}

/** `bodyEnd`: where inode and xattrs end, in the image or from the inode on. */
export function compactShape(count: number, bodyEnd: number, withNarrow: boolean): CompactShape {
  const { wide, narrow } = compactPack;
  const start = compactIndexOffset(bodyEnd);
  const toAligned = Math.ceil(start / narrow.bytes) * narrow.bytes - start;
  const first = (toAligned / wide.bytes) * wide.indexes;
  const packs = withNarrow && first < count ? Math.floor((count - first) / narrow.indexes) : 0;
  const others = count - packs * narrow.indexes;
  return {
    first: Math.min(first, count),
    narrow: packs * narrow.indexes,
    bytes: packs * narrow.bytes + Math.ceil(others / wide.indexes) * wide.bytes,
  };
}

/**
 * Compact indexes. Undefined where they cannot say it: the clusters of one pack have to follow each other, each extent has to
 * be all of its cluster, and a fragment's offset has 32 bits.
 */
export function encodeCompact(clusters: LogicalClusters, shape: CompactShape): Uint8Array | undefined {
  if (clusters.partial.includes(1)) return undefined;
  if (clusters.fragment !== undefined && clusters.fragment.offset > 0xffffffff) return undefined;
  const bytes = new Uint8Array(shape.bytes);
  let at = 0;
  for (let index = 0; index < clusters.count; ) {
    const isNarrow = index >= shape.first && index < shape.first + shape.narrow;
    const pack = isNarrow ? compactPack.narrow : compactPack.wide;
    const base = packBase(clusters, index, Math.min(clusters.count, index + pack.indexes));
    if (base === undefined) return undefined;
    writePack(bytes.subarray(at, at + pack.bytes), clusters, index, pack.indexes, base);
    at += pack.bytes;
    index += pack.indexes;
  }
  return bytes;
}

/**
 * The block that readers count from in a pack of indexes `[first, end)`: they add what the pclusters before a head take, as
 * far as the pack tells. Undefined if that does not lead to every pcluster.
 */
function packBase(clusters: LogicalClusters, first: number, end: number): number | undefined {
  const { types, low, addresses, isBig } = clusters;
  // Without big clusters a head counts its own block, too, and what begins before the pack counts for nothing.
  let counted = isBig ? 0 : 1;
  let base: number | undefined;
  for (let index = first; index < end; index++) {
    if (types[index] === clusterType.nonhead) {
      const value = low[index] ?? 0;
      // Its head, the index before, was taken for one block.
      if (value >= blockCountFlag) counted += value - blockCountFlag - (index > first ? 1 : 0);
      continue;
    }
    const address = addresses[index] ?? -1;
    if (address >= 0) {
      base ??= address - counted;
      if (base + counted !== address) return undefined;
    }
    counted += 1;
  }
  // Planning counts blocks from the start of the data, which is never the first block of the image.
  return base === undefined || base >= -1 ? (base ?? 0) : undefined;
}

const lowBits = compactPack.leastLowBits;

function writePack(
  bytes: Uint8Array,
  { count, types, low, next }: LogicalClusters,
  first: number,
  indexes: number,
  base: number,
): void {
  const entryBits = ((bytes.length - compactPack.baseBytes) * 8) / indexes;
  let pending = 0;
  let pendingBits = 0;
  let at = 0;
  for (let i = 0; i < indexes; i++) {
    const index = first + i;
    if (index < count) {
      const type = types[index] ?? 0;
      let value = low[index] ?? 0;
      const tellsNext = i === indexes - 1 && type === clusterType.nonhead && value < blockCountFlag;
      if (tellsNext) value = Math.min(next[index] ?? 0, blockCountFlag - 1);
      pending |= ((type << lowBits) | value) << pendingBits;
    }
    for (pendingBits += entryBits; pendingBits >= 8; pendingBits -= 8) {
      bytes[at++] = pending & 0xff;
      pending >>>= 8;
    }
  }
  viewOf(bytes).setUint32(bytes.length - compactPack.baseBytes, Math.max(0, base), true);
}
