import type { Compression } from "./compression.js";

/** What may become of the end of an item, where it takes less than a whole cluster. */
export const itemTail = {
  /** Blocks of its own. */
  blocks: 0,
  /** It stands behind the inode if it is small enough. */
  inline: 1,
  /** It is left out, for the packed inode. */
  fragment: 2,
  /** More of the file follows; the end is a block's end in the file. */
  inner: 3,
  /** More of the file follows, and these clusters may come again anywhere. */
  cut: 4,
} as const;
export type ItemTail = (typeof itemTail)[keyof typeof itemTail];

/** Runs of content, one behind the other, to cut into chunks. */
export interface ScanTask {
  readonly kind: "scan";
  readonly bytes: Uint8Array;
  /** Bytes of each item. */
  readonly sizes: Uint32Array;
}

/** The chunks of a task's items, in their order. */
export interface ScanResult {
  /** Chunks of each item. */
  readonly chunks: Uint32Array;
  /** Bytes of each chunk. */
  readonly lengths: Uint32Array;
  /** Sixteen bytes for each chunk. */
  readonly digests: Uint8Array;
}

/** Runs of content to compress, one behind the other, each on its own. Made of plain data: it crosses threads. */
export interface CompressTask {
  readonly kind: "compress";
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

/** What threads of `compress` are asked. */
export type CompressionTask = ScanTask | CompressTask;
/** What they answer. */
export type CompressionResult = ScanResult | CompressResult;
