/** Compressed blocks: literals, then sequences (RFC 8878, 3.1.1.3). */
import { readTables } from "./codes";
import { slackBytes } from "./copy";
import { lastPosition } from "./bits";
import { decodeFour, decodeRest, readTree } from "./huffman";
import { append, execute } from "./sequences";

/** Largest content of a block, bytes (3.1.1.2.3). */
export const blockLimit: u32 = 1 << 17;

const rawLiterals: u32 = 0;
const sameLiterals: u32 = 1;
const compressedLiterals: u32 = 2;

/** Literals that don't stand in the block as they are. */
const room: usize = (__heap_base + 15) & ~15;
/** What is behind these. */
export const roomEnd: usize = room + blockLimit + slackBytes;

/** The literals of the block. */
let literals: usize = 0;
let literalEnd: usize = 0;
/** Whether a block of the frame had a tree, for later ones to use again. */
let hasTree: bool = false;

export function forgetTree(): void {
  hasTree = false;
}

/**
 * Decodes the block between `at` and `end` to `output`. No match goes further back than `first`, or than `window` bytes. The
 * block has at most `largest` bytes, and behind `full` there is no room. Gives where the output ends, or 0.
 */
export function decodeBlock(
  at: usize,
  end: usize,
  output: usize,
  first: usize,
  window: u32,
  largest: u32,
  full: usize,
): usize {
  if (end - at < 2) return 0;
  at = readLiterals(at, end, largest);
  if (at == 0 || at >= end) return 0;
  const limit = output + largest;
  let count = <i32>load<u8>(at++);
  if (count == 0) return at == end ? append(literals, literalEnd, output, limit, full) : 0;
  if (count == 255) {
    count = <i32>load<u16>(at) + 0x7f00;
    at += 2;
  } else if (count >= 128) {
    count = ((count - 128) << 8) | <i32>load<u8>(at++);
  }
  const modes = <u32>load<u8>(at++);
  if (at > end || (modes & 3) != 0) return 0;
  if (count == 0) return at == end ? append(literals, literalEnd, output, limit, full) : 0;
  at = readTables(at, end, modes);
  if (at == 0) return 0;
  return execute(count, at, end, literals, literalEnd, output, first, window, limit, full);
}

/** Reads the literals section (3.1.1.3.1). Gives where it ends, or 0 for data that is not valid. */
function readLiterals(start: usize, end: usize, largest: u32): usize {
  // A header takes at most 5 bytes, and in front of the block there is one of 3.
  const header = load<u64>(start);
  const type = <u32>header & 3;
  const format = <u32>(header >> 2) & 3;
  let at = start;
  if (type == rawLiterals || type == sameLiterals) {
    const isLong = (format & 1) != 0;
    const size = isLong ? (format >> 1) + 2 : 1;
    const count = isLong ? <u32>(header >> 4) & (format == 1 ? 0xfff : 0xfffff) : (<u32>header & 0xff) >> 3;
    at += size;
    const after = at + <usize>(type == rawLiterals ? count : 1);
    if (after > end || count > largest) return 0;
    literals = at;
    if (type == sameLiterals) {
      memory.fill(room, load<u8>(at), count);
      literals = room;
    }
    literalEnd = literals + count;
    return after;
  }
  const bits: u64 = format < 2 ? 10 : format == 2 ? 14 : 18;
  const mask: u64 = (1 << bits) - 1;
  const count = <u32>((header >> 4) & mask);
  const stored = <usize>((header >> (4 + bits)) & mask);
  at += format < 2 ? 3 : format == 2 ? 4 : 5;
  const after = at + stored;
  if (after > end || count > largest) return 0;
  if (type == compressedLiterals) {
    at = readTree(at, after);
    if (at == 0) return 0;
    hasTree = true;
  }
  if (!hasTree) return 0;
  literals = room;
  literalEnd = room + count;
  const isWhole = format == 0 ? decodeOne(at, after) : decodeFour(at, after, room, count);
  return isWhole ? after : 0;
}

function decodeOne(start: usize, end: usize): bool {
  const position = lastPosition(start, end);
  return position >= 0 && decodeRest(start, position, literals, literalEnd);
}
