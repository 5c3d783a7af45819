/** Executes the sequences of a block: so many literals, then a match (RFC 8878, 3.1.1.4 and 3.1.1.5). */
import { before, highest, lastPosition } from "./bits";
import { literalLog, literalTable, matchLog, matchTable, offsetLog, offsetTable } from "./codes";
import { copyApart, copyMatch } from "./copy";

/** The last three offsets of the frame. */
let recent0: u32 = 1;
let recent1: u32 = 4;
let recent2: u32 = 8;

export function forgetOffsets(): void {
  recent0 = 1;
  recent1 = 4;
  recent2 = 8;
}

/** Set where the output was full before the block's end; what fits is there. */
export let isFull: bool = false;

/** How many bits there are in a word at least, less than those that lead from three states to the next. */
const roomForExtras: u32 = 57 - (9 + 9 + 8);

/**
 * Executes `count` sequences, whose bits lie between `start` and `end`, then appends what literals are left. No match goes
 * further back than `first`, or than `window` bytes. Behind `limit` a block must not write; behind `full`, which may come
 * before, there is no room. Gives where the output ends, or 0 for data that is not valid.
 */
export function execute(
  count: i32,
  start: usize,
  end: usize,
  literals: usize,
  literalEnd: usize,
  output: usize,
  first: usize,
  window: u32,
  limit: usize,
  full: usize,
): usize {
  isFull = false;
  let position = lastPosition(start, end);
  if (position < 0) return 0;
  const stop = min(limit, full);
  let word = before(start, position);
  let literalState = highest(word, literalLog);
  word <<= <u64>literalLog;
  let offsetState = highest(word, offsetLog);
  word <<= <u64>offsetLog;
  let matchState = highest(word, matchLog);
  position -= literalLog + offsetLog + matchLog;
  let literal = literals;
  let out = output;
  let last0 = recent0;
  let last1 = recent1;
  let last2 = recent2;

  for (let left = count; left > 0; left--) {
    if (position < 0) return 0;
    const literalEntry = load<u64>(literalState << 3, literalTable);
    const offsetEntry = load<u64>(offsetState << 3, offsetTable);
    const matchEntry = load<u64>(matchState << 3, matchTable);
    const literalHigh = <u32>(literalEntry >> 32);
    const offsetHigh = <u32>(offsetEntry >> 32);
    const matchHigh = <u32>(matchEntry >> 32);
    let offset = <u32>offsetEntry;
    let matchLength = <u32>matchEntry;
    let literalLength = <u32>literalEntry;

    word = before(start, position);
    const offsetExtra = offsetHigh & 255;
    const extras = (offsetHigh + literalHigh + matchHigh) & 255;
    offset += highest(word, offsetExtra);
    word <<= <u64>offsetExtra;
    if (extras > roomForExtras) word = before(start, position - offsetExtra);
    const matchExtra = matchHigh & 255;
    const literalExtra = literalHigh & 255;
    if (matchExtra) {
      matchLength += highest(word, matchExtra);
      word <<= <u64>matchExtra;
    }
    if (literalExtra) {
      literalLength += highest(word, literalExtra);
      word <<= <u64>literalExtra;
    }
    position -= extras;
    if (extras > roomForExtras) word = before(start, position);

    if (left > 1) {
      const literalBits = (literalHigh >> 8) & 255;
      const matchBits = (matchHigh >> 8) & 255;
      const offsetBits = (offsetHigh >> 8) & 255;
      literalState = (literalHigh >> 16) + highest(word, literalBits);
      word <<= <u64>literalBits;
      matchState = (matchHigh >> 16) + highest(word, matchBits);
      word <<= <u64>matchBits;
      offsetState = (offsetHigh >> 16) + highest(word, offsetBits);
      position -= literalBits + matchBits + offsetBits;
    }

    if (offset > 3) {
      offset -= 3;
      last2 = last1;
      last1 = last0;
      last0 = offset;
    } else {
      // One of the last offsets; without literals before it, the next one.
      const which = offset - u32(literalLength != 0);
      if (which == 0) {
        offset = last0;
      } else {
        offset = which == 1 ? last1 : which == 2 ? last2 : last0 - 1;
        if (which != 1) last2 = last1;
        last1 = last0;
        last0 = offset;
      }
    }

    const match = out + literalLength;
    const literalNext = literal + literalLength;
    if (literalNext > literalEnd) return 0;
    // An offset of 0 becomes the largest here.
    if (offset - 1 >= min(<u32>(match - first), window)) return 0;
    const next = match + matchLength;
    if (next > stop) {
      if (next > limit) return 0;
      isFull = true;
      copyApart(out, literal, min(literalLength, <u32>(full - out)));
      if (match < full) copyMatch(match, offset, <u32>(full - match));
      return full;
    }
    copyApart(out, literal, literalLength);
    copyMatch(match, offset, matchLength);
    literal = literalNext;
    out = next;
  }
  if (position != 0) return 0;
  recent0 = last0;
  recent1 = last1;
  recent2 = last2;
  return append(literal, literalEnd, out, limit, full);
}

/** Appends literals that no match follows. */
export function append(literal: usize, literalEnd: usize, out: usize, limit: usize, full: usize): usize {
  const length = literalEnd - literal;
  if (length > limit - out) return 0;
  isFull = length > full - out;
  const fitting = min(length, full - out);
  memory.copy(out, literal, fitting);
  return out + fitting;
}
