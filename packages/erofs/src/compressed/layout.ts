/**
 * Compressed EROFS data on disk: constants and field tables, nothing else.
 * Source: erofs-utils `include/erofs_fs.h` as of 1.9.3 (`z_erofs_…`, `Z_EROFS_…`). Everything is little-endian.
 *
 * A file's data is cut into logical clusters (lclusters) of one size. An extent begins anywhere in an lcluster, its head,
 * and ends where the next one begins; its bytes come out of one physical cluster (pcluster). Behind the inode and its
 * xattrs stands a map header, and behind that one index for each lcluster, full or compact, or one record for each extent.
 */
import { bytesField, record, u8, u16le, u32le, u64le } from "@sextant/bytes";

/** Z_EROFS_PCLUSTER_MAX_SIZE: most bytes of a pcluster as it is stored. */
export const maxClusterBytes = 1024 * 1024;
/** Z_EROFS_PCLUSTER_MAX_DSIZE: most bytes that come out of one. */
export const maxDecodedBytes = 12 * 1024 * 1024;

/** Z_EROFS_COMPRESSION_…: numbers of algorithms in map headers and, as bits, in the superblock. */
export const algorithm = { lz4: 0, lzma: 1, deflate: 2, zstd: 3 } as const;
/** The algorithms' names, by number. */
export const algorithmNames = ["lz4", "lzma", "deflate", "zstd"] as const;
/** Z_EROFS_ALL_COMPR_ALGS */
export const allAlgorithms = 2 ** algorithmNames.length - 1;
export type AlgorithmName = (typeof algorithmNames)[number];

/**
 * `struct z_erofs_map_header`, at the next multiple of 8 behind inode and xattrs (`mapHeaderOffset`).
 *
 * With bit 7 of `clusterBits` the whole file is a fragment: the header, less that topmost bit, is a u64, the offset in the
 * packed inode. See `wholeFragmentFlag`.
 */
export const mapHeaderRecord = record("map", {
  /**
   * With FRAGMENT_PCLUSTER h_fragmentoff, the low half of the fragment's offset in the packed inode; else h_idata_size in
   * the high 16 bits, the bytes of the inline pcluster; of extents of 16 or 32 bytes h_extents_lo, their count.
   */
  low: u32le,
  /** h_advise: `advise` */
  advise: u16le,
  /** h_algorithmtype: bits 0–3 that of HEAD1, bits 4–7 that of HEAD2; of extents the low half of h_extents_hi. */
  algorithms: u8,
  /** h_clusterbits: bits 0–3 log2 of blocks in an lcluster; of extents the high half of h_extents_hi. */
  clusterBits: u8,
});
export const mapHeaderAlign = 8;

/** Z_EROFS_FRAGMENT_INODE_BIT, in `clusterBits`; and the same in the header as a u64. */
export const wholeFragmentFlag = 0x80;
export const wholeFragmentBit = 1n << 63n;
export const clusterBitsMask = 0x0f;

/** Z_EROFS_ADVISE_… */
export const advise = {
  /** Of compact indexes: packs of 16 indexes in 32 bytes amid those of 2 indexes in 8. */
  compacted2b: 0x01,
  /** Of full indexes: there are none, but a record for each extent. Bits 1–2 are then log2 of its size, less 2. */
  extents: 0x01,
  bigCluster1: 0x02,
  bigCluster2: 0x04,
  /** The last extent stands behind the indexes. */
  inlineCluster: 0x08,
  /** Bytes of PLAIN pclusters stand as in the lclusters, turned round by the offset of the extent's first byte in its block. */
  interlaced: 0x10,
  /** The last extent is in the packed inode. */
  fragment: 0x20,
  all: 0x3f,
} as const;
export const extentSizeShift = 1;
export const extentSizeMask = 3;

/** Z_EROFS_LCLUSTER_TYPE_…: bits 0–1 of a full index's `advise`, and the two highest of a compact one. */
export const clusterType = {
  /** An extent begins here, and its bytes are stored as they are. */
  plain: 0,
  /** An extent begins here, compressed with the first algorithm of the map header. */
  head1: 1,
  /** No extent begins here. */
  nonhead: 2,
  /** As HEAD1, with the second algorithm. */
  head2: 3,
} as const;
export const clusterTypeMask = 3;

/** `struct z_erofs_lcluster_index`: one for each lcluster, from `fullIndexOffset` on. */
export const clusterIndexRecord = record("lcluster", {
  /** di_advise: `clusterTypeMask`, `partialReference` */
  advise: u16le,
  /** di_clusterofs: where in the lcluster the extent begins; nothing of NONHEAD. */
  clusterOffset: u16le,
  /**
   * blkaddr: the pcluster's first block; of a head whose extent is a fragment, the high half of its offset.
   * Of NONHEAD two u16: delta[0], lclusters back to the head, or the size of the pcluster with `blockCountFlag`;
   * delta[1], lclusters on to the next head.
   */
  address: u32le,
});

/** Z_EROFS_LI_PARTIAL_REF, full indexes only: the pcluster holds more than this extent. */
export const partialReference = 0x8000;

