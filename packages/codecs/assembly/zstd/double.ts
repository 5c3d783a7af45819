/**
 * Levels 2 to 4: a table of hashes of eight bytes, whose matches are worth much, and one of five or four. At each position
 * first the last distance is tried, then the long, then the short one, unless a long one begins right behind it.
 */
import { base, windowBytes } from "./input";
import { chainLog, chainTable, hashLog, hashTable, minMatch } from "./levels";
import { hash4, hash5, hash8 } from "./hashes";
import { sameBytes } from "./match";
import { push, repeat0, repeat1 } from "./sequences";

/** Without matches for so many bytes (log2), steps grow by one. */
const patienceLog: u32 = 8;
/** Bytes that are read at a position. */
const readBytes: u32 = 8;

// @ts-ignore: decorator
@inline
function shortHash(word: u64): usize {
  return minMatch == 4 ? hash4(word, chainLog) : hash5(word, chainLog);
}

// @ts-ignore: decorator
@inline
function longSlot(word: u64): usize {
  return hashTable + (hash8(word, hashLog) << 2);
}

// @ts-ignore: decorator
@inline
function shortSlot(word: u64): usize {
  return chainTable + (shortHash(word) << 2);
}

export function parseDouble(from: u32, to: u32, start: u32): void {
  const zero = base;
  const end = zero + to;
  const lowest = zero + start;
  const window = windowBytes;
  let anchor = zero + from;
  let at = anchor + (from == start ? 1 : 0);
  if (to - from < readBytes + 2) return;
  const last = end - readBytes;
  let recent = repeat0;
  let second = repeat1;
  if (at - lowest < recent) recent = 0;
  if (at - lowest < second) second = 0;

  while (at < last) {
    const word = load<u64>(at);
    const position = <u32>(at - zero);
    const slot8 = longSlot(word);
    const slot4 = shortSlot(word);
    const long = load<u32>(slot8);
    const short = load<u32>(slot4);
    store<u32>(slot8, position);
    store<u32>(slot4, position);

    let length: u32;
    let distance: u32;
    if (recent > 0 && <u32>(word >> 8) == load<u32>(at + 1 - recent)) {
      at += 1;
      length = sameBytes(at + 4 - recent, at + 4, end) + 4;
      push(<u32>(at - anchor), length, recent);
    } else {
      let earlier: usize = 0;
      if (long >= start && load<u64>(zero + long) == word && position - long <= window) {
        earlier = zero + long;
        length = sameBytes(earlier + 8, at + 8, end) + 8;
      } else if (short >= start && load<u32>(zero + short) == <u32>word && position - short <= window) {
        const following = load<u64>(at, 1);
        const slot = longSlot(following);
        const longer = load<u32>(slot);
        store<u32>(slot, position + 1);
        earlier = zero + short;
        length = sameBytes(earlier + 4, at + 4, end) + 4;
        if (longer >= start && load<u64>(zero + longer) == following && position + 1 - longer <= window) {
          const other = sameBytes(zero + longer + 8, at + 9, end) + 8;
          if (other > length) {
            at += 1;
            earlier = zero + longer;
            length = other;
          }
        }
      } else {
        at += ((at - anchor) >> patienceLog) + 1;
        continue;
      }
      distance = <u32>(at - earlier);
      while (at > anchor && earlier > lowest && load<u8>(at - 1) == load<u8>(earlier - 1)) {
        at -= 1;
        earlier -= 1;
        length += 1;
      }
      push(<u32>(at - anchor), length, distance);
      second = recent;
      recent = distance;
    }
    const inside = zero + position + 2;
    at += length;
    anchor = at;
    if (at >= last) break;
    // Some positions within the match, for those that follow to find.
    let some = load<u64>(inside);
    store<u32>(longSlot(some), position + 2);
    store<u32>(shortSlot(some), position + 2);
    store<u32>(longSlot(load<u64>(at - 2)), <u32>(at - 2 - zero));
    store<u32>(shortSlot(load<u64>(at - 1)), <u32>(at - 1 - zero));
    while (at < last && second > 0 && load<u32>(at) == load<u32>(at - second)) {
      length = sameBytes(at + 4 - second, at + 4, end) + 4;
      const swapped = second;
      second = recent;
      recent = swapped;
      some = load<u64>(at);
      store<u32>(longSlot(some), <u32>(at - zero));
      store<u32>(shortSlot(some), <u32>(at - zero));
      push(0, length, swapped);
      at += length;
      anchor = at;
    }
  }
}
