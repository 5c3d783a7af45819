import type { ClusterAlgorithm } from "../stored.js";
import { blockCountFlag, clusterType } from "./layout.js";

/** A run of a file's data and what it comes out of: what indexes and extent records say, one after the other. */
export interface MappedExtent {
  /** Within the data, in bytes; each begins where the one before it ends. */
  readonly start: number;
  readonly end: number;
  /** `inline` and `fragment` come last. */
  readonly kind: "cluster" | "inline" | "fragment";
  /** Nothing of a fragment. */
  readonly algorithm: ClusterAlgorithm;
  /** Of a cluster: its first block in the image. Of a fragment: its offset in the packed inode, in bytes. Else 0. */
  readonly address: number;
  /** Of a cluster; of others 0. */
  readonly blocks: number;
  /** More comes out of the cluster than this extent. */
  readonly partial: boolean;
}

/** What the indexes of a file say, an entry for each lcluster of one block. */
export interface LogicalClusters {
  readonly count: number;
  /** `clusterType` */
  readonly types: Uint8Array;
  /** Of heads: where in the lcluster the extent begins. Of NONHEAD: delta[0]. */
  readonly low: Uint16Array;
  /** Of NONHEAD: delta[1]. */
  readonly next: Uint16Array;
  /** Of heads: the pcluster's first block; negative where there is none or nobody asks. */
  readonly addresses: Float64Array;
  /** Of heads: 1 where the pcluster holds more than the extent. */
  readonly partial: Uint8Array;
  /** Whether any pcluster is larger than a block: then the size of each stands behind its head. */
  readonly isBig: boolean;
  /** What HEAD1 and HEAD2 stand for. */
  readonly algorithms: readonly ClusterAlgorithm[];
  /** The head whose extent is a fragment, and its offset in the packed inode. */
  readonly fragment: { readonly index: number; readonly offset: number } | undefined;
}

/** Says that nobody asks for a head's address. */
const noAddress = -1;
/** di_delta[1] has 16 bits; readers go on from there where the next head is farther away. */
const maxNext = 0xffff;

/**
 * Tells extents apart by lclusters. Undefined where indexes cannot say it: where two extents begin in one lcluster, where a
 * cluster of several blocks has no lcluster behind its head to say how many, or where a file has more than two algorithms.
 *
 * A stored cluster of several blocks becomes that many of one: of PLAIN heads kernels did not take any other for years.
 */
export function logicalClusters(
  extents: readonly MappedExtent[],
  size: number,
  blockBytes: number,
): LogicalClusters | undefined {
  const count = Math.ceil(size / blockBytes);
  const table = {
    count,
    types: new Uint8Array(count).fill(clusterType.nonhead),
    low: new Uint16Array(count),
    next: new Uint16Array(count),
    addresses: new Float64Array(count).fill(noAddress),
    partial: new Uint8Array(count),
    isBig: extents.some(({ algorithm, blocks }) => algorithm !== "stored" && blocks > 1),
    algorithms: algorithmsOf(extents),
    fragment: fragmentOf(extents, blockBytes),
  };
  if (table.algorithms.length > 2) return undefined;
  let last = -1;
  const addHead = (start: number, type: number, address: number): boolean => {
    const index = Math.floor(start / blockBytes);
    if (index === last) return false;
    last = index;
    table.types[index] = type;
    table.low[index] = start % blockBytes;
    table.addresses[index] = address;
    return true;
  };
  for (const extent of extents) {
    const { start, end, kind, algorithm, address, partial } = extent;
    if (kind === "cluster" && algorithm === "stored") {
      for (let at = start, block = address; at < end; at += blockBytes, block++) {
        if (!addHead(at, clusterType.plain, block)) return undefined;
      }
      continue;
    }
    if (!addHead(start, headType(extent, table.algorithms), kind === "cluster" ? address : noAddress)) return undefined;
    if (partial) table.partial[last] = 1;
    if (!addOthers(table, extent, last, Math.floor(end / blockBytes))) return undefined;
  }
  // What ends in the last lcluster without beginning there ends before a head of nothing.
  if (size % blockBytes > 0 && last < count - 1) addHead(size, clusterType.plain, noAddress);
  return table;
}

/** The lclusters between a head and the next one. */
function addOthers(
  { low, next, isBig }: { readonly low: Uint16Array; readonly next: Uint16Array; readonly isBig: boolean },
  { kind, blocks }: MappedExtent,
  head: number,
  nextHead: number,
): boolean {
  if (blocks > 1 && head + 1 >= nextHead) return false;
  for (let index = head + 1; index < nextHead; index++) {
    const back = index - head;
    low[index] =
      back === 1 && isBig ? blockCountFlag + (kind === "inline" ? 1 : blocks) : Math.min(back, blockCountFlag - 1);
    next[index] = Math.min(nextHead - index, maxNext);
  }
  return true;
}

function headType({ kind, algorithm }: MappedExtent, algorithms: readonly ClusterAlgorithm[]): number {
  if (kind === "fragment") return clusterType.head1;
  if (algorithm === "stored") return clusterType.plain;
  return algorithm === algorithms[0] ? clusterType.head1 : clusterType.head2;
}

function algorithmsOf(extents: readonly MappedExtent[]): ClusterAlgorithm[] {
  const algorithms = new Set<ClusterAlgorithm>();
  for (const { kind, algorithm } of extents) {
    if (kind !== "fragment" && algorithm !== "stored") algorithms.add(algorithm);
  }
  return [...algorithms];
}

function fragmentOf(extents: readonly MappedExtent[], blockBytes: number): LogicalClusters["fragment"] {
  const last = extents.at(-1);
  if (last?.kind !== "fragment") return undefined;
  return { index: Math.floor(last.start / blockBytes), offset: last.address };
}
