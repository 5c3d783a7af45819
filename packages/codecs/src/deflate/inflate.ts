// Raw DEFLATE. Source: RFC 1951.
import { CodecError } from "../errors.js";
import { type Input, need, type Steps, truncated } from "../steps.js";
import { copyMatch, type Window } from "../window.js";
import { type HuffmanTable, huffmanTable, kindBase, kindEnd, kindLiteral, kindMask, kindSubtable } from "./huffman.js";

/** The history that DEFLATE matches refer to. */
export const deflateWindowBytes = 32768;
/** Bytes that one literal or match takes at most, with what the bit buffer reads ahead. */
const symbolBytes = 12;
const longestMatch = 258;
/** A block header with code lengths takes at most 14 + 19·3 + 320·14 bits. */
const headerBytes = 600;
const stepBytes = 256 * 1024;

const codeLengthOrder = Uint8Array.of(16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15);

/** Table entries of base values that grow by `1 << extra` from one to the next. */
function baseEntries(first: number, extraBits: readonly number[]): number[] {
  let base = first;
  return extraBits.map((extra) => {
    const entry = (base << 10) | kindBase | (extra << 4);
    base += 1 << extra;
    return entry;
  });
}

// 0…255 literals, 256 end of block, then lengths 3…257; 285 is length 258. The last two must not come.
const lengthExtra = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5];
const literalSymbols = Int32Array.from([
  ...Array.from({ length: 256 }, (_, literal) => (literal << 10) | kindLiteral),
  kindEnd,
  ...baseEntries(3, lengthExtra),
  (longestMatch << 10) | kindBase,
  -1,
  -1,
]);
const distanceExtra = Array.from({ length: 30 }, (_, slot) => Math.max(0, (slot >> 1) - 1));
const distanceSymbols = Int32Array.from([...baseEntries(1, distanceExtra), -1, -1]);
const codeLengthSymbols = Int32Array.from({ length: 19 }, (_, symbol) => symbol << 10);

interface Codes {
  readonly literals: HuffmanTable;
  readonly distances: HuffmanTable;
}

let fixed: Codes | undefined;

/** The codes of blocks of type 1 (RFC 1951, 3.2.6), made when first needed. */
function fixedCodes(): Codes {
  fixed ??= makeFixedCodes();
  return fixed;
}

function makeFixedCodes(): Codes {
  const lengths = Uint8Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8));
  const literals = huffmanTable(lengths, literalSymbols, true);
  const distances = huffmanTable(new Uint8Array(32).fill(5), distanceSymbols, true);
  if (!literals || !distances) throw new TypeError("the fixed codes are prefix codes");
  return { literals, distances };
}

type SymbolsEnd = "block-end" | "output-full" | "input-short" | "bad-code" | "bad-distance";

/** Bits that are read but not used yet; whenever more input may come, fewer than 8. Bits above `count` are zero. */
class Bits {
  held = 0;
  count = 0;

  constructor(readonly input: Input) {}

  /** Takes up to 16 bits; the input must be here. */
  take(count: number): number {
    while (this.count < count) {
      this.held |= (this.input.bytes[this.input.at++] as number) << this.count;
      this.count += 8;
    }
    const value = this.held & ((1 << count) - 1);
    this.held >>>= count;
    this.count -= count;
    return value;
  }

  /** Gives whole bytes back to the input. */
  unread(): void {
    this.input.at -= this.count >> 3;
    this.count &= 7;
    this.held &= (1 << this.count) - 1;
  }

  /** Drops what is left of the byte that is begun. */
  align(): void {
    this.unread();
    this.held = 0;
    this.count = 0;
  }
}

function fail(input: Input, path: string, what: string): never {
  throw new CodecError("MALFORMED_DATA", what, { path, offset: input.offset });
}

/**
 * Decodes one DEFLATE stream into the window and hands it on; afterwards the input stands behind its last byte. `path`
 * names the stream in errors.
 */
export function* inflate(input: Input, window: Window, path: string): Steps {
  const bits = new Bits(input);
  let isLast = false;
  while (!isLast) {
    yield* blockNeed(bits, 3, path);
    isLast = bits.take(1) === 1;
    const type = bits.take(2);
    if (type === 0) yield* storedBlock(bits, window, path);
    else if (type === 1) yield* symbols(bits, window, fixedCodes(), path);
    else if (type === 2) yield* symbols(bits, window, yield* readCodes(bits, path), path);
    else fail(input, `${path}.block`, "a block has the reserved type 3");
  }
  bits.align();
  yield* window.emit();
}

