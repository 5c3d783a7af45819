/** Copies that write whole words: up to 31 bytes behind their end are written over. */

/** Bytes that a caller leaves around whatever is read or written here. */
export const slackBytes: usize = 64;

/** For each distance below 16: what a word's bytes repeat. */
const patterns: usize = memory.data(256, 16);
/** For each distance below 16: how far a whole number of repetitions in a word reaches. */
const steps: usize = memory.data(16);

export function prepareCopies(): void {
  for (let distance: u32 = 1; distance < 16; distance++) {
    for (let i: u32 = 0; i < 16; i++) store<u8>(patterns + 16 * distance + i, i % distance);
    store<u8>(steps + distance, 16 - (16 % distance));
  }
}

/** Copies `length` bytes between areas that are apart. */
// @ts-ignore: decorator
@inline
export function copyApart(to: usize, from: usize, length: u32): void {
  v128.store(to, v128.load(from));
  if (length > 16) copyFar(to + 16, from + 16, to + length);
}

/** Copies up to `end` where `from` is 16 bytes before `to` or more. */
// @ts-ignore: decorator
@inline
function copyFar(to: usize, from: usize, end: usize): void {
  do {
    v128.store(to, v128.load(from));
    to += 16;
    from += 16;
  } while (to < end);
}

/** Copies `length` bytes, at least one, from `distance` before `to`, byte after byte as it were. */
// @ts-ignore: decorator
@inline
export function copyMatch(to: usize, distance: u32, length: u32): void {
  if (distance >= 16) copyApart(to, to - distance, length);
  else repeat(to, distance, to + length);
}

function repeat(to: usize, distance: u32, end: usize): void {
  const word = i8x16.swizzle(v128.load(to - distance), v128.load(patterns + 16 * distance));
  const step = <usize>load<u8>(steps + distance);
  do {
    v128.store(to, word);
    to += step;
  } while (to < end);
}
