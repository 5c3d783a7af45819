/**
 * Levels 10 to 12: the cheapest way to write each prefix of the input.
 *
 * The cost of a prefix hardly ever falls with its length, so of all matches that end at a byte only the longest counts, and
 * the longest of those that take fewer bytes for their length. That leaves few ways to compare for each byte, whatever the
 * length of the matches. Costs from the front also tell where the block is full: at the longest prefix that fits.
 */
import { anchor, begin, lengthBytes, outLimit, out, writeLast, writeSequence } from "./emit";
import * as matches from "./matches";
import { advanceEpoch, lastLiterals, matchStartLimit, minMatch, windowBytes } from "./memory";

/** After so many bytes of input the way is settled and written. */
const stretchBytes: u32 = 1 << 18;
/** Where little room is left then, the stretch goes on: highly compressible data fills up to 255 bytes with one. */
const nearlyFull: u32 = 64;
const extraBytes: u32 = nearlyFull << 8;
const stepsLimit: u32 = stretchBytes + extraBytes;

/** For each prefix of the stretch its cost in bytes, u32: all of the block up to there, without a token for last literals. */
const costs: usize = memory.data((stepsLimit + 1) << 2, 16);
/** How the cheapest way gets to the end of a prefix, u32: `length << 16 | distance` of a match, or 0 for a literal. */
const steps: usize = memory.data((stepsLimit + 1) << 2, 16);
/** The ends of the matches on a way, last first, u32. */
const way: usize = memory.data((stepsLimit / minMatch + 1) << 2, 16);

/** Longest match whose length takes no more than the token. */
const longestPlain: u32 = 18;
/** Longest match of one step: as many as its bytes of length can say, and below 2^16. */
const longestStep: u32 = longestPlain + 255 * 256;

/** Bytes from the start of the stretch to the last that was looked at, and literals at the end of the cheapest way there. */
let reached: u32 = 0;
let run: u32 = 0;

// @ts-ignore: decorator
@inline
function costOf(index: u32): u32 {
  return load<u32>(costs + (<usize>index << 2));
}

// @ts-ignore: decorator
@inline
function stepOf(index: u32): u32 {
  return load<u32>(steps + (<usize>index << 2));
}

/** Fills a block from the input between two addresses and returns where in it the block ends. */
export function fillOptimal(start: usize, end: usize, capacity: u32, tries: u32): usize {
  begin(start, capacity);
  matches.begin(start, tries);
  let stretch = start;
  run = 0;
  for (;;) {
    explore(stretch, end, capacity);
    const fitsAll = stretch + reached == end && costOf(reached) + 1 <= capacity;
    if (fitsAll || stretch + reached == end || costOf(reached) + nearlyFull > capacity) {
      settleLast(stretch, end, capacity, fitsAll);
      break;
    }
    settle(stretch, reached);
    stretch += reached;
    run = <u32>(stretch - anchor);
  }
  if (advanceEpoch(<u32>(stretch - start) + reached + windowBytes)) matches.clear();
  return anchor;
}

/** The cheapest of the matches that end at `index`, of `longest` bytes or fewer: `cost << 32 | length`, less 3 bytes. */
// @ts-ignore: decorator
@inline
function cheapest(index: u32, longest: u32): u64 {
  const bytes = lengthBytes(longest - minMatch);
  let length = longest;
  let least = costOf(index - longest) + bytes;
  if (longest > minMatch) {
    // A start that is later by one may be cheaper by one: at the end of a match, where literals needed another byte.
    const later = costOf(index - longest + 1) + lengthBytes(longest - 1 - minMatch);
    if (later < least) {
      least = later;
      length = longest - 1;
    }
  }
  if (bytes > 0) {
    const plain = costOf(index - longestPlain);
    if (plain <= least) {
      least = plain;
      length = longestPlain;
    }
  }
  if (bytes > 1) {
    const shorter = longestPlain + 255 * (bytes - 1);
    const cost = costOf(index - shorter) + bytes - 1;
    if (cost < least) {
      least = cost;
      length = shorter;
    }
  }
  return (<u64>least << 32) | length;
}

