/** Finds matches, and parses: greedily, or one byte ahead. */
import { enter, headOf, headsBytes, linkOf, linksBytes } from "../lz4/chains";
import { countEqual } from "../lz4/fast";
import { epoch } from "../lz4/memory";
import { count, maxMatch, minMatch, pushLiteral, pushMatch } from "./tokens";

/** Farthest a match may reach back, bytes (RFC 1951, 2). */
export const windowBytes: u32 = 32768;
/** A match of three bytes from farther away takes more than its literals. */
const shortReach: u32 = 4096;

/** Chains of the places of four bytes, and the last place of three. */
const heads: usize = memory.data(headsBytes, 16);
const links: usize = memory.data(linksBytes, 16);
const shortHeads: usize = memory.data(headsBytes, 16);

let start: usize = 0;
let base: usize = 0;
let end: usize = 0;
/** The next byte to be parsed, and the next to be entered into the chains. */
export let at: usize = 0;
let entered: usize = 0;
/** Places that a search looks at, the length that ends it, and whether a longer match at the next byte is looked for. */
let tries: u32 = 0;
let longEnough: u32 = 0;
let lazy: bool = false;

let length: u32 = 0;
let distance: u32 = 0;

export function begin(from: usize, to: usize, searchTries: u32, searchEnough: u32, searchLazy: bool): void {
  start = from;
  base = from - epoch;
  end = to;
  at = from;
  entered = from;
  tries = searchTries;
  longEnough = searchEnough;
  lazy = searchLazy;
}

/** Bytes of input that positions were used for. */
export function usedBytes(): u32 {
  return <u32>(max(at, entered) - start);
}

export function clear(): void {
  memory.fill(heads, 0, headsBytes);
  memory.fill(shortHeads, 0, headsBytes);
}

/** Enters all bytes before `to`, of which four and more are there. */
function enterBefore(to: usize): void {
  while (entered < to) {
    const bytes = load<u32>(entered);
    const position = <u32>(entered - base);
    enter(headOf(heads, bytes), links, position);
    store<u32>(headOf(shortHeads, bytes & 0xffffff), position);
    entered += 1;
  }
}

/** Finds the longest match at a byte that is longer than `least`; the nearest one of them. False where there is none. */
function find(from: usize, least: u32): bool {
  if (from + minMatch + 1 > end) return false;
  enterBefore(from);
  const first = load<u32>(from);
  const position = <u32>(from - base);
  const farthest = min<u32>(windowBytes, <u32>(from - start));
  const most = min<usize>(end, from + maxMatch);
  length = max(least, minMatch);
  if (from + length >= most) return false;
  let back = position - load<u32>(headOf(heads, first));
  let left = tries;
  while (back <= farthest) {
    const other = from - back;
    if (load<u32>(other + length - 3) == load<u32>(from + length - 3) && load<u32>(other) == first) {
      const equal = countEqual(from + 4, other + 4, most) + 4;
      if (equal > length) {
        length = equal;
        distance = back;
        if (equal >= longEnough || from + equal >= most) break;
      }
    }
    left -= 1;
    if (left == 0) break;
    const step = linkOf(links, position - back);
    if (step == 0) break;
    back += step;
  }
  if (length > max(least, minMatch)) return true;
  if (least >= minMatch) return false;
  back = position - load<u32>(headOf(shortHeads, first & 0xffffff));
  if (back > min(farthest, shortReach) || ((load<u32>(from - back) ^ first) & 0xffffff) != 0) return false;
  length = minMatch;
  distance = back;
  return true;
}

/** Parses until there are `aim` tokens, or somewhat more, or the input ends. */
export function parse(aim: u32): void {
  while (count < aim && at < end) {
    if (!find(at, 0)) {
      pushLiteral(load<u8>(at));
      at += 1;
      continue;
    }
    let taken = length;
    let back = distance;
    while (lazy && taken < longEnough && count < aim) {
      // A longer match has to be worth its literal and what its distance costs more.
      if (!find(at + 1, taken) || !isBetter(taken, back)) break;
      pushLiteral(load<u8>(at));
      at += 1;
      taken = length;
      back = distance;
    }
    pushMatch(taken, back);
    at += taken;
  }
}

/** Whether the match that was found a byte later is worth more than one of `taken` bytes from `back`. */
// @ts-ignore: decorator
@inline
function isBetter(taken: u32, back: u32): bool {
  return 4 * (<i32>length - <i32>taken) + <i32>(clz(distance)) - <i32>(clz(back)) > 2;
}
