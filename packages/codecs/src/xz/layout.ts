import { bytesField, record, u8, u32le } from "@sextant/bytes";

// The .xz file format, version 1.2.1 (xz-file-format.txt). Multi-byte numbers without fixed size ("VLI") have 7 bits a byte.

/** FD '7' 'z' 'X' 'Z' 00 */
export const headerMagic = Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00);
/** 'Y' 'Z' */
export const footerMagic = Uint8Array.of(0x59, 0x5a);

/** Stream header (2.1.1). */
export const streamHeader = record("xz.header", {
  magic: bytesField(6),
  /** First flag byte: 0 */
  reserved: u8,
  /** Second flag byte: the check's id in the lower half, zero in the upper */
  check: u8,
  /** CRC32 of the two flag bytes */
  crc32: u32le,
});

/** Stream footer (2.1.2). */
export const streamFooter = record("xz.footer", {
  /** CRC32 of the six bytes that follow */
  crc32: u32le,
  /** Size of the index in units of 4 bytes, less one */
  backwardSize: u32le,
  reserved: u8,
  check: u8,
  magic: bytesField(2),
});

/** Bytes of the check field for each check id (2.1.1.2). */
export const checkBytes = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64] as const;

export const checkIds = { none: 0, crc32: 1, crc64: 4, sha256: 10 } as const;

/** Block header flags (3.1.2). */
export const blockFlags = {
  filterCountMask: 0x03,
  reserved: 0x3c,
  compressedSize: 0x40,
  uncompressedSize: 0x80,
} as const;

/** Filter ids (5.3). */
export const filterIds = {
  delta: 0x03,
  x86: 0x04,
  powerpc: 0x05,
  ia64: 0x06,
  arm: 0x07,
  armThumb: 0x08,
  sparc: 0x09,
  arm64: 0x0a,
  riscv: 0x0b,
  lzma2: 0x21,
} as const;

/** Names of filters in errors. */
export const filterNames: ReadonlyMap<number, string> = new Map(
  Object.entries(filterIds).map(([name, id]) => [id, name]),
);

/** Largest dictionary size byte of LZMA2 (5.3.1); it stands for 4 GiB − 1. */
export const lzma2LargestSizeByte = 40;

/** Bytes of dictionary that a size byte of 0…40 stands for. */
export function lzma2DictionaryBytes(sizeByte: number): number {
  return sizeByte === lzma2LargestSizeByte ? 2 ** 32 - 1 : (2 | (sizeByte & 1)) * 2 ** ((sizeByte >> 1) + 11);
}
