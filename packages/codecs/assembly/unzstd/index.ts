/**
 * Zstandard frames that are here as a whole (RFC 8878), decoded in one go. Input and output are areas of this module's
 * memory above `__heap_base`, with `slackBytes` around them that may be read, and behind the output also written.
 *
 * It says whether it decoded the input, not what is wrong where it did not: the decoder in TypeScript does.
 */
import { blockLimit, decodeBlock, forgetTree, roomEnd } from "./block";
import { forgetTables, prepareCodes } from "./codes";
import { prepareCopies, slackBytes } from "./copy";
import { forgetOffsets, isFull } from "./sequences";
import { xxh64 } from "./xxh64";

const frameMagic: u32 = 0xfd2fb528;
/** 0x184D2A50…5F: frames to skip (3.1.2). */
const skippableMagic: u32 = 0x184d2a50;
const skippableMask: u32 = 0xfffffff0;

const rawBlock: u32 = 0;
const sameBlock: u32 = 1;
const compressedBlock: u32 = 2;

const notDecoded: i32 = -1;

/** First address that areas may start at. */
export function areas(): usize {
  return roomEnd + slackBytes;
}

prepareCopies();
prepareCodes();

/** Where the frame's input and output go on. */
let at: usize = 0;
let out: usize = 0;

/**
 * Decodes the frames in `[input, inputEnd)` to `output` and gives how many bytes came out, or -1. Where `partial`, that may
 * be what fits in `[output, outputEnd)`; otherwise all must fit. No frame may ask for a window above `windowLimit`.
 */
export function decode(
  input: usize,
  inputEnd: usize,
  output: usize,
  outputEnd: usize,
  windowLimit: f64,
  partial: bool,
): i32 {
  at = input;
  out = output;
  let frames = 0;
  do {
    if (inputEnd - at < 8) return notDecoded;
    const magic = load<u32>(at);
    if (magic == frameMagic) {
      at += 4;
      isOver = false;
      if (!decodeFrame(inputEnd, outputEnd, windowLimit, partial)) return notDecoded;
      if (isOver) break;
      frames++;
    } else if ((magic & skippableMask) == skippableMagic) {
      const size = <usize>load<u32>(at, 4);
      at += 8;
      if (size > inputEnd - at) return notDecoded;
      at += size;
    } else return notDecoded;
  } while (at < inputEnd);
  return <i32>(out - output);
}

/** Set where a frame was left because the output is full and need not hold all. */
let isOver: bool = false;

/** 3.1.1 */
function decodeFrame(inputEnd: usize, outputEnd: usize, windowLimit: f64, partial: bool): bool {
  const flags = <u32>load<u8>(at);
  const isSingleSegment = (flags & 0x20) != 0;
  const idBytes: usize = (1 << (flags & 3)) >> 1;
  const sizeFlag = flags >> 6;
  const sizeBytes: usize = sizeFlag == 0 ? usize(isSingleSegment) : 1 << sizeFlag;
  const idAt = at + 1 + usize(!isSingleSegment);
  const sizeAt = idAt + idBytes;
  // The reserved bit; and dictionaries, which an id of zero stands for none of.
  if ((flags & 8) != 0 || sizeAt + sizeBytes > inputEnd) return false;
  for (let i: usize = 0; i < idBytes; i++) if (load<u8>(idAt + i) != 0) return false;
  let content = sizeBytes == 8 ? load<u64>(sizeAt) : load<u64>(sizeAt) & ((<u64>1 << (8 * sizeBytes)) - 1);
  if (sizeBytes == 2) content += 256;
  let window = content;
  if (!isSingleSegment) {
    const byte = <u64>load<u8>(at + 1);
    const base: u64 = 1 << (10 + (byte >> 3));
    window = base + (base >> 3) * (byte & 7);
  }
  if (<f64>window > windowLimit) return false;
  at = sizeAt + sizeBytes;
  const first = out;
  if (!decodeBlocks(inputEnd, outputEnd, <u32>min<u64>(window, 0x7fffffff), partial)) return false;
  if (isOver) return true;
  if (sizeBytes != 0 && content != out - first) return false;
  if ((flags & 4) == 0) return true;
  if (inputEnd - at < 4) return false;
  const checksum = load<u32>(at);
  at += 4;
  return checksum == <u32>xxh64(first, out);
}

/** 3.1.1.2 */
function decodeBlocks(inputEnd: usize, outputEnd: usize, window: u32, partial: bool): bool {
  forgetTree();
  forgetTables();
  forgetOffsets();
  const first = out;
  const largest = min(blockLimit, window);
  let isLast = false;
  do {
    if (partial && out == outputEnd) {
      isOver = true;
      return true;
    }
    if (inputEnd - at < 3) return false;
    const header = load<u32>(at) & 0xffffff;
    at += 3;
    isLast = (header & 1) != 0;
    const type = (header >> 1) & 3;
    const size = header >> 3;
    const stored: u32 = type == sameBlock ? 1 : size;
    if (size > largest || stored > <u32>(inputEnd - at)) return false;
    if (type == compressedBlock) {
      out = decodeBlock(at, at + size, out, first, window, largest, outputEnd);
      if (out == 0) return false;
      isOver = isFull;
    } else if (type > compressedBlock) {
      return false;
    } else {
      const fitting = min(size, <u32>(outputEnd - out));
      if (type == rawBlock) memory.copy(out, at, fitting);
      else memory.fill(out, load<u8>(at), fitting);
      out += fitting;
      isOver = fitting < size;
    }
    if (isOver) return partial;
    at += stored;
  } while (!isLast);
  return true;
}
