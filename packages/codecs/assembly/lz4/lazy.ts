/**
 * Levels 1 to 9: the longest match at a byte is taken unless the next byte, or the one after it, has a longer one.
 */
import { enter, headOf, headsBytes, linkOf, linksBytes } from "./chains";
import { anchor, begin, finish, fits, writeSequence } from "./emit";
import { countEqual } from "./fast";
import { advanceEpoch, epoch, lastLiterals, matchStartLimit, minMatch, windowBytes } from "./memory";

const heads: usize = memory.data(headsBytes, 16);
const links: usize = memory.data(linksBytes, 16);

/** A match so long is taken at once. */
const longEnough: u32 = 64;
/** From so many tries on, the byte after the next one is looked at, too. */
const secondLookTries: u32 = 16;

let start: usize = 0;
let base: usize = 0;
let tries: u32 = 0;
/** The next byte to be entered into the chains. */
let entered: usize = 0;
let length: u32 = 0;
let distance: u32 = 0;

/** Fills a block from the input between two addresses and returns where in it the block ends. */
export function fillLazy(from: usize, end: usize, capacity: u32, searchTries: u32): usize {
  begin(from, capacity);
  start = from;
  base = from - epoch;
  tries = searchTries;
  entered = from;
  if (end - from > matchStartLimit) search(end, capacity);
  else finish(from, 0, 0, end);
  if (advanceEpoch(<u32>(max(anchor, entered) - from) + windowBytes)) memory.fill(heads, 0, headsBytes);
  return anchor;
}

/** Finds the longest match at `at` that is longer than `least`. False where there is none. */
function find(at: usize, least: u32, matchEnd: usize): bool {
  while (entered < at) {
    enter(headOf(heads, load<u32>(entered)), links, <u32>(entered - base));
    entered += 1;
  }
  const position = <u32>(at - base);
  const first = load<u32>(at);
  const farthest = min<u32>(windowBytes, <u32>(at - start));
  let back = position - load<u32>(headOf(heads, first));
  let left = tries;
  let longest = least;
  // Nothing behind may be looked at, nor would it be a match.
  if (at + longest >= matchEnd) return false;
  while (back <= farthest) {
    const from = at - back;
    if (load<u32>(from + longest - 3) == load<u32>(at + longest - 3) && load<u32>(from) == first) {
      const count = minMatch + countEqual(at + minMatch, from + minMatch, matchEnd);
      if (count > longest) {
        longest = count;
        distance = back;
        if (at + longest >= matchEnd) break;
      }
    }
    left -= 1;
    if (left == 0) break;
    const step = linkOf(links, position - back);
    if (step == 0) break;
    back += step;
  }
  length = longest;
  return longest > least;
}

function search(end: usize, capacity: u32): void {
  const matchEnd = end - lastLiterals;
  const lastStart = end - matchStartLimit;
  let at = start;
  for (;;) {
    // Beyond that, literals alone are more than the block takes.
    const literalsEnd = min(lastStart, anchor + capacity);
    while (at <= literalsEnd && !find(at, minMatch - 1, matchEnd)) at += 1;
    if (at > literalsEnd) return finish(at, 0, 0, end);
    let taken = length;
    let back = distance;
    while (taken < longEnough) {
      if (at + 1 <= lastStart && find(at + 1, taken, matchEnd)) at += 1;
      else if (tries >= secondLookTries && at + 2 <= lastStart && find(at + 2, taken + 1, matchEnd)) at += 2;
      else break;
      taken = length;
      back = distance;
    }
    while (at > anchor && at - back > start && load<u8>(at - 1) == load<u8>(at - back - 1)) {
      at -= 1;
      taken += 1;
    }
    if (!fits(at, taken)) return finish(at, taken, back, end);
    writeSequence(at, taken, back);
    at = anchor;
  }
}
