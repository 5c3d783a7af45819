// CRC-64 of ECMA-182, reflected, as .xz uses it (xz-file-format.txt, 6). A register is two 32-bit halves.

const polynomialLow = 0xd7870f42;
const polynomialHigh = 0xc96c5795;

// Eight tables of 256 entries, so that eight bytes go in at once: table k is that of a byte with k zero bytes after it.
const low = new Int32Array(8 * 256);
const high = new Int32Array(8 * 256);
for (let byte = 0; byte < 256; byte++) {
  let lo = byte;
  let hi = 0;
  for (let bit = 0; bit < 8; bit++) {
    const carry = lo & 1;
    lo = (lo >>> 1) | (hi << 31);
    hi >>>= 1;
    if (carry) {
      lo ^= polynomialLow;
      hi ^= polynomialHigh;
    }
  }
  low[byte] = lo;
  high[byte] = hi;
}
for (let at = 256; at < low.length; at++) {
  const lo = low[at - 256] as number;
  const hi = high[at - 256] as number;
  const byte = lo & 0xff;
  low[at] = ((lo >>> 8) | (hi << 24)) ^ (low[byte] as number);
  high[at] = (hi >>> 8) ^ (high[byte] as number);
}

/** A CRC-64 in progress. */
export class Crc64 {
  private lo = -1;
  private hi = -1;

  update(bytes: Uint8Array): void {
    let lo = this.lo;
    let hi = this.hi;
    let at = 0;
    for (const end = bytes.length - 7; at < end; at += 8) {
      const a = 0x700 + (((bytes[at] as number) ^ lo) & 0xff);
      const b = 0x600 + (((bytes[at + 1] as number) ^ (lo >>> 8)) & 0xff);
      const c = 0x500 + (((bytes[at + 2] as number) ^ (lo >>> 16)) & 0xff);
      const d = 0x400 + ((bytes[at + 3] as number) ^ (lo >>> 24));
      const e = 0x300 + (((bytes[at + 4] as number) ^ hi) & 0xff);
      const f = 0x200 + (((bytes[at + 5] as number) ^ (hi >>> 8)) & 0xff);
      const g = 0x100 + (((bytes[at + 6] as number) ^ (hi >>> 16)) & 0xff);
      const h = (bytes[at + 7] as number) ^ (hi >>> 24);
      lo =
        (low[a] as number) ^
        (low[b] as number) ^
        (low[c] as number) ^
        (low[d] as number) ^
        (low[e] as number) ^
        (low[f] as number) ^
        (low[g] as number) ^
        (low[h] as number);
      hi =
        (high[a] as number) ^
        (high[b] as number) ^
        (high[c] as number) ^
        (high[d] as number) ^
        (high[e] as number) ^
        (high[f] as number) ^
        (high[g] as number) ^
        (high[h] as number);
    }
    for (; at < bytes.length; at++) {
      const index = ((bytes[at] as number) ^ lo) & 0xff;
      lo = ((lo >>> 8) | (hi << 24)) ^ (low[index] as number);
      hi = (hi >>> 8) ^ (high[index] as number);
    }
    this.lo = lo;
    this.hi = hi;
  }

  /** The 8 bytes, lowest first. */
  digest(): Uint8Array {
    const bytes = new Uint8Array(8);
    const view = new DataView(bytes.buffer);
    view.setInt32(0, ~this.lo, true);
    view.setInt32(4, ~this.hi, true);
    return bytes;
  }
}
