/**
 * LZ4 blocks that are here as a whole (lz4_Block_format.md), decoded in one go. Input and output are areas of this module's
 * memory from `areas()` on, with 64 bytes around them that may be read, and behind the output also written.
 *
 * It says whether it decoded the input, not what is wrong where it did not: the decoder in TypeScript does.
 */
import { copyApart, copyMatch, prepareCopies, slackBytes } from "../unzstd/copy";

const notDecoded: i32 = -1;
const minMatch: u32 = 4;
/** A length of this many is followed by bytes that are added to it, up to one that is not 255. */
const longLength: u32 = 15;
/** More than any area; keeps lengths within their 32 bits. */
const lengthLimit: u32 = 1 << 30;

/** First address that areas may start at. */
export function areas(): usize {
  return (__heap_base + 15 + slackBytes) & ~15;
}

prepareCopies();

/** Where the input goes on, behind `readLength`. */
let at: usize = 0;

/** What the bytes from `from` on add to a length; `lengthLimit` or more where they go on to the end of the input. */
function readLength(from: usize, inputEnd: usize): u32 {
  let length = longLength;
  at = from;
  while (at < inputEnd) {
    const byte = <u32>load<u8>(at++);
    length += byte;
    if (byte < 255 || length >= lengthLimit) return length;
  }
  return lengthLimit;
}

/**
 * Decodes the block in `[input, inputEnd)` to `output` and gives how many bytes came out, or -1. Where `partial`, that may be
 * what fits in `[output, outputEnd)`, and something may follow the block.
 */
export function decode(input: usize, inputEnd: usize, output: usize, outputEnd: usize, partial: bool): i32 {
  let from = input;
  let out = output;
  while (from < inputEnd) {
    const token = <u32>load<u8>(from++);
    let literals = token >> 4;
    if (literals == longLength) {
      literals = readLength(from, inputEnd);
      from = at;
    }
    const room = <u32>(outputEnd - out);
    if (literals > <u32>(inputEnd - from)) return notDecoded;
    if (literals > room) {
      if (!partial) return notDecoded;
      memory.copy(out, from, room);
      return <i32>(outputEnd - output);
    }
    copyApart(out, from, literals);
    from += literals;
    out += literals;
    if (from == inputEnd || (partial && out == outputEnd)) return <i32>(out - output);

    if (inputEnd - from < 2) return notDecoded;
    const distance = <u32>load<u16>(from);
    from += 2;
    let length = token & longLength;
    if (length == longLength) {
      length = readLength(from, inputEnd);
      from = at;
      if (length >= lengthLimit) return notDecoded;
    }
    length += minMatch;
    // A distance of 0 becomes the largest here.
    if (distance - 1 >= <u32>(out - output)) return notDecoded;
    if (length > <u32>(outputEnd - out)) {
      if (!partial) return notDecoded;
      if (out < outputEnd) copyMatch(out, distance, <u32>(outputEnd - out));
      return <i32>(outputEnd - output);
    }
    copyMatch(out, distance, length);
    out += length;
  }
  return notDecoded;
}
