/**
 * EROFS on disk: constants and field tables, nothing else.
 * Source: erofs-utils `include/erofs_fs.h` as of 1.9.3, and the kernel's Documentation/filesystems/erofs.rst.
 * Everything is little-endian. Names follow the header; where its unions make one field two, the comment says which is when.
 */
import { bytesField, type Field, type RecordOf, record, textField, u8, u16le, u32le, u64le } from "@sextant/bytes";

/** The same field, shown another way in dumps. */
const shown = <T>(field: Field<T>, show: (value: T) => string): Field<T> => ({ ...field, show });
const hex32 = shown(u32le, (value) => `0x${value.toString(16).padStart(8, "0")}`);
const signed64 = shown(u64le, (value) => String(BigInt.asIntN(64, value)));
const octal16 = shown(u16le, (value) => `0${value.toString(8)}`);

/** EROFS_SUPER_MAGIC_V1 */
export const superMagic = 0xe0f5e1e2;
/** EROFS_SUPER_OFFSET: what stands before is left to boot loaders. */
export const superOffset = 1024;
/** Bytes of one extension slot that a superblock may have behind its first 128 bytes (EROFS_SB_EXTSLOT_SIZE). */
export const superSlotBytes = 16;

/** Block sizes that the format and every reader know: 512…65536. */
export const blockBytesLog2Range = { least: 9, most: 16 } as const;

/** Inode numbers count slots of 32 bytes from the start of the metadata area (EROFS_ISLOTBITS). */
export const inodeSlotBytes = 32;

/** EROFS_DIRENT_NID_METABOX_BIT: the inode stands in the data of the metabox inode, the other bits say where. */
export const metaboxNidBit = 1n << 63n;
/** Such inode numbers as numbers: this and more. No other is as high: its inode would stand behind 2^57 bytes. */
export const metaboxNids = 2 ** 52;

/** `struct erofs_super_block` without its extension slots. */
export const superblockRecord = record("superblock", {
  magic: hex32,
  /** CRC-32C of the rest of the block from the superblock on, this field as zero; see `superblockChecksum`. */
  checksum: hex32,
  featureCompat: hex32,
  /** blkszbits: log2 of the block size in bytes. */
  blockBytesLog2: u8,
  /** sb_extslots: the superblock is 128 + 16 × this many bytes long. */
  extensionSlots: u8,
  /** rb.rootnid_2b; with 48BIT and rootNid64 ≠ 0: rb.blocks_hi. */
  rootNid16: u16le,

  /** inos: valid inodes in all. */
  inodes: u64le,
  /** Seconds since 1970 (signed) that compact inodes count from. */
  epoch: signed64,

  /** fixed_nsec: the nanoseconds of every compact inode. */
  fixedNanoseconds: u32le,
  /** blocks_lo: blocks of the primary device. */
  blocksLow: u32le,
  /** meta_blkaddr: the block that inode numbers count from. */
  metaBlock: u32le,
  /** xattr_blkaddr: the block that shared xattr ids count from. */
  xattrBlock: u32le,

  uuid: bytesField(16),

  volumeName: textField(16),

  featureIncompat: hex32,
  /** available_compr_algs with COMPR_CFGS, else lz4_max_distance in bytes. */
  compression: u16le,
  /** Devices besides the primary one. */
  extraDevices: u16le,
  /** devt_slotoff: where the device table starts, in slots of 128 bytes. */
  deviceTableSlot: u16le,
  /** dirblkbits: directory block size = block size << this; 0 so far. */
  directoryBlockLog2: u8,
  xattrPrefixCount: u8,
  /** In units of 4 bytes; of what, see `readPrefixes`. */
  xattrPrefixStart: u32le,

  /** The inode that fragments, and long xattr prefixes of older images, are packed into. */
  packedNid: u64le,
  xattrFilterReserved: u8,
  imageShareXattrPrefix: u8,
  reserved: bytesField(2),
  /** Seconds after `epoch` at which the image was made. */
  buildTime: u32le,

  /** With 48BIT: the root's inode number where ≠ 0. */
  rootNid64: u64le,
  reserved2: u64le,
});
export type SuperblockRecord = RecordOf<typeof superblockRecord>;

/** What the first extension slot holds. */
export const superblockSlotRecord = record("superblock", {
  /** With METABOX: the inode whose data holds inodes. */
  metaboxNid: u64le,
  reserved3: u64le,
});

/** `struct erofs_deviceslot` */
export const deviceSlotRecord = record("device", {
  /** Whatever names the device, for example its digest. */
  tag: textField(64),

  blocksLow: u32le,
  /** uniaddr: where the device begins in the image's one address space, in blocks; 0: nowhere. */
  startBlockLow: u32le,
  blocksHigh: u16le,
  startBlockHigh: u16le,
  reserved: bytesField(52),
});

/** `i_format`: bit 0 version, bits 1–3 data layout, bit 4 see `inodeFormat`. */
export const inodeFormat = {
  extended: 0x01,
  layoutShift: 1,
  layoutMask: 0x07,
  /** Of compact inodes that are no directories: one link, and `nlinkOrHigh` is startblk_hi. */
  oneLink: 0x10,
  /** Of directories: there is no `.` entry. */
  dotOmitted: 0x10,
  all: 0x1f,
} as const;

/** EROFS_INODE_…: how an inode's data is found. */
export const dataLayout = {
  flatPlain: 0,
  compressedFull: 1,
  flatInline: 2,
  compressedCompact: 3,
  chunkBased: 4,
} as const;
export type DataLayout = (typeof dataLayout)[keyof typeof dataLayout];

