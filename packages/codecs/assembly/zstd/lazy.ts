/** Greedy and lazy parsing: the best match at a position, unless one that begins a little later is worth more. */
import { base, windowBytes } from "./input";
import { Strategy, strategy } from "./levels";
import { sameBytes, sameBytesBefore } from "./match";
import { beginRows, foundDistance, hashBytes, searchRows } from "./rows";
import { push, repeat0, repeat1 } from "./sequences";

/** A match shorter than this is looked for only by its hash, so never found. */
const shortest: u32 = 4;
/** Where nothing was found for that many bytes (log2), one more byte is passed over at each step. */
const impatienceLog: u32 = 8;
/** What one more literal must be made up for, in quarters of a byte: at one position on, and at two. */
const delayWorth: i32 = 4;
const longDelayWorth: i32 = 7;

/** The match that is held until a better one comes. */
let begin: u32 = 0;
let length: u32 = 0;
let distance: u32 = 0;

/** The last two distances. */
let first: u32 = 0;
let second: u32 = 0;

/** Parses [from, to); see sequences.ts. */
export function lazyParse(from: u32, to: u32, start: u32): void {
  const depth = strategy == Strategy.greedy ? 0 : strategy == Strategy.lazy ? 1 : 2;
  const end = base + to;
  const stop = to - min(to - from, hashBytes);
  first = repeat0;
  second = repeat1;
  beginRows(from, start);
  let literals = from;
  for (let position = max(from, start + 1); position < stop; ) {
    if (!choose(position, stop, start, end, depth)) {
      position += ((position - literals) >> impatienceLog) + 1;
      continue;
    }
    if (distance != first) {
      const room = min(begin - literals, begin - distance - start);
      const before = sameBytesBefore(base + begin - distance, base + begin, room);
      begin -= before;
      length += before;
      second = first;
      first = distance;
    }
    push(begin - literals, length, distance);
    position = literals = begin + length;
    // What follows a match often repeats the distance before that of the match.
    while (position < stop && repeats(second, position, start)) {
      length = sameBytes(base + position - second, base + position, end);
      push(0, length, second);
      distance = second;
      second = first;
      first = distance;
      position = literals = position + length;
    }
  }
}

/** Whether at least four bytes at a position are those at a distance. */
// @ts-ignore: decorator
@inline
function repeats(distance: u32, position: u32, start: u32): bool {
  return distance <= position - start && load<u32>(base + position - distance) == load<u32>(base + position);
}

// @ts-ignore: decorator
@inline
function hold(at: u32, bytes: u32, from: u32): void {
  begin = at;
  length = bytes;
  distance = from;
}

/** Holds the match that is worth most of those that begin at `position` or shortly after; false where there is none. */
function choose(position: u32, stop: u32, start: u32, end: usize, depth: i32): bool {
  length = 0;
  // The last distance again, one byte on: a literal, and hardly anything for the distance.
  const next = position + 1;
  if (repeats(first, next, start)) {
    hold(next, sameBytes(base + next - first, base + next, end), first);
    if (depth == 0) return true;
  }
  const found = searchRows(position, lowOf(position, start), end, max(shortest - 1, length));
  if (found > 0) hold(position, found, foundDistance);
  if (length < shortest) return false;
  let ahead = position;
  for (let delay = 1; delay <= depth && ++ahead < stop; delay++) {
    if (improve(ahead, delay, start, end)) delay = 0;
  }
  return true;
}

/** Holds a match at `ahead` instead, if that is worth more and isn't merely another repeat. */
// @ts-ignore: decorator
@inline
function improve(ahead: u32, delay: i32, start: u32, end: usize): bool {
  if (distance != first && repeats(first, ahead, start)) {
    const repeated = sameBytes(base + ahead - first, base + ahead, end);
    const each = delay == 1 ? 3 : 4;
    if (<i32>repeated * each > <i32>length * each - bitsOf(distance) + 1) hold(ahead, repeated, first);
  }
  const found = searchRows(ahead, lowOf(ahead, start), end, shortest - 1);
  if (found == 0) return false;
  const held = <i32>length * 4 - (distance == first ? 0 : bitsOf(distance));
  if (<i32>found * 4 - bitsOf(foundDistance) <= held + (delay == 1 ? delayWorth : longDelayWorth)) return false;
  hold(ahead, found, foundDistance);
  return true;
}

// @ts-ignore: decorator
@inline
function lowOf(position: u32, start: u32): u32 {
  return position - start > windowBytes ? position - windowBytes : start;
}

// @ts-ignore: decorator
@inline
function bitsOf(distance: u32): i32 {
  return 31 - clz(distance);
}
