// The codes of DEFLATE blocks, and how a block describes its own. Source: RFC 1951, 3.2.5 to 3.2.7.
import { CodecError } from "../errors.js";
import { type Input, type Steps, truncated } from "../steps.js";
import { type HuffmanTable, huffmanTable, kindBase, kindEnd, kindLiteral } from "./huffman.js";

export const longestMatch = 258;
/** A block header with code lengths takes at most 14 + 19·3 + 320·14 bits. */
const headerBytes = 600;
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

/** The codes of a block. */
export interface Codes {
  readonly literals: HuffmanTable;
  readonly distances: HuffmanTable;
}

let fixed: Codes | undefined;

/** The codes of blocks of type 1 (RFC 1951, 3.2.6), made when first needed. */
export function fixedCodes(): Codes {
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

/** Bits that are read but not used yet; whenever more input may come, fewer than 8. Bits above `count` are zero. */
export class Bits {
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

/** Throws `MALFORMED_DATA` for where the input stands. */
export function fail(input: Input, path: string, what: string): never {
  throw new CodecError("MALFORMED_DATA", what, { path, offset: input.offset });
}

/** The two codes that a block of type 2 starts with (RFC 1951, 3.2.7). */
export function* readCodes(bits: Bits, path: string): Steps<Codes> {
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

/** The error for an input whose end was passed. */
export function truncatedAt(input: Input, path: string): CodecError {
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
