import type { ByteSource } from "@sextant/bytes";
import type { RegularFile } from "@sextant/tree";

/** What a writer compresses with. LZ4HC is LZ4 to readers. */
export type WriteAlgorithm = "lz4" | "deflate" | "zstd";

/**
 * `stored` clusters hold their bytes as they are, from the first byte of their first block on, wherever an extent begins in
 * the file ("shifted", not "interlaced"); zeros fill up the last block.
 */
export type ClusterAlgorithm = WriteAlgorithm | "stored";

/**
 * Physical clusters: runs of blocks, each decompressed on its own. They stand one behind the other in `data`, in the order
 * of their numbers; what is compressed ends with its last block, less than a block of zeros before it, and does not begin
 * with a zero byte, which readers take for padding.
 */
export interface ClusterTable {
  readonly count: number;
  /** The first block of each, counted from the start of `data`; one more entry says where the last one ends. */
  readonly firstBlock: Float64Array;
  /** Bytes that come out of each, up to 12 MiB. */
  readonly decodedBytes: Uint32Array;
  /** Indexes of `clusterAlgorithms`. */
  readonly algorithm: Uint8Array;
}
export const clusterAlgorithms: readonly ClusterAlgorithm[] = ["stored", "lz4", "deflate", "zstd"];

/** The last extent of a file where it stands behind the inode: a part of `inline`. */
export interface InlineCluster {
  readonly algorithm: ClusterAlgorithm;
  readonly offset: number;
  readonly size: number;
}

/**
 * A file as compressed extents, and maybe an end that is in the packed inode.
 *
 * Indexes have one entry for each block of the file, so each block has one extent or fragment at most that begins in it, and
 * of compressed clusters of several blocks each extent ends two blocks or more behind the one in which it begins (as any does
 * that is longer than two). A stored cluster counts as one extent for each of its blocks: the last one, where it is not full,
 * ends in a later block of the file than it begins in, or with the file. Apart from stored clusters a file has two algorithms
 * at most. Records have none of these limits.
 */
export interface CompressedFile {
  readonly kind: "compressed";
  /** Where each extent begins in the file, ascending from 0; each ends where the next begins, the last at `extentsEnd`. */
  readonly starts: Float64Array;
  /**
   * The cluster of each extent, which holds the extent's bytes from its own first byte on, and maybe more than those: then
   * the extent shares it with others. Of an inline extent: `noCluster`.
   */
  readonly clusters: Uint32Array;
  readonly inline: InlineCluster | undefined;
  /** Where the fragment begins in the file; its size where there is none; 0 where the whole file is one. */
  readonly extentsEnd: number;
  /** Where the rest of the file is in the packed inode. */
  readonly fragmentOffset: number | undefined;
}
export const noCluster = 0xffffffff;

/** A file that compression makes no smaller: blocks of `data` as they are, and maybe a tail behind the inode. */
export interface FlatFile {
  readonly kind: "flat";
  /** Counted from the start of `data`. */
  readonly firstBlock: number;
  /** The tail, less than a block; undefined: all of the file is in blocks, the last one filled up with zeros. */
  readonly inline: InlineCluster | undefined;
}

/** Content of files, compressed and in the order in which it will stand: what `compress` makes and `plan` takes. */
export interface CompressedContent {
  /** Of each file that has more than nothing in it; files that are not here are written as they are by `emit`. */
  readonly files: ReadonlyMap<RegularFile, CompressedFile | FlatFile>;
  /** The packed inode, which holds the ends of files, with its size in bytes. */
  readonly packed: { readonly size: number; readonly file: CompressedFile | FlatFile } | undefined;
  readonly clusters: ClusterTable;
  /** Blocks of the data area: clusters and flat files. */
  readonly data: ByteSource;
  /** What will stand behind inodes, in no order that matters. */
  readonly inline: ByteSource;
  /** Largest physical cluster, bytes: a multiple of the block size, up to 1 MiB. */
  readonly clusterBytes: number;
  /** For zstd: log2 of the largest window that its frames need. */
  readonly zstdWindowLog2: number;
}
