/** Chains of the positions whose bytes have the same hash, the last one first. */
import { windowBytes } from "./memory";

const hashLog: u32 = 16;
/** Bytes of the table of a set of chains: the last position for each hash, u32. */
export const headsBytes: i32 = 4 << hashLog;
/** Bytes of its links: how far back the previous position in the chain is, for each of the window, u16; 0: too far. */
export const linksBytes: i32 = 2 << 16;

/** Where the last position of a chain is, for a number made of the bytes. */
// @ts-ignore: decorator
@inline
export function headOf(heads: usize, bytes: u64): usize {
  return heads + (<usize>((bytes * 0x9e3779b185ebca87) >> (64 - hashLog)) << 2);
}

/** Enters a position into a chain. Gives how far back the one before is, which may be too far. */
// @ts-ignore: decorator
@inline
export function enter(head: usize, links: usize, position: u32): u32 {
  const back = position - load<u32>(head);
  store<u32>(head, position);
  store<u16>(links + ((position & 0xffff) << 1), back > windowBytes ? 0 : back);
  return back;
}

/** How far before a position the one before it in its chain is; 0: too far. */
// @ts-ignore: decorator
@inline
export function linkOf(links: usize, position: u32): u32 {
  return load<u16>(links + ((position & 0xffff) << 1));
}
