/** The literals and matches of a block (RFC 1951, 3.2.3). */
import { copyMatch } from "../unzstd/copy";
import {
  distanceBits,
  distances,
  endFlag,
  literalBits,
  literalFlag,
  literals,
  specialFlag,
  subtableFlag,
} from "./tables";

export const blockEnd: i32 = 0;
export const outputFull: i32 = 1;
export const notValid: i32 = 2;

/** Where the output ends, and the next bit of the input from its start: set by `decodeSymbols`. */
export let outputAt: usize = 0;
export let position: u32 = 0;

// @ts-ignore: decorator
@inline
function literalOf(held: u64): u32 {
  return load<u32>((<usize>held & ((1 << literalBits) - 1)) << 2, literals);
}

// @ts-ignore: decorator
@inline
function distanceOf(held: u64): u32 {
  return load<u32>((<usize>held & ((1 << distanceBits) - 1)) << 2, distances);
}

/** An entry of the subtable that `entry` leads to, which takes what bits it has. */
// @ts-ignore: decorator
@inline
function below(table: usize, entry: u32, held: u64): u32 {
  return load<u32>(table + 4 * ((entry >> 16) + (<u32>held & ((1 << ((entry >> 8) & 15)) - 1))));
}

/** The smallest value of an entry and what its extra bits add to that. */
// @ts-ignore: decorator
@inline
function valueOf(entry: u32, held: u64): u32 {
  return (entry >> 16) + ((<u32>held & ((1 << (entry & 255)) - 1)) >> ((entry >> 8) & 15));
}

/**
 * Decodes from bit `from` of `start` on to `output` until the block ends or `full` is reached, where what fits of a match is
 * there. Matches go back to `first` at most. Bits behind `end` are not valid, but read up to there and some bytes more.
 */
export function decodeSymbols(start: usize, from: u32, end: usize, output: usize, first: usize, full: usize): i32 {
  let out = output;
  let at = start + (from >> 3);
  let held = load<u64>(at) >> <u64>(from & 7);
  // Bits in `held`; up to 7 more may be there, which the next load gives again.
  let count: u32 = 56 - (from & 7);
  at += 7;
  let result = notValid;
  for (;;) {
    // Not more than 8 bytes of what is held lie behind the end.
    if (at > end + 8) break;
    held |= load<u64>(at) << <u64>count;
    at += (63 - count) >> 3;
    count |= 56;
    let entry = literalOf(held);
    if (entry & literalFlag) {
      const room = full - out;
      if (room == 0) {
        result = outputFull;
        break;
      }
      held >>= <u64>(entry & 255);
      count -= entry & 255;
      store<u8>(out++, entry >> 16);
      if (room < 3) continue;
      entry = literalOf(held);
      if (entry & literalFlag) {
        held >>= <u64>(entry & 255);
        count -= entry & 255;
        store<u8>(out++, entry >> 16);
        entry = literalOf(held);
        if (entry & literalFlag) {
          held >>= <u64>(entry & 255);
          count -= entry & 255;
          store<u8>(out++, entry >> 16);
          continue;
        }
      }
    }
    if (entry & specialFlag) {
      if (entry & subtableFlag) {
        held >>= literalBits;
        count -= literalBits;
        entry = below(literals, entry, held);
        if (entry & literalFlag) {
          if (out == full) {
            result = outputFull;
            break;
          }
          held >>= <u64>(entry & 255);
          count -= entry & 255;
          store<u8>(out++, entry >> 16);
          continue;
        }
      }
      if (entry & endFlag) {
        count -= entry & 255;
        result = blockEnd;
        break;
      }
    }
    if (entry == 0) break;
    const length = valueOf(entry, held);
    held >>= <u64>(entry & 255);
    count -= entry & 255;
    held |= load<u64>(at) << <u64>count;
    at += (63 - count) >> 3;
    count |= 56;
    entry = distanceOf(held);
    if (entry & subtableFlag) {
      held >>= distanceBits;
      count -= distanceBits;
      entry = below(distances, entry, held);
    }
    if (entry == 0) break;
    const distance = valueOf(entry, held);
    held >>= <u64>(entry & 255);
    count -= entry & 255;
    if (distance > <u32>(out - first)) break;
    const room = <u32>(full - out);
    if (length > room) {
      if (room > 0) copyMatch(out, distance, room);
      out = full;
      result = outputFull;
      break;
    }
    copyMatch(out, distance, length);
    out += length;
  }
  outputAt = out;
  position = <u32>(at - start) * 8 - count;
  return result;
}
