/**
 * Levels 2 and 3: a table of hashes of eight bytes, whose matches are worth much, and one of four. At each position
 * first the last distance is tried, then the long, then the short one, unless a long one begins right behind it.
 */
import { hash4, hash8 } from "./hashes";
import { base, windowBytes } from "./input";
import { chainLog, chainTable, hashLog, hashTable } from "./levels";
import { sameBytes } from "./match";
import { push, repeat0, repeat1 } from "./sequences";

/** Without matches for so many bytes (log2), steps grow by one. */
const patienceLog: u32 = 8;
/** From further away four bytes take as much as literals do. */
const nearBytes: usize = 16384;
/** Bytes that are read at a position and the next. */
const readBytes: u32 = 9;

/** The match that `search` found: how long, and where its bytes were before. */
let length: u32 = 0;
let source: usize = 0;

// @ts-ignore: decorator
@inline
function longSlot(word: u64): usize {
  return hashTable + (hash8(word, hashLog) << 2);
}

// @ts-ignore: decorator
@inline
function shortSlot(word: u64): usize {
  return chainTable + (hash4(word, chainLog) << 2);
}

/** Enters the position at an address into both tables. */
// @ts-ignore: decorator
@inline
function enter(at: usize, zero: usize): void {
  const word = load<u64>(at);
  store<u32>(longSlot(word), <u32>(at - zero));
  store<u32>(shortSlot(word), <u32>(at - zero));
}

/** Looks for a match from `at` on; returns where it begins, or `last` with a length of 0. */
// @ts-ignore: decorator
@inline
function search(from: usize, anchor: usize, last: usize, end: usize, start: u32, recent: usize): usize {
  const zero = base;
  const window = windowBytes;
  let at = from;
  for (; at < last; at += ((at - anchor) >> patienceLog) + 1) {
    const word = load<u64>(at);
    const position = <u32>(at - zero);
    const slot8 = longSlot(word);
    const slot4 = shortSlot(word);
    const long = load<u32>(slot8);
    const short = load<u32>(slot4);
    store<u32>(slot8, position);
    store<u32>(slot4, position);
    if (recent > 0 && <u32>(word >> 8) == load<u32>(at + 1 - recent)) {
      source = at + 1 - recent;
      length = sameBytes(source + 4, at + 5, end) + 4;
      return at + 1;
    }
    if (long >= start && load<u64>(zero + long) == word && position - long <= window) {
      source = zero + long;
      length = sameBytes(source + 8, at + 8, end) + 8;
      return at;
    }
    if (short >= start && load<u32>(zero + short) == <u32>word && position - short <= window) {
      const found = chooseShort(at, zero + short, anchor, end, start);
      if (found > 0) return found;
    }
  }
  length = 0;
  return last;
}

/** Four bytes or more are those at `earlier`; perhaps more from one byte on. Returns where to begin, 0 if it isn't worth it. */
// @ts-ignore: decorator
@inline
function chooseShort(at: usize, earlier: usize, anchor: usize, end: usize, start: u32): usize {
  source = earlier;
  length = sameBytes(earlier + 4, at + 4, end) + 4;
  const next = at + 1;
  const word = load<u64>(next);
  const slot = longSlot(word);
  const long = load<u32>(slot);
  const candidate = base + long;
  if (long >= start && load<u64>(candidate) == word && next - candidate <= windowBytes) {
    const longer = sameBytes(candidate + 8, next + 8, end) + 8;
    if (longer > length) {
      store<u32>(slot, <u32>(next - base));
      source = candidate;
      length = longer;
      return next;
    }
  }
  const isFar = length == 4 && at - earlier > nearBytes;
  if (isFar && (at == anchor || load<u8>(at - 1) != load<u8>(earlier - 1))) return 0;
  store<u32>(slot, <u32>(next - base));
  return at;
}

/** Parses [from, to); see sequences.ts. */
export function parseDouble(from: u32, to: u32, start: u32): void {
  if (to - from <= readBytes) return;
  const zero = base;
  const end = zero + to;
  const last = end - readBytes;
  const lowest = zero + start;
  let anchor = zero + from;
  let at = anchor + (from == start ? 1 : 0);
  let recent: usize = repeat0 <= at - lowest ? repeat0 : 0;
  let second: usize = repeat1 <= at - lowest ? repeat1 : 0;
  while (at < last) {
    at = search(at, anchor, last, end, start, recent);
    if (length == 0) return;
    const inside = at + 1;
    const distance = at - source;
    while (at > anchor && source > lowest && load<u8>(at - 1) == load<u8>(source - 1)) {
      at--;
      source--;
      length++;
    }
    push(<u32>(at - anchor), length, <u32>distance);
    if (distance != recent) {
      second = recent;
      recent = distance;
    }
    at += length;
    anchor = at;
    if (at >= last) return;
    // Some positions within the match, for those that follow to find.
    enter(inside, zero);
    store<u32>(longSlot(load<u64>(at - 2)), <u32>(at - 2 - zero));
    store<u32>(shortSlot(load<u64>(at - 1)), <u32>(at - 1 - zero));
    while (at < last && second > 0 && load<u32>(at) == load<u32>(at - second)) {
      const more = sameBytes(at + 4 - second, at + 4, end) + 4;
      enter(at, zero);
      push(0, more, <u32>second);
      at += more;
      anchor = at;
      const swapped = second;
      second = recent;
      recent = swapped;
    }
  }
}
