/**
 * Canonical Huffman codes as look-up tables (RFC 1951, 3.2.2), indexed by the next bits, first bit lowest.
 *
 * An entry: in bits 0–7 how many bits to drop, extra bits among them; in 8–11 how many of these the code itself has; in 13–15
 * what it is, if not a length or distance; in 16–30 a literal, a smallest length or distance, or where a subtable starts; the
 * highest bit marks literals. 0 is a code that stands for nothing.
 */

export const literalFlag: u32 = 1 << 31;
export const endFlag: u32 = 1 << 13;
export const subtableFlag: u32 = 1 << 14;
/** Set where a subtable or the end of the block comes. */
export const specialFlag: u32 = 1 << 15;

const longestCode: i32 = 15;
/** Codes that are longer take a second look-up. */
export const literalBits: i32 = 11;
export const distanceBits: i32 = 9;
const lengthBits: i32 = 7;

/** Codes with 0, that a block of fixed codes has and no other (3.2.6). */
const literalSymbols: i32 = 288;
const distanceSymbols: i32 = 32;
const lengthSymbols: i32 = 19;

/** With complete codes there are at most half as many subtables as codes. */
export const literals: usize = memory.data(4 * ((1 << literalBits) + (literalSymbols << (longestCode - literalBits))), 16);
export const distances: usize = memory.data(
  4 * ((1 << distanceBits) + (distanceSymbols << (longestCode - distanceBits))),
  16,
);
const lengthCodes: usize = memory.data(4 << lengthBits, 16);

/** What each symbol's entry has besides its code's length. */
const literalEntries: usize = memory.data(4 * literalSymbols, 4);
const distanceEntries: usize = memory.data(4 * distanceSymbols, 4);
const lengthEntries: usize = memory.data(4 * lengthSymbols, 4);

/** Code lengths of the block, literals first. */
const lengths: usize = memory.data(literalSymbols + distanceSymbols);
const lengthLengths: usize = memory.data(lengthSymbols);
const lengthOrder: usize = memory.data<u8>([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]);

const counts: usize = memory.data(4 * (longestCode + 1), 4);
const nextCodes: usize = memory.data(4 * (longestCode + 2), 4);

/** Whether the tables are those of the fixed codes. */
let areFixed: bool = false;

export function prepareTables(): void {
  for (let symbol = 0; symbol < 256; symbol++) store<u32>(literalEntries + 4 * symbol, literalFlag | (symbol << 16));
  store<u32>(literalEntries + 4 * 256, specialFlag | endFlag);
  let base: u32 = 3;
  for (let symbol: u32 = 257; symbol < 285; symbol++) {
    const extra = symbol < 265 ? 0 : (symbol - 261) >> 2;
    store<u32>(literalEntries + 4 * symbol, (base << 16) | extra);
    base += 1 << extra;
  }
  store<u32>(literalEntries + 4 * 285, 258 << 16);
  base = 1;
  for (let symbol: u32 = 0; symbol < 30; symbol++) {
    const extra = symbol < 4 ? 0 : (symbol >> 1) - 1;
    store<u32>(distanceEntries + 4 * symbol, (base << 16) | extra);
    base += 1 << extra;
  }
  for (let symbol = 0; symbol < lengthSymbols; symbol++) store<u32>(lengthEntries + 4 * symbol, symbol << 16);
}

/** Reverses the lowest `length` bits, up to 16. */
// @ts-ignore: decorator
@inline
function reverseBits(code: u32, length: i32): u32 {
  let bits = ((code & 0x5555) << 1) | ((code >> 1) & 0x5555);
  bits = ((bits & 0x3333) << 2) | ((bits >> 2) & 0x3333);
  bits = ((bits & 0x0f0f) << 4) | ((bits >> 4) & 0x0f0f);
  return ((bits << 8) | (bits >> 8)) >> (16 - length) & ((1 << length) - 1);
}

/**
 * Builds a table for the code lengths of `symbols` symbols. False where they are no prefix code; as in zlib, it may be
 * incomplete only if it is a single code of 1 bit or none.
 */
function build(
  table: usize,
  bits: i32,
  from: usize,
  symbols: i32,
  entries: usize,
  mustBeComplete: bool,
): bool {
  memory.fill(counts, 0, 4 * (longestCode + 1));
  for (let symbol = 0; symbol < symbols; symbol++) {
    const count = counts + 4 * <usize>load<u8>(from + symbol);
    store<u32>(count, load<u32>(count) + 1);
  }
  store<u32>(counts, 0);
  let left: i32 = 1;
  let code: u32 = 0;
  let longest = 0;
  for (let length = 1; length <= longestCode; length++) {
    const count = load<u32>(counts + 4 * length);
    if (count != 0) longest = length;
    left = (left << 1) - <i32>count;
    if (left < 0) return false;
    code = (code + load<u32>(counts + 4 * (length - 1))) << 1;
    store<u32>(nextCodes + 4 * length, code);
  }
  if (left > 0 && (mustBeComplete || longest > 1)) return false;
  fill(table, bits, longest, from, symbols, entries, left > 0);
  return true;
}

