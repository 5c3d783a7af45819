// The literals section of a block. Source: RFC 8878, 3.1.1.3.1.
import { decodeStream, type HuffmanTable, readHuffman } from "./huffman.js";
import { literalTypes } from "./layout.js";

/** Bytes that sequences take their literals from. */
export interface Literals {
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly end: number;
  /** Where the section ended. */
  readonly sectionEnd: number;
  /** The tree that a later block may use again. */
  readonly tree: HuffmanTable | undefined;
}

/** What a block's decoder works with: the block within bytes that are readable before and behind it, and a place for literals. */
export interface Scratch {
  readonly block: Uint8Array;
  readonly view: DataView;
  readonly literals: Uint8Array;
}

interface SectionHeader {
  readonly type: number;
  readonly streams: number;
  /** Bytes of literals. */
  readonly count: number;
  /** Bytes that they take, for Huffman-coded ones with the tree. */
  readonly stored: number;
  readonly at: number;
}

/** The header of the section (3.1.1.3.1.1); there are 5 readable bytes. */
function sectionHeader(bytes: Uint8Array, at: number): SectionHeader {
  const [b0 = 0, b1 = 0, b2 = 0, b3 = 0, b4 = 0] = bytes.subarray(at, at + 5);
  const type = b0 & 3;
  const format = (b0 >> 2) & 3;
  if (type === literalTypes.raw || type === literalTypes.rle) {
    const size = format === 1 ? 2 : format === 3 ? 3 : 1;
    const count = size === 1 ? b0 >> 3 : size === 2 ? (b0 >> 4) | (b1 << 4) : (b0 >> 4) | (b1 << 4) | (b2 << 12);
    return { type, streams: 0, count, stored: type === literalTypes.raw ? count : 1, at: at + size };
  }
  const streams = format === 0 ? 1 : 4;
  if (format < 2) {
    const count = (b0 >> 4) | ((b1 & 0x3f) << 4);
    return { type, streams, count, stored: (b1 >> 6) | (b2 << 2), at: at + 3 };
  }
  if (format === 2) {
    const count = (b0 >> 4) | (b1 << 4) | ((b2 & 3) << 12);
    return { type, streams, count, stored: (b2 >> 2) | (b3 << 6), at: at + 4 };
  }
  const count = (b0 >> 4) | (b1 << 4) | ((b2 & 0x3f) << 12);
  return { type, streams, count, stored: (b2 >> 6) | (b3 << 2) | (b4 << 10), at: at + 5 };
}

/** Decodes the section between `at` and `end`; a text says what is wrong with it. */
export function readLiterals(
  scratch: Scratch,
  at: number,
  end: number,
  largest: number,
  lastTree: HuffmanTable | undefined,
): Literals | string {
  const { block, view, literals } = scratch;
  const header = sectionHeader(block, at);
  const sectionEnd = header.at + header.stored;
  if (sectionEnd > end) return "the literals go on beyond the block";
  const { count } = header;
  if (count > largest) return "there are more literals than a block can have";
  if (header.type === literalTypes.raw) {
    return { bytes: block, at: header.at, end: sectionEnd, sectionEnd, tree: lastTree };
  }
  if (header.type === literalTypes.rle) {
    literals.fill(block[header.at] as number, 0, count);
    return { bytes: literals, at: 0, end: count, sectionEnd, tree: lastTree };
  }
  let tree = lastTree;
  let start = header.at;
  if (header.type === literalTypes.compressed) {
    const description = readHuffman(block, view, start, sectionEnd);
    if (!description) return "the Huffman tree of the literals is not valid";
    tree = description.table;
    start = description.end;
  }
  if (!tree) return "the literals use the tree of a former block, and there is none";
  const isWhole =
    header.streams === 1
      ? decodeStream(tree, block, view, start, sectionEnd, literals, 0, count)
      : decodeFour(tree, scratch, start, sectionEnd, count);
  if (!isWhole) return "the Huffman-coded literals are not valid";
  return { bytes: literals, at: 0, end: count, sectionEnd, tree };
}

/** Four streams behind a table of the sizes of the first three (3.1.1.3.1.6). */
function decodeFour(tree: HuffmanTable, scratch: Scratch, start: number, end: number, count: number): boolean {
  const { block, view, literals } = scratch;
  if (end - start < 6) return false;
  const quarter = (count + 3) >> 2;
  if (quarter * 3 > count) return false;
  let at = start + 6;
  for (let stream = 0; stream < 4; stream++) {
    const next = stream === 3 ? end : at + view.getUint16(start + 2 * stream, true);
    if (next > end) return false;
    const to = stream === 3 ? count : (stream + 1) * quarter;
    if (!decodeStream(tree, block, view, at, next, literals, stream * quarter, to)) return false;
    at = next;
  }
  return true;
}
