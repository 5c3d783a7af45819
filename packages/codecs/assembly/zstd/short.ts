/** The latest position of each three bytes: matches too short for other finders, worth their distance where it is small. */
import { longest, offer } from "./candidates";
import { base } from "./input";
import { parserMemory } from "./levels";
import { hashOf, sameBytes } from "./match";

const bytes: i32 = 3;
const tableLog: i32 = 16;
/** Of a table of u32 positions in `parserMemory`. */
export const shortTableBytes: usize = 4 << tableLog;

/** Further back, three literals cost less. */
const furthest: u32 = 1 << 17;

/** Positions before this one are in the table. */
let inserted: u32 = 0;

// @ts-ignore: decorator
@inline
function placeOf(position: u32): usize {
  return parserMemory + (<usize>hashOf(base + position, bytes, tableLog) << 2);
}

/** Begins a stretch at `from`. */
export function beginShort(from: u32, start: u32): void {
  if (from == start) inserted = start;
}

/** Forgets all positions since `start`. */
export function forgetShort(start: u32): void {
  for (let position = start; position < inserted; position++) store<u32>(placeOf(position), 0);
}

/** Offers the nearest match at `position` that the table knows of, unless there is a longer one; the position is entered. */
// @ts-ignore: decorator
@inline
export function gatherShort(position: u32, low: u32, end: usize): void {
  for (let next = max(inserted, position - min(position - inserted, furthest)); next < position; next++) {
    store<u32>(placeOf(next), next);
  }
  inserted = position + 1;
  const place = placeOf(position);
  const candidate = load<u32>(place);
  store<u32>(place, position);
  if (candidate < low || position - candidate > furthest || longest >= <u32>bytes) return;
  const at = base + position;
  if (((load<u32>(base + candidate) ^ load<u32>(at)) & 0xffffff) != 0) return;
  offer(sameBytes(base + candidate, at, end), position - candidate, position - candidate + 3);
}
