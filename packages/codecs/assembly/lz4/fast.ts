/** Level 0: the last place with the same hash is all that is looked at, and what does not compress is skimmed. */
import { anchor, begin, finish, fits, writeSequence } from "./emit";
import { advanceEpoch, epoch, lastLiterals, matchStartLimit, minMatch, windowBytes } from "./memory";

const hashLog: u32 = 13;
const table: usize = memory.data(4 << hashLog, 16);
/** After so many positions without a match (a power of two), the steps grow by one. */
const skipLog: u32 = 6;

/** Where the entry is for the five bytes at an address, of which eight are read. */
// @ts-ignore: decorator
@inline
function entryOf(at: usize): usize {
  return table + (<usize>(((load<u64>(at) << 24) * 889523592379) >> (64 - hashLog)) << 2);
}

/** How many bytes at `at` are those at `from`, not looking at `limit` or behind. */
// @ts-ignore: decorator
@inline
export function countEqual(at: usize, from: usize, limit: usize): u32 {
  const start = at;
  while (at + 8 <= limit) {
    const difference = load<u64>(at) ^ load<u64>(from);
    if (difference != 0) return <u32>(at - start) + (<u32>ctz(difference) >> 3);
    at += 8;
    from += 8;
  }
  while (at < limit && load<u8>(at) == load<u8>(from)) {
    at += 1;
    from += 1;
  }
  return <u32>(at - start);
}

/** Fills a block from the input between two addresses and returns where in it the block ends. */
export function fillFast(start: usize, end: usize, capacity: u32): usize {
  begin(start, capacity);
  if (end - start > matchStartLimit) search(start, end, capacity);
  else finish(start, 0, 0, end);
  if (advanceEpoch(<u32>(anchor - start) + windowBytes)) memory.fill(table, 0, 4 << hashLog);
  return anchor;
}

function search(start: usize, end: usize, capacity: u32): void {
  const matchEnd = end - lastLiterals;
  // Beyond that, literals alone are more than the block takes.
  const searchEnd = min(end - matchStartLimit, start + (<usize>capacity << 8));
  const base = start - epoch;
  let at = start;
  store<u32>(entryOf(at), epoch);
  at += 1;
  for (;;) {
    let from: usize = 0;
    let tries: u32 = 1 << skipLog;
    const literalsEnd = min(searchEnd, anchor + capacity);
    for (;;) {
      if (at > literalsEnd) return finish(at, 0, 0, end);
      const entry = entryOf(at);
      const position = load<u32>(entry);
      store<u32>(entry, <u32>(at - base));
      from = base + position;
      if (position >= epoch && at - from <= windowBytes && load<u32>(at) == load<u32>(from)) break;
      at += tries >> skipLog;
      tries += 1;
    }
    while (at > anchor && from > start && load<u8>(at - 1) == load<u8>(from - 1)) {
      at -= 1;
      from -= 1;
    }
    for (;;) {
      const length = minMatch + countEqual(at + minMatch, from + minMatch, matchEnd);
      if (!fits(at, length)) return finish(at, length, <u32>(at - from), end);
      writeSequence(at, length, <u32>(at - from));
      at += length;
      if (at > searchEnd) return finish(at, 0, 0, end);
      store<u32>(entryOf(at - 2), <u32>(at - 2 - base));
      const entry = entryOf(at);
      const position = load<u32>(entry);
      store<u32>(entry, <u32>(at - base));
      from = base + position;
      if (position < epoch || at - from > windowBytes || load<u32>(at) != load<u32>(from)) break;
    }
    at += 1;
  }
}
