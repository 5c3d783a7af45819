/**
 * dm-verity, hash types 0 and 1: the kernel's Documentation/admin-guide/device-mapper/verity.rst, and the superblock
 * of cryptsetup (lib/verity/verity.c, https://gitlab.com/cryptsetup/cryptsetup/-/wikis/DMVerity), version 1.
 * All numbers are little-endian.
 */
import { bytesField, type RecordOf, record, textField, u16le, u32le, u64le } from "@sextant/bytes";

/** What stands at the start of a hash area that describes itself. 512 bytes, at a multiple of 512. */
export const superblock = record("superblock", {
  /** `signature`: "verity\0\0" */
  signature: bytesField(8),
  /** `version`: of this record, 1 */
  version: u32le,
  /** `hash_type`: 0 (Chrome OS) or 1 (normal) */
  hashType: u32le,

  /** `uuid`: of the hash area, in the order in which it is written as text */
  uuid: bytesField(16),

  /** `algorithm`: name as in the kernel's crypto API, filled up with NUL */
  algorithm: textField(32),

  /** `data_block_size`, bytes */
  dataBlockBytes: u32le,
  /** `hash_block_size`, bytes */
  hashBlockBytes: u32le,
  /** `data_blocks`: data blocks under the tree */
  dataBlocks: u64le,

  /** `salt_size`, bytes, 0…256 */
  saltBytes: u16le,
  padding1: bytesField(6),
  /** `salt`, filled up with zeros */
  salt: bytesField(256),
  padding2: bytesField(168),
});

/** The fields of a superblock as they stand on disk, unchecked. */
export type SuperblockRecord = RecordOf<typeof superblock>;

/** "verity\0\0" */
export const signature: Uint8Array = Uint8Array.of(0x76, 0x65, 0x72, 0x69, 0x74, 0x79, 0, 0);
export const superblockVersion = 1;
/** A superblock stands at a multiple of this. */
export const superblockAlignBytes = 512;

/**
 * How a block is salted: type 1 hashes salt and block, type 0 block and salt. (Type 0 also packs digests without
 * padding, which differs only for digests whose size is not a power of two; SHA-256 and SHA-512 leave no gaps.)
 */
export const hashTypes = { chromeOs: 0, normal: 1 } as const;
/** 1 (normal) or 0 (Chrome OS); see `hashTypes`. */
export type HashType = (typeof hashTypes)[keyof typeof hashTypes];

export const maxSaltBytes = 256;
/** Block sizes are powers of two in this range. (cryptsetup goes to 512 KiB, the kernel to the size of a page.) */
export const minBlockBytes = 512;
export const maxBlockBytes = 65536;

/** Whether a data or hash block may have this size. */
export function isBlockBytes(bytes: number): boolean {
  const inRange = Number.isInteger(bytes) && bytes >= minBlockBytes && bytes <= maxBlockBytes;
  return inRange && (bytes & (bytes - 1)) === 0;
}
