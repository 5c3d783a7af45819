/**
 * The longest match that ends at each byte.
 *
 * Strings are looked up by their last bytes, and compared from there backwards. Where the byte after a match continues it,
 * the longer match is the longest one that ends there, without a search: were there a longer one, there had been a longer one
 * a byte earlier as well. So a match costs a search where it begins and where it ends, not one for each of its bytes. For the
 * same reason no match is longer by more than a byte than the one that ended a byte earlier, which ends most searches at
 * their first hit.
 *
 * Three sets of chains link the places where the last 4, 6 or 8 bytes are the same; a string of 8 bytes and more is
 * looked for in the third alone. Distances cost the same in LZ4, so nothing but the length counts.
 */
import { enter, headOf, headsBytes, linkOf, linksBytes } from "./chains";
import { epoch, minMatch, windowBytes } from "./memory";

const heads4: usize = memory.data(headsBytes, 16);
const heads6: usize = memory.data(headsBytes, 16);
const heads8: usize = memory.data(headsBytes, 16);
const links4: usize = memory.data(linksBytes, 16);
const links6: usize = memory.data(linksBytes, 16);
const links8: usize = memory.data(linksBytes, 16);

/** Length of the longest match that ends with the last byte given to `advance`; 3: none. */
export let length: u32 = minMatch - 1;
export let distance: usize = 0;

let start: usize = 0;
let base: usize = 0;
let tries: u32 = 0;
/** How many bytes up to this one are the same as those eight before them. */
let periodic: u32 = 0;

/** Starts with the input at an address; a search looks at no more than so many places in a set of chains. */
export function begin(input: usize, searchTries: u32): void {
  start = input;
  base = input - epoch;
  tries = searchTries;
  length = minMatch - 1;
  distance = 0;
  periodic = 0;
}

/** Forgets all positions. */
export function clear(): void {
  memory.fill(heads4, 0, headsBytes);
  memory.fill(heads6, 0, headsBytes);
  memory.fill(heads8, 0, headsBytes);
}

/** How many bytes up to and with those at `at` and `from` are equal, `most` at most. */
// @ts-ignore: decorator
@inline
function equalBefore(at: usize, from: usize, most: u32): u32 {
  let count: u32 = 0;
  while (count + 8 <= most) {
    const difference = load<u64>(at - count - 7) ^ load<u64>(from - count - 7);
    if (difference != 0) return count + (<u32>clz(difference) >> 3);
    count += 8;
  }
  while (count < most && load<u8>(at - count) == load<u8>(from - count)) count += 1;
  return count;
}

/** Takes the match that ends so many bytes before, if it is longer; `most` bytes count. True if it has as many. */
// @ts-ignore: decorator
@inline
function consider(at: usize, back: u32, most: u32): bool {
  const from = at - back;
  const count = equalBefore(at, from, min<u32>(most, <u32>(from - start) + 1));
  if (count <= length) return false;
  length = count;
  distance = back;
  return count >= most;
}

/** Walks a chain for something longer than `length`, up to `most` bytes. */
// @ts-ignore: decorator
@inline
function walk(links: usize, at: usize, first: u32, farthest: u32, most: u32): void {
  const position = <u32>(at - base);
  let back = first;
  let left = tries;
  while (back <= farthest) {
    if (load<u32>(at - back - length) == load<u32>(at - length) && consider(at, back, most)) return;
    left -= 1;
    if (left == 0) return;
    const step = linkOf(links, position - back);
    if (step == 0) return;
    back += step;
  }
}

/** Enters one of the first seven bytes, before which there are too few for some of the chains. */
function advanceEarly(at: usize): void {
  if (at < start + 3) return;
  const position = <u32>(at - base);
  const last4 = <u64>load<u32>(at - 3);
  const back4 = enter(headOf(heads4, last4), links4, position);
  if (at >= start + 5) enter(headOf(heads6, (last4 << 16) | load<u16>(at - 5)), links6, position);
  if (distance != 0 && load<u8>(at) == load<u8>(at - distance)) {
    length += 1;
    return;
  }
  length = minMatch - 1;
  distance = 0;
  walk(links4, at, back4, <u32>(at - start), minMatch);
}

/**
 * Enters the byte at `at`, which follows the one before.
 *
 * In zeros, and where anything of 1, 2, 4 or 8 bytes repeats, each place would have thousands like it, none of them longer
 * than itself. There, chains link only those into which it repeats for as long: what is longer must be among them.
 */
// @ts-ignore: decorator
@inline
export function advance(at: usize): void {
  if (at < start + 7) return advanceEarly(at);
  const position = <u32>(at - base);
  const last8 = load<u64>(at - 7);
  periodic = at > start + 7 && load<u8>(at) == load<u8>(at - 8) ? periodic + 1 : 0;
  const key8 = periodic < 8 ? last8 : last8 + <u64>periodic * 0xff51afd7ed558ccd;
  const back8 = enter(headOf(heads8, key8), links8, position);
  const back6 = enter(headOf(heads6, last8 >> 16), links6, position);
  const back4 = enter(headOf(heads4, last8 >> 32), links4, position);
  if (distance != 0 && load<u8>(at) == load<u8>(at - distance)) length += 1;
  else search(at, back4, back6, back8);
}

function search(at: usize, back4: u32, back6: u32, back8: u32): void {
  const farthest = min<u32>(windowBytes, <u32>(at - start));
  let most = length + 1;
  length = minMatch - 1;
  distance = 0;
  if (most >= 8) {
    if (periodic >= 8) {
      for (let back: u32 = 1; back <= 8; back <<= 1) if (consider(at, back, most)) return;
    }
    walk(links8, at, back8, farthest, most);
    if (length >= 8) return;
    most = 7;
  }
  if (most >= 6) {
    walk(links6, at, back6, farthest, most);
    if (length >= 6) return;
    most = 5;
  }
  walk(links4, at, back4, farthest, most);
}
