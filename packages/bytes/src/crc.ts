/** Table for a reflected CRC-32 with the given reversed polynomial. */
function crcTable(polynomial: number): Uint32Array {
  const table = new Uint32Array(256);
  for (let i = 0; i < 256; i++) {
    let value = i;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
    table[i] = value >>> 0;
  }
  return table;
}

const ieee = crcTable(0xedb88320);
const castagnoli = crcTable(0x82f63b78);

function update(table: Uint32Array, state: number, bytes: Uint8Array): number {
  let crc = state;
  for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ (table[(crc ^ (bytes[i] as number)) & 0xff] as number);
  return crc >>> 0;
}

/** CRC-32 (IEEE 802.3, as GPT, gzip and xz use it). Pass the former result as `crc` to go on. */
export function crc32(bytes: Uint8Array, crc = 0): number {
  return ~update(ieee, ~crc >>> 0, bytes) >>> 0;
}

/**
 * CRC-32C (Castagnoli) register update without the usual inversions: `crc32cRaw(0xffffffff, bytes)` is what Linux's
 * `crc32c(~0, …)` returns, which EROFS stores as it is.
 */
export function crc32cRaw(state: number, bytes: Uint8Array): number {
  return update(castagnoli, state >>> 0, bytes);
}
