/**
 * A match finder of rows: a hash leads to a row of 16, 32 or 64 positions, the latest of that hash, each with 8 more bits of
 * its hash. One SIMD comparison tells which of them are worth looking at, where a chain would wait for memory at each.
 *
 * The positions are in the table of hashes, the bits ("tags") in that of chains. The first of a row's tags is where its
 * latest entry is, so the first of its positions isn't used.
 */
import { longest, offer } from "./candidates";
import { base } from "./input";
import { chainTable, hashLog, hashTable, minMatch, searchLog } from "./levels";
import { firstOfStretch, hashOf, lastOfStretch, longStretch, sameBytes } from "./match";

/** What `searchRows` reads at a position. */
export const hashBytes: u32 = 8;

/** Positions up to here are in the table. */
let inserted: u32 = 0;

/** Distance of what `search` found last. */
export let foundDistance: u32 = 0;

// @ts-ignore: decorator
@inline
function rowLog(): i32 {
  return max(4, min(6, searchLog));
}

/** Three bytes would be found too often, and too far away. */
// @ts-ignore: decorator
@inline
function hashedBytes(): i32 {
  return max(4, minMatch);
}

/** Which tags of a row equal one, the latest entry in the lowest bit. The place of the head never does. */
// @ts-ignore: decorator
@inline
function matchingTags(tags: usize, tag: u8, head: u32, log: i32): u64 {
  const wanted = i8x16.splat(tag);
  let mask: u64 = i8x16.bitmask(i8x16.eq(v128.load(tags), wanted)) & 0xfffe;
  if (log == 4) return ((mask >> head) | (mask << (16 - head))) & 0xffff;
  mask |= <u64>i8x16.bitmask(i8x16.eq(v128.load(tags, 16), wanted)) << 16;
  if (log == 5) return <u64>rotr<u32>(<u32>mask, head);
  mask |= <u64>i8x16.bitmask(i8x16.eq(v128.load(tags, 32), wanted)) << 32;
  mask |= <u64>i8x16.bitmask(i8x16.eq(v128.load(tags, 48), wanted)) << 48;
  return rotr<u64>(mask, head);
}

// @ts-ignore: decorator
@inline
function insertAt(row: u32, tag: u8, position: u32, log: i32): void {
  const tags = chainTable + (<usize>row << log);
  const last = (1 << log) - 1;
  let head: u32 = (<u32>load<u8>(tags) - 1) & last;
  if (head == 0) head = last;
  store<u8>(tags, <u8>head);
  store<u8>(tags + head, tag);
  store<u32>(hashTable + (((<usize>row << log) + head) << 2), position);
}

/** Enters positions up to `position`. */
// @ts-ignore: decorator
@inline
function insertUpTo(position: u32, log: i32): void {
  let next = inserted;
  const bits = hashLog - log + 8;
  if (position - next > longStretch) {
    for (const stop = next + firstOfStretch; next < stop; next++) {
      const hash = hashOf(base + next, hashedBytes(), bits);
      insertAt(hash >> 8, <u8>hash, next, log);
    }
    next = position - lastOfStretch;
  }
  for (; next < position; next++) {
    const hash = hashOf(base + next, hashedBytes(), bits);
    insertAt(hash >> 8, <u8>hash, next, log);
  }
  inserted = position;
}

/** Begins a stretch at `from`. */
export function beginRows(from: u32, start: u32): void {
  if (from == start) inserted = start;
}

/**
 * The longest match at `position` that is longer than `best`, back to `low`, its bytes before the address `end`; 0 without.
 * Of several that long the nearest. `position + 8` is not behind `end`.
 */
// @ts-ignore: decorator
@inline
export function searchRows(position: u32, low: u32, end: usize, best: u32): u32 {
  const log = rowLog();
  insertUpTo(position, log);
  const at = base + position;
  const hash = hashOf(at, hashedBytes(), hashLog - log + 8);
  const row = hash >> 8;
  const tags = chainTable + (<usize>row << log);
  const entries = hashTable + (<usize>row << (log + 2));
  const head: u32 = load<u8>(tags);
  const last: u32 = (1 << log) - 1;
  let mask = matchingTags(tags, <u8>hash, head, log);
  let found: u32 = 0;
  for (let left = 1 << searchLog; mask != 0 && left > 0; left--) {
    const entry = (head + <u32>ctz(mask)) & last;
    mask &= mask - 1;
    const candidate = load<u32>(entries + (<usize>entry << 2));
    if (candidate < low) break;
    if (load<u32>(base + candidate + best - 3) != load<u32>(at + best - 3)) continue;
    const length = sameBytes(base + candidate, at, end);
    if (length <= best) continue;
    best = length;
    found = length;
    foundDistance = position - candidate;
    if (at + length >= end) break;
  }
  insertAt(row, <u8>hash, position, log);
  inserted = position + 1;
  return found;
}

/** Offers those matches at `position` that are longer than any nearer one, as `searchRows` would look at them. */
// @ts-ignore: decorator
@inline
export function gatherRows(position: u32, low: u32, end: usize): void {
  const log = rowLog();
  insertUpTo(position, log);
  const at = base + position;
  const hash = hashOf(at, hashedBytes(), hashLog - log + 8);
  const row = hash >> 8;
  const tags = chainTable + (<usize>row << log);
  const entries = hashTable + (<usize>row << (log + 2));
  const head: u32 = load<u8>(tags);
  const last: u32 = (1 << log) - 1;
  let mask = matchingTags(tags, <u8>hash, head, log);
  let best = max(3, longest);
  for (let left = 1 << searchLog; mask != 0 && left > 0; left--) {
    const entry = (head + <u32>ctz(mask)) & last;
    mask &= mask - 1;
    const candidate = load<u32>(entries + (<usize>entry << 2));
    if (candidate < low) break;
    if (load<u32>(base + candidate + best - 3) != load<u32>(at + best - 3)) continue;
    const length = sameBytes(base + candidate, at, end);
    if (length <= best) continue;
    best = length;
    offer(length, position - candidate, position - candidate + 3);
    if (at + length >= end) break;
  }
  insertAt(row, <u8>hash, position, log);
  inserted = position + 1;
}
