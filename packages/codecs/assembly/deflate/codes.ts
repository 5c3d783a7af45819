/** The codes of a block, what they take, and how they are written before it (RFC 1951, 3.2.6 and 3.2.7). */
import { put } from "./bits";
import { findLengths, makeCodes } from "./huffman";
import {
  bytesOf,
  distanceExtra,
  distanceSymbol,
  distanceSymbols,
  endOfBlock,
  frequency,
  histogramBytes,
  lengthExtra,
  lengthSymbol,
  literalSymbols,
  minMatch,
  tokenAt,
} from "./tokens";

const longestCode: u32 = 15;
const lengthSymbols: u32 = 19;
const longestLengthCode: u32 = 7;
/** Symbols that repeat a length, and bits behind them. */
const repeatLast: u32 = 16;
const repeatZero: u32 = 17;
const repeatZeroLong: u32 = 18;
/** The order in which the lengths of length codes are written. */
const lengthOrder: usize = memory.data<u8>([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]);

/** Lengths of both alphabets behind each other, u8, and then their codes, u32. */
const lengths: usize = memory.data(literalSymbols + distanceSymbols);
const codes: usize = memory.data(histogramBytes, 16);
/** The lengths as they are written: symbol, `symbol | extra << 8`, u32. */
const items: usize = memory.data(histogramBytes, 16);
let itemCount: u32 = 0;
const itemFrequencies: usize = memory.data(lengthSymbols << 2, 16);
const itemLengths: usize = memory.data(lengthSymbols);
const itemCodes: usize = memory.data(lengthSymbols << 2, 16);
/** Symbols of each alphabet, and lengths of length codes, that are written. */
let literalsWritten: u32 = 0;
let distancesWritten: u32 = 0;
let itemLengthsWritten: u32 = 0;

/** Bits behind the symbols of a block; no code changes that. */
export function extraBits(histogram: usize): u32 {
  let bits: u32 = 0;
  for (let symbol: u32 = 265; symbol < literalSymbols; symbol++) bits += frequency(histogram, symbol) * lengthExtra(symbol);
  for (let symbol: u32 = 4; symbol < distanceSymbols; symbol++) {
    bits += frequency(histogram, literalSymbols + symbol) * distanceExtra(symbol);
  }
  return bits;
}

/** Finds the best codes for a block with these symbols, and gives its bits. */
export function chooseCodes(histogram: usize): u32 {
  findLengths(histogram, literalSymbols, longestCode, lengths);
  findLengths(histogram + (literalSymbols << 2), distanceSymbols, longestCode, lengths + literalSymbols);
  return describeLengths() + symbolBits(histogram);
}

/** Sets the codes that need no description, and gives the bits of a block with these symbols. */
export function fixCodes(histogram: usize): u32 {
  memory.fill(lengths, 8, 144);
  memory.fill(lengths + 144, 9, 112);
  memory.fill(lengths + 256, 7, 24);
  memory.fill(lengths + 280, 8, literalSymbols - 280);
  memory.fill(lengths + literalSymbols, 5, distanceSymbols);
  return 3 + symbolBits(histogram);
}

function symbolBits(histogram: usize): u32 {
  let bits = extraBits(histogram);
  for (let symbol: u32 = 0; symbol < literalSymbols + distanceSymbols; symbol++) {
    bits += frequency(histogram, symbol) * load<u8>(lengths + symbol);
  }
  return bits;
}

/** Puts the lengths of all symbols into items, and gives the bits up to the first symbol of the block. */
function describeLengths(): u32 {
  literalsWritten = literalSymbols;
  while (literalsWritten > 257 && load<u8>(lengths + literalsWritten - 1) == 0) literalsWritten--;
  distancesWritten = distanceSymbols;
  while (distancesWritten > 1 && load<u8>(lengths + literalSymbols + distancesWritten - 1) == 0) distancesWritten--;
  itemCount = 0;
  memory.fill(itemFrequencies, 0, lengthSymbols << 2);
  const all = literalsWritten + distancesWritten;
  for (let at: u32 = 0; at < all; ) {
    const length = writtenLength(at);
    let run: u32 = 1;
    while (at + run < all && writtenLength(at + run) == length) run++;
    at += run;
    pushRun(length, run);
  }
  findLengths(itemFrequencies, lengthSymbols, longestLengthCode, itemLengths);
  itemLengthsWritten = lengthSymbols;
  while (itemLengthsWritten > 4 && load<u8>(itemLengths + load<u8>(lengthOrder + itemLengthsWritten - 1)) == 0) {
    itemLengthsWritten--;
  }
  let bits: u32 = 3 + 5 + 5 + 4 + 3 * itemLengthsWritten;
  for (let symbol: u32 = 0; symbol < lengthSymbols; symbol++) {
    bits += frequency(itemFrequencies, symbol) * (load<u8>(itemLengths + symbol) + repeatBits(symbol));
  }
  return bits;
}

