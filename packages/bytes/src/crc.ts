/** Bytes that one step of the loop below takes. Measured on 64 MiB: 1.3 GiB/s with 8 tables, 0.4 with one, no gain with 16. */
const step = 8;

/**
 * Tables for a reflected CRC-32 with the given reversed polynomial, for slicing by eight: entry `256 * k + byte` is the
 * register after `byte` and then `k` zero bytes. M. Kounavis and F. Berry, "A Systematic Approach to Building High
 * Performance Software-based CRC Generators", 2005.
 */
function crcTables(polynomial: number): Int32Array {
  const tables = new Int32Array(256 * step);
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
    tables[byte] = value;
  }
  for (let i = 256; i < tables.length; i++) {
    const before = tables[i - 256] as number;
    tables[i] = (before >>> 8) ^ (tables[before & 0xff] as number);
  }
  return tables;
}

const ieee = crcTables(0xedb88320);
const castagnoli = crcTables(0x82f63b78);

function update(tables: Int32Array, state: number, bytes: Uint8Array): number {
  let crc = state | 0;
  let at = 0;
  if (bytes.length >= step) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (const end = bytes.length - step; at <= end; at += step) {
      const a = crc ^ view.getInt32(at, true);
      const b = view.getInt32(at + 4, true);
      crc =
        (tables[1792 + (a & 255)] as number) ^
        (tables[1536 + ((a >>> 8) & 255)] as number) ^
        (tables[1280 + ((a >>> 16) & 255)] as number) ^
        (tables[1024 + (a >>> 24)] as number) ^
        (tables[768 + (b & 255)] as number) ^
        (tables[512 + ((b >>> 8) & 255)] as number) ^
        (tables[256 + ((b >>> 16) & 255)] as number) ^
        (tables[b >>> 24] as number);
    }
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ (tables[(crc ^ (bytes[at] as number)) & 0xff] as number);
  return crc >>> 0;
}

/** CRC-32 (IEEE 802.3, as GPT, gzip and xz use it). Pass the former result as `crc` to go on. */
export function crc32(bytes: Uint8Array, crc = 0): number {
  return ~update(ieee, ~crc, bytes) >>> 0;
}

/**
 * CRC-32C (Castagnoli) register update without the usual inversions: `crc32cRaw(0xffffffff, bytes)` is what Linux's
 * `crc32c(~0, …)` returns, which EROFS stores as it is. The usual CRC-32C (RFC 3720) is its bitwise complement.
 */
export function crc32cRaw(state: number, bytes: Uint8Array): number {
  return update(castagnoli, state, bytes);
}