/**
 * Z_EROFS_LI_D0_CBLKCNT: in delta[0] of the lcluster behind a head, whose pcluster may be a big one: the other bits
 * are its blocks. Also more than any distance: a farther head is reached in steps of 1 less.
 */
export const blockCountFlag = 0x800;

/**
 * Compact indexes come in packs, which end with a u32, the block that the first pcluster of the pack begins at (less 1
 * where no pcluster can be big). Each index before that is a type behind as many low bits as the larger of 12 and log2
 * of the lcluster's size needs; they hold what the full index has as `clusterOffset` or delta[0], but in the last NONHEAD
 * of a pack delta[1].
 *
 * First come packs of 4 bytes an index up to the next multiple of 32 bytes, then as many packs of 2 bytes an index as can
 * be filled, then again of 4 bytes. Without `compacted2b` all are of 4 bytes.
 */
export const compactPack = {
  /** Indexes and bytes of the larger form. */
  wide: { indexes: 2, bytes: 8 },
  /** Of the smaller form, for lclusters of up to 4096 bytes. */
  narrow: { indexes: 16, bytes: 32 },
  baseBytes: 4,
  leastLowBits: 12,
} as const;
/** Largest lcluster that each form of compact indexes can have, as log2. */
export const compactClusterLog2 = { narrow: 12, wide: 14 } as const;

/**
 * `struct z_erofs_extent`, in the first 4, 8, 16 or 32 bytes of it, from `extentsOffset` on. Those of 4 bytes follow a u64,
 * the address of the first one; each of the others begins where the one before it ends. Those of 4 and 8 bytes are for
 * extents that are all an lcluster long but the last one.
 */
export const extentRecord = record("extent", {
  /** Low 21 bits (`extentLength.mask`): bytes of the pcluster; 0: a hole. Of a fragment the low half of its offset. */
  length: u32le,
  /** pstart, in bytes. Of a fragment `physicalLow` is the high half of its offset. */
  physicalLow: u32le,
  physicalHigh: u32le,
  /** lstart, in bytes. */
  logicalLow: u32le,

  logicalHigh: u32le,
  reserved: bytesField(12),
});
/** Bytes of an extent record, and what it then has: length; physicalLow; physicalHigh, logicalLow; logicalHigh. */
export const extentRecordBytes = { length: 4, address: 8, logical: 16, all: 32 } as const;
export const firstExtentAddress = u64le;
export const extentLength = {
  /** Z_EROFS_EXTENT_PLEN_MASK */
  mask: 2 * maxClusterBytes - 1,
  /** The pcluster holds more than this extent. */
  partial: 2 ** 27,
  /** 1 + number of the algorithm; 0: stored as they are. */
  formatShift: 28,
} as const;

/** Where the map header stands; `bodyEnd` is where inode and xattrs end. */
export function mapHeaderOffset(bodyEnd: number): number {
  return Math.ceil(bodyEnd / mapHeaderAlign) * mapHeaderAlign;
}

/** Where compact indexes begin (Z_EROFS_MAP_HEADER_END). */
export function compactIndexOffset(bodyEnd: number): number {
  return mapHeaderOffset(bodyEnd) + mapHeaderRecord.size;
}

/** Where full indexes begin (Z_EROFS_FULL_INDEX_START): 8 bytes behind the header stay empty. */
export function fullIndexOffset(bodyEnd: number): number {
  return compactIndexOffset(bodyEnd) + 8;
}

/** Where extent records begin, or the u64 before those of 4 bytes. */
export function extentsOffset(bodyEnd: number, recordBytes: number): number {
  return Math.ceil(compactIndexOffset(bodyEnd) / recordBytes) * recordBytes;
}

/**
 * What COMPR_CFGS says of each algorithm, in the order of their numbers, from the end of the superblock on: its size in a u16,
 * the record, padding to 4 bytes.
 */
export const configAlign = 4;
export const configSize = u16le;

/** `struct z_erofs_lz4_cfgs` */
export const lz4ConfigRecord = record("lz4", {
  /** Farthest match, bytes; 0: 65535. */
  maxDistance: u16le,
  /** Largest pcluster, blocks; 0: 1. */
  maxClusterBlocks: u16le,
  reserved: bytesField(10),
});

/** `struct z_erofs_lzma_cfgs` */
export const lzmaConfigRecord = record("lzma", { dictionaryBytes: u32le, format: u16le, reserved: bytesField(8) });
export const maxLzmaDictionaryBytes = 8 * maxClusterBytes;

/** `struct z_erofs_deflate_cfgs` */
export const deflateConfigRecord = record("deflate", {
  /** log2 of the window, 8…15. */
  windowLog2: u8,
  reserved: bytesField(5),
});

/** `struct z_erofs_zstd_cfgs` */
export const zstdConfigRecord = record("zstd", {
  format: u8,
  /** log2 of the window, less 10. */
  windowLog2: u8,
  reserved: bytesField(4),
});
export const zstdWindowLog2Base = 10;
export const maxZstdWindowBytes = maxClusterBytes;
