/** Huffman-coded literals (RFC 8878, 4.2). */
import { before, highest, lastPosition } from "./bits";
import { bitsOf, log, nextOf, readCounts, spread, symbols } from "./fse";

const longestBits: i32 = 11;
const weightsLargestLog: i32 = 6;
const symbolLimit: i32 = 256;

/** What each 11 bits start with: the symbol in bits 8–15, the length of its code in bits 0–7. */
const table: usize = memory.data(2 << longestBits, 16);
const weights: usize = memory.data(symbolLimit, 16);
/** While weights are read: their states' symbols, bits and bases. */
const weightStates: usize = memory.data(4 << weightsLargestLog, 4);
const places: usize = memory.data((longestBits + 2) * 4, 4);

/** Reads a tree's description (4.2.1) into the table. Gives where it ends, or 0 where it is not valid. */
export function readTree(at: usize, end: usize): usize {
  if (at >= end) return 0;
  const header = <i32>load<u8>(at);
  const packed = header < 128 ? header : (header - 126) >> 1;
  const after = at + 1 + packed;
  if (after > end) return 0;
  memory.fill(weights, 0, symbolLimit);
  let count: i32;
  if (header < 128) {
    count = readWeights(at + 1, after);
  } else {
    count = header - 127;
    for (let i = 0; i < count; i++) {
      const pair = <u32>load<u8>(at + 1 + (i >> 1));
      store<u8>(weights + i, i & 1 ? pair & 15 : pair >> 4);
    }
  }
  return count >= 0 && buildTable(count) ? after : 0;
}

/** Weights that are FSE-coded themselves, by two states in turn (4.2.1.2). Gives their number, or -1. */
function readWeights(at: usize, end: usize): i32 {
  const start = readCounts(at, end, longestBits + 2, weightsLargestLog);
  if (start == 0 || start >= end) return -1;
  spread();
  const size = 1 << log;
  for (let state = 0; state < size; state++) {
    const symbol = <u32>load<u8>(symbols + state);
    const value = nextOf(symbol);
    const bits = bitsOf(value);
    store<u32>(weightStates + 4 * state, symbol | (bits << 8) | (((value << bits) - size) << 16));
  }
  let position = lastPosition(start, end);
  if (position < 0) return -1;
  // The last weight follows from the others, so that there is one less than there are symbols.
  let state: u32 = 0;
  let need: u32 = log;
  let otherState: u32 = 0;
  let otherNeed: u32 = log;
  for (let count = 0; count < symbolLimit; count++) {
    position -= need;
    if (position < 0) return count;
    const entry = load<u32>(weightStates + 4 * (state + highest(before(start, position + need), need)));
    store<u8>(weights + count, entry);
    state = otherState;
    need = otherNeed;
    otherState = entry >> 16;
    otherNeed = (entry >> 8) & 255;
  }
  return -1;
}

/** Builds the table for `count` weights and the one that follows from them (4.2.1). */
function buildTable(count: i32): bool {
  if (count >= symbolLimit) return false;
  memory.fill(places, 0, (longestBits + 2) * 4);
  let sum: u32 = 0;
  for (let i = 0; i < count; i++) {
    const weight = <u32>load<u8>(weights + i);
    if (weight > <u32>longestBits) return false;
    sum += (1 << weight) >> 1;
    store<u32>(places + 4 * weight, load<u32>(places + 4 * weight) + 1);
  }
  if (sum == 0) return false;
  const bits = 32 - clz<u32>(sum);
  const left: u32 = (1 << bits) - sum;
  if (bits > longestBits || (left & (left - 1)) != 0) return false;
  const last = 32 - clz<u32>(left);
  store<u8>(weights + count, last);
  store<u32>(places + 4 * last, load<u32>(places + 4 * last) + 1);
  // Codes of the greatest length come in pairs.
  const longest = load<u32>(places + 4);
  if (longest < 2 || (longest & 1) != 0) return false;
  // Every table is as if codes of 11 bits were in it, so that looking up shifts by a constant.
  const widen = longestBits - bits;
  let place: u32 = 0;
  for (let weight: u32 = 1; weight <= <u32>bits; weight++) {
    const number = load<u32>(places + 4 * weight);
    store<u32>(places + 4 * weight, place);
    place += number << (weight - 1 + widen);
  }
  for (let symbol = 0; symbol <= count; symbol++) {
    const weight = <u32>load<u8>(weights + symbol);
    if (weight == 0) continue;
    const at = load<u32>(places + 4 * weight);
    const run: u32 = 1 << (weight - 1 + widen);
    store<u32>(places + 4 * weight, at + run);
    fill(table + 2 * at, (symbol << 8) | (bits + 1 - weight), run);
  }
  return true;
}

/** Writes an entry `run` times; runs lie at multiples of their length, which is a power of two. */
// @ts-ignore: decorator
@inline
function fill(to: usize, entry: u32, run: u32): void {
  if (run == 1) {
    store<u16>(to, entry);
  } else if (run == 2) {
    store<u32>(to, entry * 0x10001);
  } else if (run == 4) {
    store<u64>(to, <u64>entry * 0x1000100010001);
  } else {
    const word = i16x8.splat(<i16>entry);
    for (const end = to + 2 * run; to < end; to += 16) v128.store(to, word);
  }
}

