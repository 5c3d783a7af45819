/**
 * A match finder of binary trees: a hash leads to the latest position, which is the root of a tree of all earlier ones of that
 * hash, sorted by what follows them. A position is entered as the new root; on the way down it meets the nearest ones that
 * agree with it ever longer.
 *
 * The roots are in the table of hashes. In that of chains each position has two places, in turn: the tree of those whose
 * bytes are smaller, and of those whose bytes are larger.
 */
import { longest, offer } from "./candidates";
import { base } from "./input";
import { chainLog, chainTable, hashLog, hashTable, searchLog, targetLength } from "./levels";
import { firstOfStretch, hashOf, lastOfStretch, longStretch, sameBytes } from "./match";

const hashedBytes: i32 = 4;
const nodeBytes: usize = 8;
const largerAt: usize = 4;
/** No position: less than all that are. */
const none: u32 = 0;

/** Positions before this one are in the trees. */
let inserted: u32 = 0;

/** Begins a stretch at `from`. */
export function beginTree(from: u32, start: u32): void {
  if (from == start) inserted = start;
}

/** Forgets all positions since `start`. */
export function forgetTree(start: u32): void {
  for (let position = start; position < inserted; position++) store<u32>(rootOf(position), none);
}

// @ts-ignore: decorator
@inline
function rootOf(position: u32): usize {
  return hashTable + (<usize>hashOf(base + position, hashedBytes, hashLog) << 2);
}

// @ts-ignore: decorator
@inline
function nodeOf(position: u32): usize {
  return chainTable + (<usize>position & ((1 << (chainLog - 1)) - 1)) * nodeBytes;
}

/**
 * Enters a position and offers what it meets. No more of the bytes is compared than `targetLength`: of two positions that
 * agree so far the later one takes the place of the earlier, and matches that long are taken as they are.
 */
// @ts-ignore: decorator
@inline
function enter(position: u32, low: u32, end: usize, offers: bool): void {
  const at = base + position;
  const root = rootOf(position);
  let candidate = load<u32>(root);
  store<u32>(root, position);
  const own = nodeOf(position);
  let smaller = own;
  let larger = own + largerAt;
  let smallerSame: u32 = 0;
  let largerSame: u32 = 0;
  let best = offers ? max(<u32>hashedBytes - 1, longest) : 0;
  const oldest = max(low, position - (1 << (chainLog - 1)) + 1);
  const limit = min(end, at + <usize>targetLength);
  for (let left = 1 << searchLog; left > 0 && candidate >= oldest; left--) {
    const node = nodeOf(candidate);
    let same = min(smallerSame, largerSame);
    same += sameBytes(base + candidate + same, at + same, limit);
    if (offers && same > best) {
      best = same;
      const all = at + same == limit ? same + sameBytes(base + candidate + same, limit, end) : same;
      offer(all, position - candidate, position - candidate + 3);
    }
    if (at + same == limit) {
      // What lies behind the end may set the two apart: then nothing is known of the trees below.
      const known = limit < end;
      store<u32>(smaller, known ? load<u32>(node) : none);
      store<u32>(larger, known ? load<u32>(node, largerAt) : none);
      return;
    }
    if (load<u8>(base + candidate + same) < load<u8>(at + same)) {
      store<u32>(smaller, candidate);
      smaller = node + largerAt;
      smallerSame = same;
      candidate = load<u32>(smaller);
    } else {
      store<u32>(larger, candidate);
      larger = node;
      largerSame = same;
      candidate = load<u32>(larger);
    }
  }
  store<u32>(smaller, none);
  store<u32>(larger, none);
}

function insertUpTo(position: u32, low: u32, end: usize): void {
  let next = inserted;
  if (position - next > longStretch) {
    for (const stop = next + firstOfStretch; next < stop; next++) enter(next, low, end, false);
    next = position - lastOfStretch;
  }
  for (; next < position; next++) enter(next, low, end, false);
}

/** Offers those matches at `position`, back to `low`, that are longer than any nearer one that is met before. */
export function gatherTree(position: u32, low: u32, end: usize): void {
  insertUpTo(position, low, end);
  enter(position, low, end, true);
  inserted = position + 1;
}
