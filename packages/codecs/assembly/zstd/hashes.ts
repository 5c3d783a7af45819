/** Hashes of the first bytes of a little-endian word, in `log` bits. */

const prime4: u32 = 2654435761;
const prime5: u64 = 889523592379;
const prime8: u64 = 0xcf1bbcdcb7a56463;

// @ts-ignore: decorator
@inline
export function hash4(word: u64, log: u32): usize {
  return <usize>((<u32>word * prime4) >> (32 - log));
}

// @ts-ignore: decorator
@inline
export function hash5(word: u64, log: u32): usize {
  return <usize>(((word << 24) * prime5) >> (64 - log));
}

// @ts-ignore: decorator
@inline
export function hash8(word: u64, log: u32): usize {
  return <usize>((word * prime8) >> (64 - log));
}
