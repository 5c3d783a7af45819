/** A stream of bits, the first in the lowest place, that decoders read from its end (RFC 8878, 4.1). */

let at: usize = 0;
let held: u64 = 0;
let heldBits: i32 = 0;

export function start(address: usize): void {
  at = address;
  held = 0;
  heldBits = 0;
}

/** Appends the lowest `bits` of `value`; no more than 56 between two calls of `flush`. */
// @ts-ignore: decorator
@inline
export function add(value: u32, bits: i32): void {
  held |= <u64>(value & ((1 << bits) - 1)) << heldBits;
  heldBits += bits;
}

// @ts-ignore: decorator
@inline
export function flush(): void {
  store<u64>(at, held);
  at += heldBits >> 3;
  held >>= heldBits & 56;
  heldBits &= 7;
}

/** Ends with the mark from which decoders start; returns the address behind. */
export function finish(): usize {
  add(1, 1);
  return finishUnmarked();
}

/** Ends with zeros up to the next byte; returns the address behind. */
export function finishUnmarked(): usize {
  flush();
  return at + (heldBits > 0 ? 1 : 0);
}
