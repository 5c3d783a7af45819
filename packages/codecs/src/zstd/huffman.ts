// Huffman-coded literals. Source: RFC 8878, 4.2.
import { fseTable, readDistribution } from "./fse.js";
import { huffmanLongestBits, weightsLargestLog } from "./layout.js";

/** A table of `1 << bits` entries: the symbol in bits 8–15, the length of its code in bits 0–7. */
export interface HuffmanTable {
  readonly bits: number;
  readonly entries: Uint16Array;
}

/** A table and where its description ended. */
export interface HuffmanDescription {
  readonly table: HuffmanTable;
  readonly end: number;
}

const symbolLimit = 256;

/** Position, in bits, behind the last bit of a stream that is read backwards; undefined where its end mark is missing. */
export function backwardStart(bytes: Uint8Array, end: number): number | undefined {
  const last = bytes[end - 1] as number;
  return last === 0 ? undefined : end * 8 - 8 + (31 - Math.clz32(last));
}

/** Reads a tree's description (4.2.1). Undefined where it is not valid. */
export function readHuffman(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  end: number,
): HuffmanDescription | undefined {
  if (at >= end) return undefined;
  const header = bytes[at] as number;
  const weights = new Uint8Array(symbolLimit);
  const packed = header < 128 ? header : (header - 127 + 1) >> 1;
  const after = at + 1 + packed;
  if (after > end) return undefined;
  let count: number | undefined;
  if (header < 128) {
    count = readWeights(bytes, view, at + 1, after, weights);
  } else {
    count = header - 127;
    for (let i = 0; i < count; i++) {
      const pair = bytes[at + 1 + (i >> 1)] as number;
      weights[i] = i & 1 ? pair & 15 : pair >> 4;
    }
  }
  const table = count === undefined ? undefined : tableOf(weights, count);
  return table && { table, end: after };
}

/** Weights that are FSE-coded themselves, by two states in turn (4.2.1.2). Returns their number. */
function readWeights(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  end: number,
  weights: Uint8Array,
): number | undefined {
  const distribution = readDistribution(view, at, end, huffmanLongestBits + 2, weightsLargestLog);
  if (!distribution || distribution.end >= end) return undefined;
  const { log, symbols, bits, bases } = fseTable(distribution.counts, distribution.log);
  const start = distribution.end * 8;
  let position = backwardStart(bytes, end);
  if (position === undefined) return undefined;
  const states = [0, 0];
  const needs = [log, log];
  for (let count = 0; count < symbolLimit; count++) {
    const which = count & 1;
    const need = needs[which] as number;
    position -= need;
    if (position < start) return count;
    const read = (view.getUint32(position >> 3, true) >>> (position & 7)) & ((1 << need) - 1);
    const state = (states[which] as number) + read;
    weights[count] = symbols[state] as number;
    states[which] = bases[state] as number;
    needs[which] = bits[state] as number;
  }
  return undefined;
}

/** The table for `count` weights and the one that follows from them (4.2.1). */
function tableOf(weights: Uint8Array, count: number): HuffmanTable | undefined {
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const weight = weights[i] as number;
    if (weight > huffmanLongestBits) return undefined;
    if (weight > 0) sum += 1 << (weight - 1);
  }
  if (sum === 0 || count >= symbolLimit) return undefined;
  const bits = 32 - Math.clz32(sum);
  const left = (1 << bits) - sum;
  if (bits > huffmanLongestBits || (left & (left - 1)) !== 0) return undefined;
  weights[count] = 32 - Math.clz32(left);
  const entries = new Uint16Array(1 << bits);
  let position = 0;
  let longest = 0;
  for (let weight = 1; weight <= bits; weight++) {
    for (let symbol = 0; symbol <= count; symbol++) {
      if (weights[symbol] !== weight) continue;
      if (weight === 1) longest++;
      const next = position + (1 << (weight - 1));
      entries.fill((symbol << 8) | (bits + 1 - weight), position, next);
      position = next;
    }
  }
  // Codes of the greatest length come in pairs.
  return longest < 2 || longest % 2 !== 0 ? undefined : { bits, entries };
}

/**
 * Decodes one stream (4.2.2) of `end - start` bytes into all of `output[from, to)`. False where it does not hold exactly
 * these. There must be 8 readable bytes before `start`.
 */
export function decodeStream(
  table: HuffmanTable,
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  output: Uint8Array,
  from: number,
  to: number,
): boolean {
  if (end <= start) return false;
  let position = backwardStart(bytes, end);
  if (position === undefined) return false;
  for (let out = from; out < to && position > start * 8; out += batchSymbols) {
    position = decodeSome(table, view, position, start * 8, output, out, Math.min(out + batchSymbols, to));
  }
  return position === start * 8;
}

/** Even, and small enough for V8 to see whole calls before it optimizes: code that it optimizes within a loop is left on every call. */
const batchSymbols = 1024;

/** Decodes symbols until `to` or until the bits end before `startBit`. Returns the position of the bits that are left. */
function decodeSome(
  { bits, entries }: HuffmanTable,
  view: DataView,
  from: number,
  startBit: number,
  output: Uint8Array,
  outputAt: number,
  to: number,
): number {
  const drop = 32 - bits;
  let position = from;
  let out = outputAt;
  // 25 bits or more at a time hold two codes.
  while (out < to && position > startBit) {
    const at = (position - 25) >> 3;
    const window = view.getInt32(at, true) << (32 - (position - at * 8));
    const first = entries[window >>> drop] as number;
    output[out] = first >> 8;
    position -= first & 255;
    if (out + 1 < to) {
      const second = entries[(window << (first & 255)) >>> drop] as number;
      output[out + 1] = second >> 8;
      position -= second & 255;
    }
    out += 2;
  }
  return out < to ? -1 : position;
}
