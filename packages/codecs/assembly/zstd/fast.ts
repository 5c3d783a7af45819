/** Level 1: one table of hashes of five bytes; the first match is taken. */
import { hash5 } from "./hashes";
import { base, windowBytes } from "./input";
import { hashLog, hashTable } from "./levels";
import { sameBytes } from "./match";
import { push, repeat0, repeat1 } from "./sequences";

/** Without matches for so many bytes (log2), steps grow by one. */
const patienceLog: u32 = 7;
/** Bytes that are read at a position. */
const readBytes: u32 = 8;

/** The match that `search` found: how long, and where its bytes were before. */
let length: u32 = 0;
let source: usize = 0;

// @ts-ignore: decorator
@inline
function slotOf(word: u64): usize {
  return hashTable + (hash5(word, hashLog) << 2);
}

// @ts-ignore: decorator
@inline
function enter(at: usize, zero: usize): void {
  store<u32>(slotOf(load<u64>(at)), <u32>(at - zero));
}

/** Looks for a match from `from` on; returns where it begins, or `last` with a length of 0. */
// @ts-ignore: decorator
@inline
function search(from: usize, anchor: usize, last: usize, end: usize, start: u32, recent: usize): usize {
  const zero = base;
  const window = windowBytes;
  let at = from;
  for (; at < last; at += ((at - anchor) >> patienceLog) + 1) {
    const word = load<u64>(at);
    const position = <u32>(at - zero);
    const slot = slotOf(word);
    const found = load<u32>(slot);
    store<u32>(slot, position);
    if (recent > 0 && <u32>(word >> 8) == load<u32>(at + 1 - recent)) {
      source = at + 1 - recent;
      length = sameBytes(source + 4, at + 5, end) + 4;
      return at + 1;
    }
    if (found >= start && load<u32>(zero + found) == <u32>word && position - found <= window) {
      source = zero + found;
      length = sameBytes(source + 4, at + 4, end) + 4;
      return at;
    }
  }
  length = 0;
  return last;
}

/** Parses [from, to); see sequences.ts. */
export function parseFast(from: u32, to: u32, start: u32): void {
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
    enter(at - 2, zero);
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
