/** Writes bits, the first one lowest (RFC 1951, 3.1.1). Who writes knows that there is room. */
import { output } from "../lz4/memory";

let held: u64 = 0;
let heldBits: u32 = 0;
/** Where the next whole byte goes. */
let to: usize = 0;

export function begin(): void {
  held = 0;
  heldBits = 0;
  to = output;
}

/** Bits written so far. */
export function position(): u32 {
  return (<u32>(to - output) << 3) + heldBits;
}

/** Puts up to 32 bits; those of `bits` behind `count` are zero. */
// @ts-ignore: decorator
@inline
export function put(bits: u32, count: u32): void {
  held |= <u64>bits << heldBits;
  heldBits += count;
  if (heldBits < 32) return;
  store<u32>(to, <u32>held);
  to += 4;
  held >>= 32;
  heldBits -= 32;
}

/** Fills up the last byte with zeros, and stores all that is held. */
export function align(): void {
  store<u64>(to, held);
  to += (heldBits + 7) >> 3;
  held = 0;
  heldBits = 0;
}

/** Copies bytes behind what is aligned. */
export function putBytes(from: usize, bytes: u32): void {
  memory.copy(to, from, bytes);
  to += bytes;
}

/** Sets a bit that was written as zero, after `align`. */
export function setBit(position: u32): void {
  const at = output + (position >> 3);
  store<u8>(at, load<u8>(at) | (<u8>1 << <u8>(position & 7)));
}