/** Waits until `count` bits are here. */
function* blockNeed(bits: Bits, count: number, path: string): Steps {
  yield* need(bits.input, Math.max(0, (count - bits.count + 7) >> 3), path);
}

function* storedBlock(bits: Bits, window: Window, path: string): Steps {
  const { input } = bits;
  bits.align();
  yield* need(input, 4, path);
  const [low = 0, high = 0, lowCheck = 0, highCheck = 0] = input.take(4);
  if ((low ^ lowCheck) !== 0xff || (high ^ highCheck) !== 0xff) {
    fail(input, `${path}.block`, "the length of a stored block and its complement differ");
  }
  let left = low | (high << 8);
  while (left > 0) {
    yield* need(input, 1, path);
    const part = Math.min(left, input.available);
    yield* window.room(part);
    window.bytes.set(input.take(part), window.at);
    window.at += part;
    left -= part;
  }
}

/** The two codes that a block of type 2 starts with (RFC 1951, 3.2.7). */
function* readCodes(bits: Bits, path: string): Steps<Codes> {
  const { input } = bits;
  // Near the end of the input there may be less than the longest header; then reading beyond it shows below.
  while (input.available < headerBytes && !input.ended) yield undefined;
  const where = `${path}.block.codes`;
  const literalCount = bits.take(5) + 257;
  const distanceCount = bits.take(5) + 1;
  const codeLengthCount = bits.take(4) + 4;
  if (literalCount > 286 || distanceCount > 30) fail(input, where, "a block has more codes than there are symbols");
  const codeLengths = new Uint8Array(19);
  for (let i = 0; i < codeLengthCount; i++) codeLengths[codeLengthOrder[i] as number] = bits.take(3);
  const table = huffmanTable(codeLengths, codeLengthSymbols, true);
  if (input.at > input.end) throw truncatedAt(input, path);
  if (!table) return fail(input, where, "the code lengths are no complete prefix code");
  const lengths = readLengths(bits, table, literalCount + distanceCount);
  if (input.at > input.end) throw truncatedAt(input, path);
  if (!lengths) return fail(input, where, "the run of code lengths does not fit the codes");
  if (lengths[256] === 0) fail(input, where, "a block has no code for its end");
  const literals = huffmanTable(lengths.subarray(0, literalCount), literalSymbols, false);
  const distances = huffmanTable(lengths.subarray(literalCount), distanceSymbols, false);
  if (!literals || !distances) return fail(input, where, "the lengths are no complete prefix code");
  return { literals, distances };
}

function truncatedAt(input: Input, path: string): CodecError {
  input.at = input.end;
  return truncated(input, path);
}

/** Code lengths, some of them as runs; undefined where a code or run is not valid. */
function readLengths(bits: Bits, table: HuffmanTable, count: number): Uint8Array | undefined {
  const lengths = new Uint8Array(count);
  const { input } = bits;
  for (let at = 0; at < count && input.at <= input.end; ) {
    while (bits.count < 7) {
      bits.held |= (input.bytes[input.at++] as number) << bits.count;
      bits.count += 8;
    }
    const entry = table.entries[bits.held & ((1 << table.bits) - 1)] as number;
    if (entry === 0) return undefined;
    bits.held >>>= entry & 15;
    bits.count -= entry & 15;
    const symbol = entry >>> 10;
    if (symbol < 16) {
      lengths[at++] = symbol;
      continue;
    }
    if (symbol === 16 && at === 0) return undefined;
    const value = symbol === 16 ? (lengths[at - 1] as number) : 0;
    const run = symbol === 16 ? 3 + bits.take(2) : symbol === 17 ? 3 + bits.take(3) : 11 + bits.take(7);
    if (run > count - at) return undefined;
    lengths.fill(value, at, at + run);
    at += run;
  }
  return lengths;
}

/** The literals and matches of a block, up to its end. */
function* symbols(bits: Bits, window: Window, codes: Codes, path: string): Steps {
  const { input } = bits;
  for (;;) {
    yield* window.room(stepBytes);
    const end = decodeSymbols(bits, input.end - symbolBytes, window, codes);
    if (end === "block-end") return;
    if (end === "output-full") continue;
    if (end !== "input-short") failSymbol(input, end, path);
    if (!input.ended) yield undefined;
    else if (tail(bits, window, codes, path)) return;
  }
}

