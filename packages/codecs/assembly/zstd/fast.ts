/** Level 1: one table of hashes of six or so bytes; the first match is taken. */
import { base, windowBytes } from "./input";
import { hashLog, hashTable, minMatch } from "./levels";
import { hash5, hash6 } from "./hashes";
import { sameBytes } from "./match";
import { push, repeat0, repeat1 } from "./sequences";

/** Without matches for so many bytes (log2), steps grow by one. */
const patienceLog: u32 = 7;
/** Bytes that are read at a position. */
const readBytes: u32 = 8;

// @ts-ignore: decorator
@inline
function slotOf(word: u64): usize {
  return hashTable + ((minMatch == 5 ? hash5(word, hashLog) : hash6(word, hashLog)) << 2);
}

export function parseFast(from: u32, to: u32, start: u32): void {
  const zero = base;
  const end = zero + to;
  const lowest = zero + start;
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
    const slot = slotOf(word);
    const found = load<u32>(slot);
    store<u32>(slot, position);
    let length: u32;
    if (recent > 0 && <u32>(word >> 8) == load<u32>(at + 1 - recent)) {
      at += 1;
      length = sameBytes(at + 4 - recent, at + 4, end) + 4;
      push(<u32>(at - anchor), length, recent);
    } else if (found >= start && load<u32>(zero + found) == <u32>word && position - found <= windowBytes) {
      let earlier = zero + found;
      const distance = position - found;
      length = sameBytes(earlier + 4, at + 4, end) + 4;
      while (at > anchor && earlier > lowest && load<u8>(at - 1) == load<u8>(earlier - 1)) {
        at -= 1;
        earlier -= 1;
        length += 1;
      }
      push(<u32>(at - anchor), length, distance);
      second = recent;
      recent = distance;
    } else {
      at += ((at - anchor) >> patienceLog) + 1;
      continue;
    }
    at += length;
    anchor = at;
    if (at >= last) break;
    store<u32>(slotOf(load<u64>(zero + position + 2)), position + 2);
    store<u32>(slotOf(load<u64>(at - 2)), <u32>(at - 2 - zero));
    while (at < last && second > 0 && load<u32>(at) == load<u32>(at - second)) {
      length = sameBytes(at + 4 - second, at + 4, end) + 4;
      const swapped = second;
      second = recent;
      recent = swapped;
      store<u32>(slotOf(load<u64>(at)), <u32>(at - zero));
      push(0, length, swapped);
      at += length;
      anchor = at;
    }
  }
}
