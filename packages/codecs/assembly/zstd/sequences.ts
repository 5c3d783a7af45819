/**
 * What a parser makes of a stretch of input: sequences of so many literals and then a match, in records of three u32, and
 * literals behind the last of them. Parsers append, the entropy stage reads; neither knows the other.
 *
 * A parser is a function `parse(from, to, start)` of positions as input.ts explains them, `to - from` at most
 * `blockLimit`. It appends sequences for [from, to). Its matches reach back to max(start, position - windowBytes) at the
 * furthest, end at `to` at the latest, and are `minMatch` bytes or longer. It starts with the repeats as they are here and
 * leaves them alone: the entropy stage sets them before every call to what they are at `from`. Entries of its tables that
 * are less than `start` are to be ignored; there are none of the current position or beyond, as long as none is made.
 * `from > start` means that the positions before `from` were parsed by the call before. Calls go on from where the last
 * one ended or begin a new `start` beyond everything parsed so far.
 */

/** Largest content of a zstd block, bytes (RFC 8878, 3.1.1.2.3). */
export const blockLimit: i32 = 1 << 17;
/** No match is shorter. */
export const minMatch: i32 = 3;

const recordBytes: usize = 12;
/** Sequences of several stretches are gathered before they become blocks. */
export const gatherLimit: i32 = 2 * blockLimit;
const records: usize = memory.data((gatherLimit / minMatch + 1) * recordBytes);

/** Sequences so far. */
export let count: i32 = 0;

/** The three last distances, most recent first, as they are before the block (RFC 8878, 3.1.1.5). */
export let repeat0: u32 = 1;
export let repeat1: u32 = 4;
export let repeat2: u32 = 8;

export function setRepeats(first: u32, second: u32, third: u32): void {
  repeat0 = first;
  repeat1 = second;
  repeat2 = third;
}

/** Forgets the sequences, not the repeats. */
export function clear(): void {
  count = 0;
}

/** Appends one. `distance` is in bytes, whether or not it repeats an earlier one. */
// @ts-ignore: decorator
@inline
export function push(literals: u32, match: u32, distance: u32): void {
  const record = records + <usize>count * recordBytes;
  store<u32>(record, literals);
  store<u32>(record, match, 4);
  store<u32>(record, distance, 8);
  count += 1;
}

/** Gives a sequence more literals before it. */
export function addLiterals(index: i32, literals: u32): void {
  store<u32>(records + <usize>index * recordBytes, literalsOf(index) + literals);
}

/** Makes a sequence's match longer. */
export function lengthen(index: i32, bytes: u32): void {
  store<u32>(records + <usize>index * recordBytes, matchOf(index) + bytes, 4);
}

// @ts-ignore: decorator
@inline
export function literalsOf(index: i32): u32 {
  return load<u32>(records + <usize>index * recordBytes);
}

// @ts-ignore: decorator
@inline
export function matchOf(index: i32): u32 {
  return load<u32>(records + <usize>index * recordBytes, 4);
}

// @ts-ignore: decorator
@inline
export function distanceOf(index: i32): u32 {
  return load<u32>(records + <usize>index * recordBytes, 8);
}
