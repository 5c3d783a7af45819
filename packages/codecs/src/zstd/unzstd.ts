// Zstandard frames. Source: RFC 8878, 3.1; sections named at each step.
import { CodecError, type CodecErrorCode } from "../errors.js";
import { type DecompressOptions, defaultWindowLimitBytes } from "../options.js";
import { type Input, more, need, type Steps } from "../steps.js";
import { Window } from "../window.js";
import type { HuffmanTable } from "./huffman.js";
import {
  blockHeaderBytes,
  blockTypes,
  contentSizeBytes,
  descriptor,
  dictionaryIdBytes,
  frameMagic,
  largestBlockBytes,
  skippableMagic,
  skippableMask,
} from "./layout.js";
import { readLiterals, type Scratch } from "./literals.js";
import { executeSequences, readSequencesHeader, type SequenceTables } from "./sequences.js";
import { Xxh64 } from "./xxh64.js";

/** Readable bytes around a block, so that bits can be read four bytes at a time. */
const padBytes = 16;
/** Bytes of a magic number or a checksum. */
const wordBytes = 4;

function fail(code: CodecErrorCode, path: string, offset: number, what: string): never {
  throw new CodecError(code, what, { path, offset });
}

/** Decompresses zstd frames, with their content sizes and checksums verified where they have them. */
export function* unzstd(input: Input, options: DecompressOptions): Steps {
  const windowLimit = options.windowLimitBytes ?? defaultWindowLimitBytes;
  const block = new Uint8Array(padBytes + largestBlockBytes + padBytes);
  const scratch: Scratch = { block, view: new DataView(block.buffer), literals: new Uint8Array(largestBlockBytes) };
  let frames = 0;
  do {
    const offset = input.offset;
    yield* need(input, wordBytes, "zstd.magic");
    const magic = wordOf(input.take(wordBytes));
    if (magic === frameMagic) {
      yield* frame(input, offset, windowLimit, scratch);
      frames++;
    } else if ((magic & skippableMask) >>> 0 === skippableMagic) {
      yield* skipFrame(input);
    } else if (frames > 0) {
      fail("MALFORMED_TRAILING", "zstd.magic", offset, "after a frame comes something that is no frame");
    } else {
      fail("MALFORMED_HEADER", "zstd.magic", offset, "this is no zstd frame");
    }
    if (options.members === "first" && frames > 0) break;
  } while (yield* more(input));
}

