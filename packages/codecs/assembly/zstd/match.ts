/** Comparing and hashing of input, which match finders share. */

/** Of a stretch longer than this, which was one match, only the ends are entered into tables. */
export const longStretch: u32 = 384;
export const firstOfStretch: u32 = 96;
export const lastOfStretch: u32 = 32;

/** How many bytes at two addresses are the same, up to `end`, an address behind the second. */
// @ts-ignore: decorator
@inline
export function sameBytes(earlier: usize, later: usize, end: usize): u32 {
  const from = later;
  while (later + 8 <= end) {
    const difference = load<u64>(earlier) ^ load<u64>(later);
    if (difference != 0) return <u32>(later - from) + <u32>(ctz(difference) >> 3);
    earlier += 8;
    later += 8;
  }
  // What lies behind the end is readable (input.ts) and doesn't count.
  if (later < end) {
    const difference = load<u64>(earlier) ^ load<u64>(later);
    later = min(end, later + (difference == 0 ? 8 : <usize>(ctz(difference) >> 3)));
  }
  return <u32>(later - from);
}

/** How many bytes before two addresses are the same, `limit` at most. */
// @ts-ignore: decorator
@inline
export function sameBytesBefore(earlier: usize, later: usize, limit: u32): u32 {
  let same: u32 = 0;
  while (same < limit && load<u8>(earlier - same - 1) == load<u8>(later - same - 1)) same++;
  return same;
}

/** Hash of 3, 4, 5 or 6 bytes in `bits` bits. */
// @ts-ignore: decorator
@inline
export function hashOf(address: usize, bytes: i32, bits: i32): u32 {
  const shifted = load<u64>(address) << (64 - (bytes << 3));
  return <u32>((shifted * 0xcf1bbcdcb7a56463) >> (64 - bits));
}
