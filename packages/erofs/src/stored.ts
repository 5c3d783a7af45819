import type { ByteSource } from "@sextant/bytes";
import type { RegularFile } from "@sextant/tree";

/** What a writer compresses with. LZ4HC is LZ4 to readers. */
export type WriteAlgorithm = "lz4" | "deflate" | "zstd";

/** `stored` clusters hold their bytes as they are. */
export type ClusterAlgorithm = WriteAlgorithm | "stored";

/**
 * Physical clusters: runs of blocks, each decompressed on its own. They stand one behind the other in `data`, in the order
 * of their numbers; what is compressed ends with its last block, zeros before it.
 */
export interface ClusterTable {
  readonly count: number;
  /** The first block of each, counted from the start of `data`; one more entry says where the last one ends. */
  readonly firstBlock: Float64Array;
  /** Bytes that come out of each. */
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

/** A file as compressed extents, and maybe an end that is in the packed inode. */
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