/** The distances come right behind the last literal or length that is written. */
// @ts-ignore: decorator
@inline
function writtenLength(index: u32): u32 {
  return load<u8>(lengths + (index < literalsWritten ? index : literalSymbols + index - literalsWritten));
}

// @ts-ignore: decorator
@inline
function repeatBits(symbol: u32): u32 {
  return symbol < repeatLast ? 0 : symbol == repeatLast ? 2 : symbol == repeatZero ? 3 : 7;
}

function pushItem(symbol: u32, extra: u32): void {
  store<u32>(items + (<usize>itemCount << 2), symbol | (extra << 8));
  itemCount++;
  const at = itemFrequencies + (<usize>symbol << 2);
  store<u32>(at, load<u32>(at) + 1);
}

function pushRun(length: u32, count: u32): void {
  let left = count;
  if (length == 0) {
    while (left >= 11) {
      const run = min<u32>(left, 138);
      pushItem(repeatZeroLong, run - 11);
      left -= run;
    }
    if (left >= 3) {
      pushItem(repeatZero, left - 3);
      left = 0;
    }
  } else {
    pushItem(length, 0);
    left--;
    while (left >= 3) {
      const run = min<u32>(left, 6);
      pushItem(repeatLast, run - 3);
      left -= run;
    }
  }
  for (; left > 0; left--) pushItem(length, 0);
}

/** Writes what stands before the symbols of a block with chosen codes, but for its first three bits. */
export function writeLengths(): void {
  put(literalsWritten - 257, 5);
  put(distancesWritten - 1, 5);
  put(itemLengthsWritten - 4, 4);
  for (let i: u32 = 0; i < itemLengthsWritten; i++) put(load<u8>(itemLengths + load<u8>(lengthOrder + i)), 3);
  makeCodes(itemLengths, lengthSymbols, itemCodes);
  for (let i: u32 = 0; i < itemCount; i++) {
    const item = load<u32>(items + (<usize>i << 2));
    const code = frequency(itemCodes, item & 255);
    put(code >> 8, code & 255);
    put(item >> 8, repeatBits(item & 255));
  }
}

/** Writes the first tokens in the codes that were set last, and the end of the block. */
export function writeTokens(count: u32): void {
  makeCodes(lengths, literalSymbols, codes);
  makeCodes(lengths + literalSymbols, distanceSymbols, codes + (literalSymbols << 2));
  for (let index: u32 = 0; index < count; index++) {
    const token = tokenAt(index);
    if (token < 256) {
      const code = frequency(codes, token);
      put(code >> 8, code & 255);
      continue;
    }
    const length = token >> 16;
    const symbol = lengthSymbol(length);
    const code = frequency(codes, symbol);
    const extra = lengthExtra(symbol);
    const codeBits = code & 255;
    put((code >> 8) | (((length - minMatch) & ((1 << extra) - 1)) << codeBits), codeBits + extra);
    const distance = token & 0xffff;
    const far = distanceSymbol(distance);
    const farCode = frequency(codes, literalSymbols + far);
    const farExtra = distanceExtra(far);
    const farBits = farCode & 255;
    put((farCode >> 8) | (((distance - 1) & ((1 << farExtra) - 1)) << farBits), farBits + farExtra);
  }
  const code = frequency(codes, endOfBlock);
  put(code >> 8, code & 255);
}

/** Bits of one token in the codes that were set last. A symbol that has no code there is taken to have a long one. */
// @ts-ignore: decorator
@inline
function tokenBits(token: u32): u32 {
  if (token < 256) return codeBits(token);
  const symbol = lengthSymbol(token >> 16);
  const far = distanceSymbol(token & 0xffff);
  return codeBits(symbol) + lengthExtra(symbol) + codeBits(literalSymbols + far) + distanceExtra(far);
}

// @ts-ignore: decorator
@inline
function codeBits(symbol: u32): u32 {
  const length = <u32>load<u8>(lengths + symbol);
  return length == 0 ? longestCode : length;
}

/** How many tokens from `index` on take about `bits`, in the codes that were set last. */
export function tokensWithin(index: u32, end: u32, bits: u32): u32 {
  let left = bits;
  let at = index;
  for (; at < end; at++) {
    const here = tokenBits(tokenAt(at));
    if (here > left) break;
    left -= here;
  }
  return at - index;
}

/** How many tokens before `index` take `bits` or just more. */
export function tokensBefore(index: u32, bits: u32): u32 {
  let found: u32 = 0;
  let at = index;
  while (at > 0 && found < bits) {
    at--;
    found += tokenBits(tokenAt(at));
  }
  return index - at;
}

/** Bytes of input that the first tokens stand for. */
export function inputBytes(count: u32): u32 {
  let bytes: u32 = 0;
  for (let index: u32 = 0; index < count; index++) bytes += bytesOf(tokenAt(index));
  return bytes;
}