const wordOf = ([a = 0, b = 0, c = 0, d = 0]: Uint8Array) => (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;

/** 3.1.2 */
function* skipFrame(input: Input): Steps {
  yield* need(input, wordBytes, "zstd.skippable");
  let left = wordOf(input.take(wordBytes));
  while (left > 0) {
    yield* need(input, 1, "zstd.skippable");
    left -= input.take(Math.min(left, input.available)).length;
  }
}

interface FrameHeader {
  readonly windowBytes: number;
  readonly contentBytes: number | undefined;
  readonly hasChecksum: boolean;
}

/** 3.1.1.1 */
function* frameHeader(input: Input, windowLimit: number): Steps<FrameHeader> {
  const start = input.offset;
  yield* need(input, 1, "zstd.frame.header");
  const flags = input.bytes[input.at] as number;
  if (flags & descriptor.reserved) {
    fail("UNSUPPORTED_FEATURE", "zstd.frame.header.descriptor", start, "the reserved bit of the frame header is set");
  }
  const isSingleSegment = (flags & descriptor.singleSegment) !== 0;
  const idBytes = dictionaryIdBytes[(flags & descriptor.dictionaryMask) as 0 | 1 | 2 | 3];
  const sizeFlag = (flags >> descriptor.contentSizeShift) as 0 | 1 | 2 | 3;
  const sizeBytes = sizeFlag === 0 && isSingleSegment ? 1 : contentSizeBytes[sizeFlag];
  const length = 1 + (isSingleSegment ? 0 : 1) + idBytes + sizeBytes;
  yield* need(input, length, "zstd.frame.header");
  const bytes = input.take(length);
  if (bytes.subarray(length - sizeBytes - idBytes, length - sizeBytes).some((byte) => byte !== 0)) {
    fail("UNSUPPORTED_FEATURE", "zstd.frame.header.dictionaryId", start, "the frame needs a dictionary");
  }
  const contentBytes = sizeBytes === 0 ? undefined : contentSize(bytes.subarray(length - sizeBytes), start);
  const windowBytes = isSingleSegment ? (contentBytes ?? 0) : windowOf(bytes[1] as number);
  if (windowBytes > windowLimit) {
    const what = `the window has ${windowBytes} bytes, more than the limit of ${windowLimit}`;
    fail("LIMIT_WINDOW", "zstd.frame.header.window", start, what);
  }
  return { windowBytes, contentBytes, hasChecksum: (flags & descriptor.checksum) !== 0 };
}

/** 3.1.1.1.4 */
function contentSize(bytes: Uint8Array, offset: number): number {
  let stated = bytes.length === 2 ? 256n : 0n;
  for (const [index, byte] of bytes.entries()) stated += BigInt(byte) << BigInt(8 * index);
  if (stated > BigInt(Number.MAX_SAFE_INTEGER)) {
    const what = `the frame states ${stated} bytes, more than this program can address`;
    fail("LIMIT_RANGE", "zstd.frame.header.contentSize", offset, what);
  }
  return Number(stated);
}

/** 3.1.1.1.2: a power of two and eighths of it. */
function windowOf(byte: number): number {
  const base = 2 ** (10 + (byte >> 3));
  return base + (base / 8) * (byte & 7);
}

/** 3.1.1; `start` is the offset of the frame's magic number. */
function* frame(input: Input, start: number, windowLimit: number, scratch: Scratch): Steps {
  const header = yield* frameHeader(input, windowLimit);
  const window = new Window(header.windowBytes, header.contentBytes);
  const checksum = header.hasChecksum ? new Xxh64() : undefined;
  let content = 0;
  for (const steps = blocks(input, window, header, scratch); ; ) {
    const { done, value } = steps.next();
    if (done) break;
    if (value !== undefined) {
      checksum?.update(value);
      content += value.length;
      if (header.contentBytes !== undefined && content > header.contentBytes) break;
    }
    yield value;
  }
  if (header.contentBytes !== undefined && content !== header.contentBytes) {
    const what = `the frame header states ${header.contentBytes} bytes, there are ${content}`;
    fail("MISMATCH_SIZE", "zstd.frame.header.contentSize", start, what);
  }
  if (!checksum) return;
  yield* need(input, wordBytes, "zstd.frame.checksum");
  const offset = input.offset;
  if (wordOf(input.take(wordBytes)) !== Number(BigInt.asUintN(32, checksum.digest()))) {
    fail("MISMATCH_CHECKSUM", "zstd.frame.checksum", offset, "the checksum of the content differs");
  }
}

/** What a compressed block takes over from the ones before. */
interface BlockState {
  tree: HuffmanTable | undefined;
  tables: SequenceTables | undefined;
  readonly recent: Int32Array;
}

/** 3.1.1.2 */
function* blocks(input: Input, window: Window, header: FrameHeader, scratch: Scratch): Steps {
  const largest = Math.min(largestBlockBytes, header.windowBytes);
  const state: BlockState = { tree: undefined, tables: undefined, recent: Int32Array.of(1, 4, 8) };
  for (let isLast = false; !isLast; ) {
    yield* need(input, blockHeaderBytes, "zstd.block");
    const offset = input.offset;
    const [b0 = 0, b1 = 0, b2 = 0] = input.take(blockHeaderBytes);
    isLast = (b0 & 1) === 1;
    const type = (b0 >> 1) & 3;
    const size = (b0 >> 3) | (b1 << 5) | (b2 << 13);
    if (type === blockTypes.reserved) fail("MALFORMED_DATA", "zstd.block", offset, "a block has the reserved type 3");
    if (size > largest) {
      fail("MALFORMED_DATA", "zstd.block", offset, `a block has ${size} bytes, more than the ${largest} of its frame`);
    }
    yield* need(input, type === blockTypes.rle ? 1 : size, "zstd.block");
    yield* window.room(largest);
    if (type === blockTypes.raw) {
      window.bytes.set(input.take(size), window.at);
      window.at += size;
    } else if (type === blockTypes.rle) {
      window.bytes.fill(input.take(1)[0] ?? 0, window.at, window.at + size);
      window.at += size;
    } else {
      scratch.block.set(input.take(size), padBytes);
      const end = decodeBlock(scratch, padBytes + size, window, largest, header.windowBytes, state);
      if (typeof end === "string") return fail("MALFORMED_DATA", "zstd.block", offset, end);
      window.at = end;
    }
    yield* window.emitIfMuch();
  }
  yield* window.emit();
}

/** 3.1.1.3: a compressed block. Returns where the output ends, or a text that says what is wrong. */
function decodeBlock(
  scratch: Scratch,
  end: number,
  window: Window,
  largest: number,
  windowBytes: number,
  state: BlockState,
): number | string {
  if (end - padBytes < 2) return "a compressed block has less than two bytes";
  const literals = readLiterals(scratch, padBytes, end, largest, state.tree);
  if (typeof literals === "string") return literals;
  state.tree = literals.tree;
  const header = readSequencesHeader(scratch, literals.sectionEnd, end, state.tables);
  if (typeof header === "string") return header;
  const { count, tables } = header;
  if (count === 0 || !tables) {
    if (header.end !== end) return "behind the block's literals there is something";
    window.bytes.set(literals.bytes.subarray(literals.at, literals.end), window.at);
    return window.at + literals.end - literals.at;
  }
  state.tables = tables;
  const target = {
    output: window.bytes,
    at: window.at,
    end: window.at + largest,
    reach: windowBytes,
    recent: state.recent,
  };
  const outputEnd = executeSequences(scratch, header.end, end, { count, tables }, literals, target);
  return outputEnd < 0 ? "the sequences of a block are not valid" : outputEnd;
}
