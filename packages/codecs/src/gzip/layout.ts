import { record, u8, u16le, u32le } from "@sextant/bytes";

// The gzip file format, RFC 1952.

export const gzipMagic = 0x8b1f;
/** The one compression method there is: DEFLATE. */
export const methodDeflate = 8;

/** The fixed part of a member's header (RFC 1952, 2.3). */
export const gzipHeader = record("gzip.header", {
  /** ID1, ID2 */
  magic: u16le,
  /** CM */
  method: u8,
  /** FLG: `gzipFlags` */
  flags: u8,
  /** MTIME, seconds since 1970 */
  mtime: u32le,
  /** XFL */
  extraFlags: u8,
  /** OS */
  operatingSystem: u8,
});

export const gzipFlags = {
  text: 0x01,
  headerCrc: 0x02,
  extra: 0x04,
  name: 0x08,
  comment: 0x10,
} as const;
export const reservedFlags = 0xe0;

/** What follows the compressed data. */
export const gzipTrailer = record("gzip.trailer", {
  /** CRC32 of the content */
  crc32: u32le,
  /** ISIZE: bytes of content modulo 2^32 */
  contentBytes: u32le,
});

/** Longest name or comment that is read. */
export const textLimitBytes = 1 << 20;