/** The last bytes of the input, decoded out of a copy with room behind it. True at the end of the block. */
function tail(bits: Bits, window: Window, codes: Codes, path: string): boolean {
  const { input } = bits;
  const { bytes, at, end } = input;
  const left = end - at;
  const padded = new Uint8Array(left + 2 * symbolBytes);
  padded.set(bytes.subarray(at, end));
  input.bytes = padded;
  input.at = 0;
  const result = decodeSymbols(bits, left, window, codes);
  const used = input.at;
  input.bytes = bytes;
  input.at = at + Math.min(used, left);
  if (used > left || result === "input-short") throw truncatedAt(input, path);
  if (result === "output-full") return false;
  if (result !== "block-end") failSymbol(input, result, path);
  return true;
}

function failSymbol(input: Input, end: "bad-code" | "bad-distance", path: string): never {
  const what =
    end === "bad-code" ? "the data has a code that stands for nothing" : "a match refers to data before the start";
  return fail(input, `${path}.block`, what);
}

/**
 * Decodes symbols while `at < inputSafe` and there is room for a match. Up to `symbolBytes` are read in one go.
 * `held` has at most 31 bits: it is filled by two bytes whenever fewer than 15 are there.
 */
function decodeSymbols(bits: Bits, inputSafe: number, window: Window, codes: Codes): SymbolsEnd {
  const { input } = bits;
  const bytes = input.bytes;
  const output = window.bytes;
  const outputSafe = output.length - longestMatch;
  const literals = codes.literals.entries;
  const literalMask = (1 << codes.literals.bits) - 1;
  const distances = codes.distances.entries;
  const distanceMask = (1 << codes.distances.bits) - 1;
  let at = input.at;
  let out = window.at;
  let { held, count } = bits;
  let end: SymbolsEnd | undefined;
  while (end === undefined) {
    if (at > inputSafe) {
      end = "input-short";
      break;
    }
    if (out > outputSafe) {
      end = "output-full";
      break;
    }
    if (count < 15) {
      held |= ((bytes[at] as number) | ((bytes[at + 1] as number) << 8)) << count;
      at += 2;
      count += 16;
    }
    let entry = literals[held & literalMask] as number;
    if ((entry & kindMask) === kindSubtable) {
      held >>>= entry & 15;
      count -= entry & 15;
      entry = literals[(entry >>> 10) + (held & ((1 << ((entry >> 4) & 15)) - 1))] as number;
    }
    held >>>= entry & 15;
    count -= entry & 15;
    if ((entry & kindMask) === kindLiteral) {
      if (entry === 0) end = "bad-code";
      output[out++] = entry >>> 10;
      continue;
    }
    if ((entry & kindMask) === kindEnd) {
      end = "block-end";
      break;
    }
    if (count < 15) {
      held |= ((bytes[at] as number) | ((bytes[at + 1] as number) << 8)) << count;
      at += 2;
      count += 16;
    }
    let extra = (entry >> 4) & 15;
    const length = (entry >>> 10) + (held & ((1 << extra) - 1));
    held >>>= extra;
    count -= extra;
    if (count < 15) {
      held |= ((bytes[at] as number) | ((bytes[at + 1] as number) << 8)) << count;
      at += 2;
      count += 16;
    }
    entry = distances[held & distanceMask] as number;
    if ((entry & kindMask) === kindSubtable) {
      held >>>= entry & 15;
      count -= entry & 15;
      entry = distances[(entry >>> 10) + (held & ((1 << ((entry >> 4) & 15)) - 1))] as number;
    }
    held >>>= entry & 15;
    count -= entry & 15;
    if (count < 15) {
      held |= ((bytes[at] as number) | ((bytes[at + 1] as number) << 8)) << count;
      at += 2;
      count += 16;
    }
    extra = (entry >> 4) & 15;
    const distance = (entry >>> 10) + (held & ((1 << extra) - 1));
    held >>>= extra;
    count -= extra;
    if ((entry & kindMask) !== kindBase || (entry & 15) === 0) {
      end = "bad-code";
    } else if (distance > out) {
      end = "bad-distance";
    } else {
      copyMatch(output, out, distance, length);
      out += length;
    }
  }
  input.at = at;
  window.at = out;
  bits.held = held;
  bits.count = count;
  bits.unread();
  return end;
}
