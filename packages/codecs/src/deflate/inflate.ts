// Raw DEFLATE. Source: RFC 1951.
import { type Input, need, type Steps } from "../steps.js";
import { copyMatch, type Window } from "../window.js";
import { Bits, type Codes, fail, fixedCodes, longestMatch, readCodes, truncatedAt } from "./codes.js";
import { kindBase, kindEnd, kindLiteral, kindMask, kindSubtable } from "./huffman.js";

/** The history that DEFLATE matches refer to. */
export const deflateWindowBytes = 32768;
/** Bytes that one literal or match takes at most, with what the bit buffer reads ahead. */
const symbolBytes = 12;
const stepBytes = 256 * 1024;

type SymbolsEnd = "block-end" | "output-full" | "input-short" | "bad-code" | "bad-distance";

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

/** Bytes that `held` may have read beyond a symbol that it still holds bits of. */
const aheadBytes = 3;

/** The last bytes of the input, decoded out of a copy with room behind it. True at the end of the block. */
function tail(bits: Bits, window: Window, codes: Codes, path: string): boolean {
  const { input } = bits;
  const { bytes, at, end } = input;
  const left = end - at;
  const padded = new Uint8Array(left + 2 * symbolBytes);
  padded.set(bytes.subarray(at, end));
  input.bytes = padded;
  input.at = 0;
  const result = decodeSymbols(bits, left + aheadBytes, window, codes);
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