/** Finds the cheapest ways from `stretch` on until the block is full, the input ends, or the stretch is long enough. */
function explore(stretch: usize, end: usize, capacity: u32): void {
  // Counted from what is written, as matches that continue the one before it cost less than was thought.
  const pending = <u32>(stretch - anchor);
  let cost = <u32>(out - (outLimit - capacity)) + pending + lengthBytes(pending);
  let runLength = run;
  let nextByte = runLength < 15 ? 15 : runLength + 255 - ((runLength - 15) % 255);
  const limit = <u32>min(<usize>stepsLimit, end - stretch);
  const matchEnd = <i32>(end - stretch) - lastLiterals;
  const lastStart = <i32>(end - stretch) - matchStartLimit;
  store<u32>(costs, cost);
  store<u32>(steps, 0);
  let index: u32 = 0;
  while (index < limit && cost <= capacity + 2 && (index < stretchBytes || cost + nearlyFull > capacity)) {
    matches.advance(stretch + index);
    index += 1;
    runLength += 1;
    cost += 1;
    if (runLength == nextByte) {
      cost += 1;
      nextByte += 255;
    }
    let step: u32 = 0;
    const length = min(matches.length, min(index, longestStep));
    if (length >= minMatch && <i32>index <= matchEnd && <i32>(index - length) <= lastStart) {
      const match = cheapest(index, length);
      const least = <u32>(match >> 32);
      if (least + 3 <= cost) {
        cost = least + 3;
        step = (<u32>match << 16) | <u32>matches.distance;
        runLength = 0;
        nextByte = 15;
      }
    }
    store<u32>(costs + (<usize>index << 2), cost);
    store<u32>(steps + (<usize>index << 2), step);
  }
  reached = index;
}

/** Writes the cheapest way to `index`, but for the literals at its end. */
function settle(stretch: usize, index: u32): void {
  let count: usize = 0;
  while (index > 0) {
    const step = stepOf(index);
    if (step == 0) {
      index -= 1;
      continue;
    }
    store<u32>(way + (count << 2), index);
    count += 1;
    index -= step >> 16;
  }
  while (count > 0) {
    count -= 1;
    let to = load<u32>(way + (count << 2));
    const step = stepOf(to);
    let length = step >> 16;
    const from = stretch + to - length;
    // A match that was too long for one step goes on.
    while (count > 0) {
      const next = load<u32>(way + ((count - 1) << 2));
      const nextStep = stepOf(next);
      if (next - (nextStep >> 16) != to || ((nextStep ^ step) & 0xffff) != 0) break;
      length += nextStep >> 16;
      to = next;
      count -= 1;
    }
    writeSequence(from, length, step & 0xffff);
  }
}

/** Whether a block may end with so many literals more behind the cheapest way to `index`, and they fit. */
function endsWith(literals: u32, index: u32, capacity: u32): bool {
  let at = index;
  while (at > 0 && stepOf(at) == 0) at -= 1;
  let before = index - at;
  let length: u32 = 0;
  if (at > 0) length = stepOf(at) >> 16;
  else before += run;
  if (at > 0 && length + before + literals < matchStartLimit) return false;
  const bytes = literals + lengthBytes(before + literals) - lengthBytes(before);
  return costOf(index) + bytes + 1 <= capacity;
}

/** Writes the cheapest way to the longest prefix that fits, as the end of the block. */
function settleLast(stretch: usize, end: usize, capacity: u32, fitsAll: bool): void {
  if (fitsAll) {
    settle(stretch, reached);
    return writeLast(end);
  }
  let index = reached;
  for (; index > 0; index -= 1) {
    if (index >= lastLiterals && endsWith(lastLiterals, index - lastLiterals, capacity)) {
      settle(stretch, index - lastLiterals);
      break;
    }
    const literals = min(index, matchStartLimit);
    if (endsWith(literals, index - literals, capacity)) {
      settle(stretch, index - literals);
      break;
    }
  }
  writeLast(stretch + index);
}
