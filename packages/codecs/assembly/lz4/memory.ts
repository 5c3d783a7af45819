/**
 * Where things are in memory. All that has a fixed size is here, at addresses that the compiler knows; the input lies
 * above it, and the caller grows the memory for it.
 */

/** Farthest a match may reach back, bytes. */
export const windowBytes: u32 = 65535;
/** No match is shorter. */
export const minMatch: u32 = 4;
/** A block ends with so many literals at least... */
export const lastLiterals: u32 = 5;
/** ...and no match starts nearer to its end. */
export const matchStartLimit: u32 = 12;

/** Largest block that is written, bytes: the largest physical cluster of EROFS. */
export const outputLimit: u32 = 1 << 20;
/** Copies run over their end by less than this. */
export const slack: u32 = 64;

export const output: usize = memory.data(outputLimit + slack, 16);

/**
 * Positions that tables hold count on from one call to the next, so what an earlier call left is older than `epoch` and
 * nothing has to be cleared. The first byte of a call's input has the position `epoch`.
 */
export let epoch: u32 = 1;

/** Where positions are so large that the tables should be cleared: the largest input still fits behind it. */
const epochLimit: u32 = 1 << 31;

/** Takes note that the positions of `bytes` more bytes are used. True where all tables must be cleared now. */
export function advanceEpoch(bytes: u32): bool {
  epoch += bytes;
  if (epoch < epochLimit) return false;
  epoch = 1;
  return true;
}