const layoutNames = ["flat plain", "compressed, full", "flat inline", "compressed, compact", "chunk-based"];
const formatField = shown(u16le, (value) => {
  const layout = layoutNames[(value >> inodeFormat.layoutShift) & inodeFormat.layoutMask] ?? "unknown layout";
  return `0x${value.toString(16).padStart(2, "0")} (${value & inodeFormat.extended ? "extended" : "compact"}, ${layout})`;
});

/** `struct erofs_inode_compact` */
export const compactInodeRecord = record("inode", {
  format: formatField,
  /** i_xattr_icount: the xattr body is 12 + 4 × (this − 1) bytes long; 0: there is none. */
  xattrCount: u16le,
  mode: octal16,
  /** i_nb: nlink, or startblk_hi with `inodeFormat.oneLink`, or blocks_hi of compressed inodes. */
  nlinkOrHigh: u16le,
  size: u32le,
  /** Seconds after the superblock's epoch; older writers and kernels know this as reserved, zero. */
  mtime: u32le,

  /** i_u: startblk_lo, or rdev, or chunk format, or blocks_lo of compressed inodes. */
  address: u32le,
  /** i_ino: for 32-bit stat only. */
  serial: u32le,
  uid: u16le,
  gid: u16le,
  reserved: u32le,
});

/** `struct erofs_inode_extended` */
export const extendedInodeRecord = record("inode", {
  format: formatField,
  xattrCount: u16le,
  mode: octal16,
  /** i_nb: startblk_hi, or blocks_hi of compressed inodes. */
  high: u16le,
  size: u64le,

  address: u32le,
  serial: u32le,
  uid: u32le,
  gid: u32le,

  /** Seconds since 1970, signed. */
  mtime: signed64,
  mtimeNanoseconds: u32le,
  nlink: u32le,

  reserved: bytesField(16),
});

/** File type bits of `i_mode`. */
export const modeType = {
  mask: 0o170000,
  fifo: 0o010000,
  characterDevice: 0o020000,
  directory: 0o040000,
  blockDevice: 0o060000,
  file: 0o100000,
  symlink: 0o120000,
  socket: 0o140000,
  permissions: 0o7777,
} as const;

/** startblk of an inode or a chunk that has no block: reads as zeros. All ones, as wide as the field is. */
export const nullBlock32 = 0xffffffff;
export const nullBlock48 = 2 ** 48 - 1;

/** Chunk format, in the low half of `address`. */
export const chunkFormat = {
  /** log2 of blocks in a chunk. */
  blocksLog2Mask: 0x1f,
  /** 8-byte indexes instead of 4-byte block numbers. */
  indexes: 0x20,
  /** The high 16 bits of an index count. */
  high: 0x40,
  all: 0x7f,
} as const;

export const chunkBlockBytes = 4;
/** `struct erofs_inode_chunk_index` */
export const chunkIndexRecord = record("chunk", { startBlockHigh: u16le, device: u16le, startBlockLow: u32le });

/** EROFS_FT_… */
export const fileType = {
  unknown: 0,
  file: 1,
  directory: 2,
  characterDevice: 3,
  blockDevice: 4,
  fifo: 5,
  socket: 6,
  symlink: 7,
} as const;

const fileTypeNames: readonly string[] = Object.keys(fileType);
const fileTypeField = shown(u8, (value) => `${value} (${fileTypeNames[value] ?? "undefined"})`);

/** `struct erofs_dirent`: these stand at the start of a directory block, the names behind them. */
export const direntRecord = record("dirent", {
  nid: u64le,
  /** From the start of the block, in bytes; that of the first entry tells how many there are. */
  nameOffset: u16le,
  fileType: fileTypeField,
  reserved: u8,
});

/** `struct erofs_xattr_ibody_header`; the ids of shared xattrs (u32, × 4 = offset from `xattrBlock`) follow, then entries. */
export const xattrHeaderRecord = record("xattrs", {
  /** A bit for each absent name (hash); 0 where the writer made no filter. Readers may ignore it. */
  nameFilter: u32le,
  sharedCount: u8,
  reserved: bytesField(7),
});
export const sharedXattrIdBytes = 4;

/** `struct erofs_xattr_entry`, in the body and in the shared area; name and value follow, then padding to 4 bytes. */
export const xattrEntryRecord = record("xattr", { nameLength: u8, nameIndex: u8, valueSize: u16le });
export const xattrAlign = 4;

/** Bit 7 of `nameIndex`: the rest is the number of a long prefix. */
export const longPrefixFlag = 0x80;

/** EROFS_XATTR_INDEX_…: what the kernel puts before the stored name. Index 5 (Lustre) has no meaning to it. */
export const xattrNamePrefixes = {
  1: "user.",
  2: "system.posix_acl_access",
  3: "system.posix_acl_default",
  4: "trusted.",
  6: "security.",
} as const satisfies Record<number, string>;

/** Longest file name, and longest xattr name behind its prefix, in bytes. */
export const maxNameBytes = 255;
/** Longest xattr value: `valueSize` has 16 bits. */
export const maxXattrValueBytes = 65535;
/** Longest xattr body: `xattrCount` has 16 bits. */
export const maxXattrBodyBytes = 12 + 4 * 65534;
/** Longest symlink target that Linux follows (PATH_MAX − 1). */
export const maxSymlinkBytes = 4095;
/** Long xattr prefixes that an index can name. */
export const maxLongPrefixes = 128;
