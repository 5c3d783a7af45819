// Canonical Huffman codes as lookup tables. Source: RFC 1951, 3.2.2.

// A table entry: bits 0–3 bits to drop; bits 4–7 extra bits, or the index bits of a subtable; bits 8–9 the kind;
// bits 10 and up a literal, a base value, or where the subtable starts. 0 is a code that stands for nothing.
export const kindLiteral = 0x000;
export const kindBase = 0x100;
export const kindEnd = 0x200;
export const kindSubtable = 0x300;
export const kindMask = 0x300;

/** Codes longer than this take a second look-up. */
export const primaryBits = 10;
const longestCode = 15;

/** The first look-up has `1 << bits` entries, subtables follow. */
export interface HuffmanTable {
  readonly entries: Int32Array;
  readonly bits: number;
}

const counts = new Uint16Array(longestCode + 1);
const nextCode = new Uint16Array(longestCode + 2);

/** Reverses the lowest `length` bits. */
function reverseBits(code: number, length: number): number {
  let reversed = 0;
  for (let i = 0, rest = code; i < length; i++, rest >>= 1) reversed = (reversed << 1) | (rest & 1);
  return reversed;
}

/**
 * Builds the table for codes of these lengths, `symbols[i]` being the entry of symbol i without its code length, negative
 * for one that must not come. Undefined where the lengths are no prefix code. As in zlib, a code may be incomplete only if it is a single code of 1 bit or none.
 */
export function huffmanTable(
  lengths: Uint8Array,
  symbols: Int32Array,
  mustBeComplete: boolean,
): HuffmanTable | undefined {
  counts.fill(0);
  for (const length of lengths) counts[length] = (counts[length] as number) + 1;
  let longest = longestCode;
  while (longest > 0 && counts[longest] === 0) longest--;
  let left = 1;
  let code = 0;
  counts[0] = 0;
  for (let length = 1; length <= longestCode; length++) {
    left = (left << 1) - (counts[length] as number);
    if (left < 0) return undefined;
    code = (code + (counts[length - 1] as number)) << 1;
    nextCode[length] = code;
  }
  if (left > 0 && (mustBeComplete || longest > 1)) return undefined;
  const bits = Math.max(1, Math.min(primaryBits, longest));
  return fillTable(lengths, symbols, bits, longest);
}

function fillTable(lengths: Uint8Array, symbols: Int32Array, bits: number, longest: number): HuffmanTable {
  const primary = 1 << bits;
  const subtableBits = Math.max(0, longest - bits);
  // Every subtable has the size that the longest code needs: at most 32 entries, simple and still small.
  let subtables = 0;
  const entries = new Int32Array(primary + countSubtables(bits) * (1 << subtableBits));
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const length = lengths[symbol] as number;
    if (length === 0) continue;
    const code = nextCode[length] as number;
    nextCode[length] = code + 1;
    if ((symbols[symbol] as number) < 0) continue;
    const reversed = reverseBits(code, length);
    if (length <= bits) {
      const entry = (symbols[symbol] as number) | length;
      for (let at = reversed; at < primary; at += 1 << length) entries[at] = entry;
      continue;
    }
    const prefix = reversed & (primary - 1);
    if (entries[prefix] === 0) {
      const start = primary + (subtables << subtableBits);
      subtables++;
      entries[prefix] = (start << 10) | kindSubtable | (subtableBits << 4) | bits;
    }
    const start = (entries[prefix] as number) >>> 10;
    const entry = (symbols[symbol] as number) | (length - bits);
    for (let at = reversed >> bits; at < 1 << subtableBits; at += 1 << (length - bits)) entries[start + at] = entry;
  }
  return { entries, bits };
}

/** Different prefixes of `bits` bits among the codes that are longer than that. */
function countSubtables(bits: number): number {
  // Codes of one length are consecutive and longer ones follow, so the long codes' prefixes are one run to the last.
  let first = -1;
  let last = -1;
  for (let length = bits + 1; length <= longestCode; length++) {
    const count = counts[length] as number;
    if (count === 0) continue;
    const start = nextCode[length] as number;
    if (first < 0) first = start >> (length - bits);
    last = (start + count - 1) >> (length - bits);
  }
  return first < 0 ? 0 : last - first + 1;
}
