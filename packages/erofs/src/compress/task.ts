import type { Compression } from "./compression.js";

/** What may become of the end of an item, where it takes less than a whole cluster. */
export const itemTail = {
  /** Blocks of its own. */
  blocks: 0,
  /** It stands behind the inode if it is small enough. */
  inline: 1,
  /** It is left out, for the packed inode. */
  fragment: 2,
} as const;
export type ItemTail = (typeof itemTail)[keyof typeof itemTail];

/** Runs of content to compress, one behind the other, each on its own. Made of plain data: it crosses threads. */
export interface CompressTask {
  readonly bytes: Uint8Array;
  readonly compression: Compression;
  readonly blockBytes: number;
  /** Bytes of each item. */
  readonly sizes: Uint32Array;
  /** `ItemTail` of each. */
  readonly tails: Uint8Array;
}

/** The clusters of a task's items, in their order. */
export interface CompressResult {
  /** Whole blocks. */
  readonly data: Uint8Array;
  /** What stands behind inodes, without gaps. */
  readonly inline: Uint8Array;

  /** Of each cluster: blocks in `data`, bytes that come out of it, and an index of `clusterAlgorithms`. */
  readonly blocks: Uint16Array;
  readonly decodedBytes: Uint32Array;
  readonly algorithms: Uint8Array;

  /** Of each item: clusters; bytes in them and in its inline end; bytes of that end in `inline`, 0 where there is none. */
  readonly clusters: Uint32Array;
  readonly consumed: Uint32Array;
  readonly inlineSizes: Uint32Array;
}