function fill(
  table: usize,
  bits: i32,
  longest: i32,
  from: usize,
  symbols: i32,
  entries: usize,
  isIncomplete: bool,
): void {
  const primary: u32 = 1 << bits;
  // Every subtable has the size that the longest code needs.
  const subtableBits = max(0, longest - bits);
  let subtable = primary;
  // A complete code without subtables leaves nothing of what was there before.
  if (isIncomplete || subtableBits > 0) memory.fill(table, 0, 4 * primary);
  for (let symbol = 0; symbol < symbols; symbol++) {
    const length = <i32>load<u8>(from + symbol);
    if (length == 0) continue;
    const code = load<u32>(nextCodes + 4 * length);
    store<u32>(nextCodes + 4 * length, code + 1);
    let entry = load<u32>(entries + 4 * symbol);
    const reversed = reverseBits(code, length);
    if (length <= bits) {
      if (entry != 0 || entries == lengthEntries) entry += length | (length << 8);
      const step: u32 = 1 << length;
      for (let at = reversed; at < primary; at += step) store<u32>(table + 4 * at, entry);
      continue;
    }
    const prefix = table + 4 * (reversed & (primary - 1));
    if (load<u32>(prefix) == 0) {
      store<u32>(prefix, (subtable << 16) | specialFlag | subtableFlag | (subtableBits << 8) | bits);
      memory.fill(table + 4 * subtable, 0, 4 << subtableBits);
      subtable += 1 << subtableBits;
    }
    if (entry != 0) entry += (length - bits) | ((length - bits) << 8);
    const start = table + 4 * (load<u32>(prefix) >> 16);
    const end: u32 = 1 << subtableBits;
    const step: u32 = 1 << (length - bits);
    for (let at = reversed >> bits; at < end; at += step) store<u32>(start + 4 * at, entry);
  }
}

/** The codes of blocks of type 1 (3.2.6). */
export function fixedTables(): void {
  if (areFixed) return;
  memory.fill(lengths, 8, 144);
  memory.fill(lengths + 144, 9, 256 - 144);
  memory.fill(lengths + 256, 7, 280 - 256);
  memory.fill(lengths + 280, 8, 288 - 280);
  build(literals, literalBits, lengths, literalSymbols, literalEntries, true);
  memory.fill(lengths, 5, distanceSymbols);
  build(distances, distanceBits, lengths, distanceSymbols, distanceEntries, true);
  areFixed = true;
}

/** Where the bits that follow the codes are; set by `readTables`. */
export let position: u32 = 0;

// @ts-ignore: decorator
@inline
function bitsAt(start: usize, at: u32): u32 {
  return load<u32>(start + (at >> 3)) >> (at & 7);
}

/**
 * Reads the codes that a block of type 2 starts with (3.2.7), at bit `at` from `start`, before bit `end`. False where they
 * are not valid.
 */
export function readTables(start: usize, from: u32, end: u32): bool {
  areFixed = false;
  let at = from;
  const header = bitsAt(start, at);
  const literalCount = <i32>(header & 31) + 257;
  const distanceCount = <i32>((header >> 5) & 31) + 1;
  const lengthCount = <i32>((header >> 10) & 15) + 4;
  at += 14;
  if (literalCount > 286 || distanceCount > 30) return false;
  memory.fill(lengthLengths, 0, lengthSymbols);
  for (let i = 0; i < lengthCount; i++) {
    store<u8>(lengthLengths + load<u8>(lengthOrder + i), bitsAt(start, at) & 7);
    at += 3;
  }
  if (at > end || !build(lengthCodes, lengthBits, lengthLengths, lengthSymbols, lengthEntries, true)) return false;
  const count = literalCount + distanceCount;
  for (let i = 0; i < count; ) {
    if (at > end) return false;
    const entry = load<u32>(lengthCodes + 4 * (bitsAt(start, at) & ((1 << lengthBits) - 1)));
    at += entry & 255;
    const symbol = entry >> 16;
    if (symbol < 16) {
      store<u8>(lengths + i, symbol);
      i++;
      continue;
    }
    if (symbol == 16 && i == 0) return false;
    const value = symbol == 16 ? load<u8>(lengths + i - 1) : 0;
    const extra: u32 = symbol == 16 ? 2 : symbol == 17 ? 3 : 7;
    const run = <i32>(bitsAt(start, at) & ((1 << extra) - 1)) + (symbol == 18 ? 11 : 3);
    at += extra;
    if (run > count - i) return false;
    memory.fill(lengths + i, value, run);
    i += run;
  }
  position = at;
  return (
    at <= end &&
    load<u8>(lengths + 256) != 0 &&
    build(literals, literalBits, lengths, literalCount, literalEntries, false) &&
    build(distances, distanceBits, lengths + literalCount, distanceCount, distanceEntries, false)
  );
}
