/**
 * Levels 2 and 3: a table of hashes of eight bytes, whose matches are worth much, and one of four. At each position
 * first the last distance is tried, then the long, then the short one, unless a long one begins right behind it.
 */
import { base, windowBytes } from "./input";
import { chainLog, chainTable, hashLog, hashTable } from "./levels";
import { hash4, hash8 } from "./hashes";
import { sameBytes } from "./match";
import { push, repeat0, repeat1 } from "./sequences";

/** Without matches for so many bytes (log2), steps grow by one. */
const patienceLog: u32 = 8;
/** From further away four bytes take as much as literals do. */
const nearBytes: usize = 16384;
/** Bytes that are read at a position. */
const readBytes: u32 = 8;

// @ts-ignore: decorator
@inline
function slotOf(table: usize, hash: usize): usize {
  return table + (hash << 2);
}

export function parseDouble(from: u32, to: u32, start: u32): void {
  // Locals stay in registers, where globals would be loaded at each position.
  const zero = base;
  const longTable = hashTable;
  const longLog = hashLog;
  const shortTable = chainTable;
  const shortLog = chainLog;
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
    const slot8 = slotOf(longTable, hash8(word, longLog));
    const slot4 = slotOf(shortTable, hash4(word, shortLog));
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
        const slot = slotOf(longTable, hash8(following, longLog));
        const longer = load<u32>(slot);
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
        if (length == 4 && at - earlier > nearBytes && (at == anchor || load<u8>(at - 1) != load<u8>(earlier - 1))) {
          at += ((at - anchor) >> patienceLog) + 1;
          continue;
        }
        store<u32>(slot, position + 1);
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
    store<u32>(slotOf(longTable, hash8(some, longLog)), position + 2);
    store<u32>(slotOf(shortTable, hash4(some, shortLog)), position + 2);
    store<u32>(slotOf(longTable, hash8(load<u64>(at - 2), longLog)), <u32>(at - 2 - zero));
    store<u32>(slotOf(shortTable, hash4(load<u64>(at - 1), shortLog)), <u32>(at - 1 - zero));
    while (at < last && second > 0 && load<u32>(at) == load<u32>(at - second)) {
      length = sameBytes(at + 4 - second, at + 4, end) + 4;
      const swapped = second;
      second = recent;
      recent = swapped;
      some = load<u64>(at);
      store<u32>(slotOf(longTable, hash8(some, longLog)), <u32>(at - zero));
      store<u32>(slotOf(shortTable, hash4(some, shortLog)), <u32>(at - zero));
      push(0, length, swapped);
      at += length;
      anchor = at;
    }
  }
}
