/**
 * Bits that are read from the end of a stream to its start (RFC 8878, 4.1 and 4.2.2). A position is what is unread, in
 * bits from the stream's start; it turns negative where more is read than there is. Around every stream there are bytes
 * that may be read, so positions need a check once in a while only.
 */

/** What lies before `position`, nearest bit highest: 57 bits of it, or more. */
// @ts-ignore: decorator
@inline
export function before(start: usize, position: i32): u64 {
  return load<u64>(start + <usize>((position + 7) >> 3) - 8) << <u64>(-position & 7);
}

/** The highest `count` bits, 0 to 63. */
// @ts-ignore: decorator
@inline
export function highest(word: u64, count: u64): u32 {
  // 63 less the count, and right for a count of 0, which a single shift by 64 is not.
  return <u32>((word >> 1) >> ~count);
}

/** The position behind the last bit of a stream, which a bit that is set marks; -1 where there is none. */
// @ts-ignore: decorator
@inline
export function lastPosition(start: usize, end: usize): i32 {
  if (end <= start) return -1;
  const last = <u32>load<u8>(end - 1);
  return last == 0 ? -1 : <i32>(end - start) * 8 - 8 + (31 - clz<u32>(last));
}
