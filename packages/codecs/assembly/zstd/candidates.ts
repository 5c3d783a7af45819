/** The matches at a position that an optimal parse chooses from: each longer than the one before. */

const entryBytes: usize = 12;
/** Three repeats, one by its first three bytes, and what the largest search finds. */
const limit: i32 = 1024;
const entries: usize = memory.data(limit * <i32>entryBytes, 16);

export let count: i32 = 0;
/** Length of the last, thus the longest; `shortest - 1` where there is none. */
export let longest: u32 = 0;

/** Forgets all; those that come are longer than `length`. */
// @ts-ignore: decorator
@inline
export function clearTo(length: u32): void {
  count = 0;
  longest = length;
}

/** Appends a match of `length` bytes, more than `longest`, with the value that codes its distance (RFC 8878, 3.1.1.5). */
// @ts-ignore: decorator
@inline
export function offer(length: u32, distance: u32, value: u32): void {
  const entry = entries + <usize>count * entryBytes;
  store<u32>(entry, length);
  store<u32>(entry, distance, 4);
  store<u32>(entry, value, 8);
  count += 1;
  longest = length;
}

// @ts-ignore: decorator
@inline
export function lengthOf(index: i32): u32 {
  return load<u32>(entries + <usize>index * entryBytes);
}

// @ts-ignore: decorator
@inline
export function distanceOf(index: i32): u32 {
  return load<u32>(entries + <usize>index * entryBytes, 4);
}

// @ts-ignore: decorator
@inline
export function valueOf(index: i32): u32 {
  return load<u32>(entries + <usize>index * entryBytes, 8);
}