// @ts-ignore: decorator
@inline
function entryOf(word: u64): u32 {
  return load<u16>(<usize>(word >> (64 - longestBits)) << 1, table);
}

/**
 * Decodes what is before position `from` of one stream (4.2.2) into all of `[out, end)`.
 * False where the stream does not hold exactly these.
 */
export function decodeRest(start: usize, from: i32, out: usize, end: usize): bool {
  let position = from;
  while (out < end && position > 0) {
    let word = before(start, position);
    let entry = entryOf(word);
    store<u8>(out, entry >> 8);
    position -= entry & 255;
    if (out + 1 < end) {
      word <<= <u64>(entry & 255);
      entry = entryOf(word);
      store<u8>(out + 1, entry >> 8);
      position -= entry & 255;
    }
    out += 2;
  }
  return position == 0 && out >= end;
}

// While four streams are decoded, a stream's bits are a word: what is unread is highest, the lowest bit that is set tells
// how much was read, and `at` is where the word was loaded.

// @ts-ignore: decorator
@inline
function begin(at: usize): u64 {
  const last = <u32>load<u8>(at + 7);
  return (load<u64>(at) | 1) << <u64>(clz<u32>(last) - 23);
}

// @ts-ignore: decorator
@inline
function reload(at: usize, word: u64): u64 {
  return (load<u64>(at) | 1) << (ctz<u64>(word) & 7);
}

/** Symbols of one stream that 56 bits are enough for. */
const symbolsPerWord: usize = 5;

/**
 * Decodes four streams that follow each other from `start`, behind a table of the sizes of the first three (RFC 8878,
 * 3.1.1.3.1.6), into `count` bytes from `out` on. All at once, because each look-up waits for the one before it.
 */
export function decodeFour(start: usize, end: usize, out: usize, count: u32): bool {
  if (end < start + 6) return false;
  const quarter: usize = (count + 3) >> 2;
  if (quarter * 3 > count) return false;
  const start0 = start + 6;
  const start1 = start0 + load<u16>(start);
  const start2 = start1 + load<u16>(start + 2);
  const start3 = start2 + load<u16>(start + 4);
  // Empty streams hold nothing, not even the mark of their end.
  if (start1 <= start0 || start2 <= start1 || start3 <= start2 || end <= start3) return false;
  let at0 = start1 - 8;
  let at1 = start2 - 8;
  let at2 = start3 - 8;
  let at3 = end - 8;
  if (load<u8>(at0 + 7) == 0 || load<u8>(at1 + 7) == 0 || load<u8>(at2 + 7) == 0 || load<u8>(at3 + 7) == 0) return false;
  let word0 = begin(at0);
  let word1 = begin(at1);
  let word2 = begin(at2);
  let word3 = begin(at3);
  let to = out;
  // Of the four the last is the shortest.
  const safe = out + (<usize>count - 3 * quarter);
  for (;;) {
    // A round takes at most 7 bytes of each stream.
    let rounds = <i32>((safe - to) / symbolsPerWord);
    rounds = min(rounds, min(min(<i32>(at0 - start0), <i32>(at1 - start1)), min(<i32>(at2 - start2), <i32>(at3 - start3))) / 7);
    if (rounds <= 0) break;
    const stop = to + <usize>rounds * symbolsPerWord;
    do {
      for (let i: usize = 0; i < symbolsPerWord; i++) {
        const entry0 = entryOf(word0);
        const entry1 = entryOf(word1);
        const entry2 = entryOf(word2);
        const entry3 = entryOf(word3);
        word0 <<= <u64>(entry0 & 255);
        word1 <<= <u64>(entry1 & 255);
        word2 <<= <u64>(entry2 & 255);
        word3 <<= <u64>(entry3 & 255);
        store<u8>(to + i, entry0 >> 8);
        store<u8>(to + i + quarter, entry1 >> 8);
        store<u8>(to + i + 2 * quarter, entry2 >> 8);
        store<u8>(to + i + 3 * quarter, entry3 >> 8);
      }
      at0 -= <usize>ctz<u64>(word0) >> 3;
      at1 -= <usize>ctz<u64>(word1) >> 3;
      at2 -= <usize>ctz<u64>(word2) >> 3;
      at3 -= <usize>ctz<u64>(word3) >> 3;
      word0 = reload(at0, word0);
      word1 = reload(at1, word1);
      word2 = reload(at2, word2);
      word3 = reload(at3, word3);
      to += symbolsPerWord;
    } while (to < stop);
  }
  return (
    decodeRest(start0, positionOf(start0, at0, word0), to, out + quarter) &&
    decodeRest(start1, positionOf(start1, at1, word1), to + quarter, out + 2 * quarter) &&
    decodeRest(start2, positionOf(start2, at2, word2), to + 2 * quarter, out + 3 * quarter) &&
    decodeRest(start3, positionOf(start3, at3, word3), to + 3 * quarter, out + count)
  );
}

// @ts-ignore: decorator
@inline
function positionOf(start: usize, at: usize, word: u64): i32 {
  return <i32>(at + 8 - start) * 8 - <i32>ctz<u64>(word);
}
