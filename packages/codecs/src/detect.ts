/** Compression formats that can be told by their first bytes. */
export type CompressionFormat = "gzip" | "xz" | "zstd" | "bzip2" | "lz4" | "lzma";

const startsWith = (bytes: Uint8Array, ...magic: readonly number[]) =>
  bytes.length >= magic.length && magic.every((byte, index) => bytes[index] === byte);

/** Bytes from the start that `detect` wants to see. */
export const detectBytes = 13;

/**
 * The compression format that these first bytes are of, by its magic number; undefined for anything else. Of the formats
 * it knows, `decompress` decodes gzip, xz and zstd.
 */
export function detect(bytes: Uint8Array): CompressionFormat | undefined {
  if (startsWith(bytes, 0x1f, 0x8b)) return "gzip";
  if (startsWith(bytes, 0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00)) return "xz";
  if (startsWith(bytes, 0x28, 0xb5, 0x2f, 0xfd)) return "zstd";
  // A skippable frame (RFC 8878, 3.1.2): tools put one before the first real frame.
  if (bytes.length >= 4 && ((bytes[0] as number) & 0xf0) === 0x50 && startsWith(bytes.subarray(1), 0x2a, 0x4d, 0x18)) {
    return "zstd";
  }
  // "BZh", a level, and the first block's magic or that of an empty file.
  if (startsWith(bytes, 0x42, 0x5a, 0x68) && (bytes[3] ?? 0) >= 0x31 && (bytes[3] ?? 0) <= 0x39) return "bzip2";
  // LZ4 frames, and the older form that the kernel's initrds have.
  if (startsWith(bytes, 0x04, 0x22, 0x4d, 0x18) || startsWith(bytes, 0x02, 0x21, 0x4c, 0x18)) return "lz4";
  return isLzmaAlone(bytes) ? "lzma" : undefined;
}

/** `.lzma` has no magic: default properties, a dictionary of some power of two, and a size below 256 GiB or unknown. */
function isLzmaAlone(bytes: Uint8Array): boolean {
  if (bytes.length < 13 || bytes[0] !== 0x5d || bytes[1] !== 0 || bytes[2] !== 0) return false;
  const size = bytes.subarray(5, 13);
  return size.every((byte) => byte === 0xff) || size.subarray(5).every((byte) => byte === 0);
}
