import { type ClusterEncoder, clusterDecoder, decodeBlock } from "@sextant/codecs";
import { random } from "./samples.js";

/** One frame with the input that it holds. */
export interface Frame {
  readonly start: number;
  readonly end: number;
  readonly bytes: Uint8Array;
}

/** What a frame's header says (RFC 8878, 3.1.1.1). */
export interface FrameHeader {
  readonly isSingleSegment: boolean;
  readonly hasChecksum: boolean;
  readonly hasDictionary: boolean;
  readonly windowBytes: number;
  readonly contentBytes: number | undefined;
  readonly end: number;
}

export function frameHeader(bytes: Uint8Array): FrameHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== 0xfd2fb528) throw new Error("no zstd frame");
  const flags = view.getUint8(4);
  const isSingleSegment = (flags & 0x20) !== 0;
  const at = isSingleSegment ? 5 : 6;
  const sizeFlag = flags >> 6;
  let contentBytes: number | undefined;
  if (sizeFlag === 0 && isSingleSegment) contentBytes = view.getUint8(at);
  else if (sizeFlag === 1) contentBytes = view.getUint16(at, true) + 256;
  else if (sizeFlag === 2) contentBytes = view.getUint32(at, true);
  const window = view.getUint8(5);
  const windowBytes = isSingleSegment
    ? (contentBytes ?? 0)
    : 2 ** (10 + (window >> 3)) + 2 ** (7 + (window >> 3)) * (window & 7);
  const sizeBytes = sizeFlag === 0 ? (isSingleSegment ? 1 : 0) : 2 ** sizeFlag;
  return {
    isSingleSegment,
    hasChecksum: (flags & 4) !== 0,
    hasDictionary: (flags & 3) !== 0,
    windowBytes,
    contentBytes,
    end: at + sizeBytes,
  };
}

/** Types (0 raw, 1 single byte, 2 compressed) and sizes of a frame's blocks (3.1.1.2). */
export function blocksOf(bytes: Uint8Array): { readonly type: number; readonly size: number }[] {
  const blocks: { type: number; size: number }[] = [];
  for (let at = frameHeader(bytes).end, isLast = false; !isLast; ) {
    const header = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
    isLast = (header & 1) === 1;
    const block = { type: (header >> 1) & 3, size: header >> 3 };
    blocks.push(block);
    at += 3 + (block.type === 1 ? 1 : block.size);
  }
  return blocks;
}

/** Fills frames with all of [start, end) of what is loaded, copied out of the encoder. */
export function framesOf(encoder: ClusterEncoder, start: number, end: number, capacity: number): Frame[] {
  const frames: Frame[] = [];
  for (let at = start; at < end; ) {
    const filled = encoder.fill(at, end, capacity);
    if (!filled) throw new Error(`nothing fits at ${at}`);
    frames.push({ start: at, end: at + filled.consumed, bytes: filled.bytes.slice() });
    at += filled.consumed;
  }
  return frames;
}

/** Loads an input and fills frames with all of it. */
export function framesOfInput(encoder: ClusterEncoder, input: Uint8Array, capacity: number): Frame[] {
  encoder.input(input.length).set(input);
  return framesOf(encoder, 0, input.length, capacity);
}

const decoder = clusterDecoder();

/** What is wrong with frames of an input, each of which must decode on its own; undefined if nothing is. */
export function wrongWith(frames: readonly Frame[], input: Uint8Array, capacity: number, windowLimitBytes: number) {
  for (const { start, end, bytes } of frames) {
    const where = `the frame of ${start} to ${end}`;
    if (bytes.length > capacity) return `${where} has ${bytes.length} bytes, more than ${capacity}`;
    const { contentBytes, hasChecksum, hasDictionary } = frameHeader(bytes);
    if (contentBytes !== end - start) return `${where} states ${contentBytes} bytes`;
    if (hasChecksum || hasDictionary) return `${where} has a checksum or a dictionary`;
    const output = new Uint8Array(end - start);
    const content = input.subarray(start, end);
    const length = decoder.decode("zstd", bytes, output, { windowLimitBytes });
    if (length !== output.length) return `${where} has ${length} bytes`;
    if (Buffer.compare(output, content) !== 0) return `${where} differs`;
    // Of many frames some, as it is slower.
    if (start % 7 !== 0) continue;
    output.fill(0);
    decodeBlock("zstd", bytes, output, { windowLimitBytes });
    if (Buffer.compare(output, content) !== 0) return `${where} differs where TypeScript decodes`;
  }
  return undefined;
}

/** Words out of a small dictionary: nothing but short matches, with hardly a literal. */
export function words(size: number, wordBytes: number, count: number, seed = 1): Uint8Array {
  const next = random(seed);
  const dictionary = Uint8Array.from({ length: wordBytes * count }, next);
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at++) {
    if (at % wordBytes === 0) {
      const word = (next() % count) * wordBytes;
      bytes.set(dictionary.subarray(word, word + Math.min(wordBytes, size - at)), at);
    }
  }
  return bytes;
}

/** Literals of some entropy and copies, lengths and distances of all magnitudes. */
export function copies(size: number, seed: number): Uint8Array {
  const next = random(seed);
  const magnitude = (largest: number) => next() % 2 ** (next() % (largest + 1));
  const bytes = new Uint8Array(size);
  const mask = (1 << (1 + (next() % 8))) - 1;
  for (let at = 0; at < size; ) {
    if (at === 0 || next() % 3 === 0) {
      const end = Math.min(size, at + 1 + magnitude(next() % 40 === 0 ? 17 : 6));
      for (; at < end; at++) bytes[at] = next() & mask;
    } else {
      const distance = 1 + (magnitude(21) % at);
      const end = Math.min(size, at + 3 + magnitude(next() % 40 === 0 ? 18 : 7));
      for (; at < end; at++) bytes[at] = bytes[at - distance] as number;
    }
  }
  return bytes;
}
