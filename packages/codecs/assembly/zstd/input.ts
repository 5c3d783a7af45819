/**
 * Where the input is. Positions count on from one cluster to the next, so that what earlier clusters left in a parser's
 * tables lies before `start` and is ignored: tables need no clearing, and what comes out of a cluster depends on its own
 * bytes alone. The byte at a position is at `base + position`, which may wrap around.
 */

/** Bytes before a cluster's first position in any case: `position - windowBytes` never wraps. */
export const firstPosition: u32 = 1 << 27;
/** Positions stay below; a cluster ends before it reaches this, and the tables are cleared instead. */
export const lastPosition: u32 = 0xc0000000;
/** Readable bytes behind the input, so that matches are compared eight bytes at a time and literals copied sixteen. */
export const paddingBytes: u32 = 64;

/** Address of position 0. */
export let base: usize = 0;
/** Furthest distance of a match. */
export let windowBytes: u32 = 1 << 19;

export function setBase(address: usize): void {
  base = address;
}

export function setWindowBytes(bytes: u32): void {
  windowBytes = bytes;
}
