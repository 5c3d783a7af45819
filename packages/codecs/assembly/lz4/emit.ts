/** Writes sequences of the LZ4 block format, never beyond a block's capacity. */
import { lastLiterals, matchStartLimit, minMatch, output } from "./memory";

/** Where the next sequence goes. */
export let out: usize = 0;
/** Where the block must end. */
export let outLimit: usize = 0;
/** The first byte of input that no sequence holds. */
export let anchor: usize = 0;

export function begin(input: usize, capacity: u32): void {
  out = output;
  outLimit = output + capacity;
  anchor = input;
}

/** Bytes that a length takes behind its token, with what is left of it after the shortest: a run, or a match less 4. */
// @ts-ignore: decorator
@inline
export function lengthBytes(length: u32): u32 {
  return length < 15 ? 0 : (length - 15) / 255 + 1;
}

/** The longest run of last literals that takes at most `room` bytes with its token. `room` is at least 1. */
function longestRun(room: u32): u32 {
  if (room <= 15) return room - 1;
  // 256 bytes of room hold 255 literals and a byte of their length.
  const run = room - 2 - (room - 17 + 255) / 256;
  return run + 1 + lengthBytes(run + 1) + 1 <= room ? run + 1 : run;
}

// @ts-ignore: decorator
@inline
function writeLength(to: usize, length: u32): usize {
  let left = length - 15;
  while (left >= 255) {
    store<u8>(to, 255);
    to += 1;
    left -= 255;
  }
  store<u8>(to, left);
  return to + 1;
}

/** Writes a token and so many literals; room must be there, and `slack` bytes behind it. */
// @ts-ignore: decorator
@inline
function writeLiterals(run: u32, matchToken: u32): void {
  let to = out;
  if (run < 15) {
    store<u8>(to, (run << 4) | matchToken);
    v128.store(to + 1, v128.load(anchor));
    out = to + 1 + run;
    return;
  }
  store<u8>(to, 0xf0 | matchToken);
  to = writeLength(to + 1, run);
  if (run > 256) memory.copy(to, anchor, run);
  else for (let at: usize = 0; at < run; at += 16) v128.store(to + at, v128.load(anchor + at));
  out = to + run;
}

/** Writes the literals up to `from` and a match of `length` bytes there. */
// @ts-ignore: decorator
@inline
export function writeSequence(from: usize, length: u32, distance: u32): void {
  const code = length - minMatch;
  writeLiterals(<u32>(from - anchor), min<u32>(code, 15));
  store<u16>(out, distance);
  out += 2;
  if (code >= 15) out = writeLength(out, code);
  anchor = from + length;
}

/** Writes the literals up to `end`, which end the block. */
export function writeLast(end: usize): void {
  writeLiterals(<u32>(end - anchor), 0);
  anchor = end;
}

/** The least literals that may end a block behind a match of that length. */
// @ts-ignore: decorator
@inline
function leastBehind(match: u32): u32 {
  return match + lastLiterals >= matchStartLimit ? lastLiterals : matchStartLimit - match;
}

/** Whether a sequence fits, with the least that must follow it. */
// @ts-ignore: decorator
@inline
export function fits(from: usize, length: u32): bool {
  const run = <u32>(from - anchor);
  const bytes = 1 + lengthBytes(run) + run + 2 + lengthBytes(length - minMatch);
  return out + bytes + 1 + leastBehind(length) <= outLimit;
}

/**
 * Ends the block with as much of the input up to `end` as there is room for: the literals up to `from` and as much as fits
 * of the match there, or literals alone where that gets farther. `length` is 0 where there is no match.
 */
export function finish(from: usize, length: u32, distance: u32, end: usize): void {
  const room = <u32>(outLimit - out);
  const plain = min(anchor + longestRun(room), end);
  if (length > 0) {
    const run = <u32>(from - anchor);
    const head: u32 = 1 + lengthBytes(run) + run + 2;
    if (head + 1 + lastLiterals <= room) {
      const left = room - head - 1;
      const match = min(length, minMatch + 14 + 255 * (left - lastLiterals));
      const behind = longestRun(left + 1 - lengthBytes(match - minMatch));
      if (behind >= leastBehind(match) && from + match + behind > plain) {
        writeSequence(from, match, distance);
        writeLast(min(anchor + behind, end));
        return;
      }
    }
  }
  writeLast(plain);
}
