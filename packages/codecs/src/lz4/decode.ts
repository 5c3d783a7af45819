// LZ4 blocks without a frame. Source: doc/lz4_Block_format.md of LZ4 1.10.
import { CodecError, type CodecErrorCode } from "../errors.js";
import { copyMatch } from "../window.js";

/** How an LZ4 block is decoded. */
export interface Lz4DecodeOptions {
  /**
   * The output may be shorter than the content, and something may follow what fills it. Default false: that is
   * `LIMIT_OUTPUT`.
   */
  readonly partial?: boolean | undefined;
}

/** No match is shorter. */
const minMatchBytes = 4;
/** A length of this many in a token is followed by bytes that are added to it. */
const longLength = 15;
/** The byte that one more follows. */
const lengthGoesOn = 255;

/** Where the input stands between the parts of a sequence. */
interface Place {
  readonly input: Uint8Array;
  at: number;
}

/**
 * Decodes a block into `output` and gives how many bytes came out. The input ends with the block, unless it is `partial`.
 * Throws `CodecError`, with offsets in the input.
 */
export function decodeLz4(input: Uint8Array, output: Uint8Array, options: Lz4DecodeOptions = {}): number {
  const { partial = false } = options;
  const place: Place = { input, at: 0 };
  for (let out = 0; ; ) {
    const tokenAt = place.at;
    const token = readByte(place, "token");
    const literals = readLength(place, token >> 4, "literals");
    const room = output.length - out;
    if (literals > input.length - place.at) {
      const what = `${literals} literals are announced, and ${input.length - place.at} bytes are left`;
      fail("MALFORMED_TRUNCATED", what, "literals", input.length);
    }
    if (literals > room && !partial) failFull(output, tokenAt);
    const fitting = Math.min(literals, room);
    copyLiterals(output, out, input, place.at, fitting);
    place.at += literals;
    out += fitting;
    if (place.at === input.length || (partial && out === output.length)) return out;

    const distance = readDistance(place, out);
    const length = readLength(place, token & longLength, "match") + minMatchBytes;
    if (length > output.length - out && !partial) failFull(output, tokenAt);
    const matched = Math.min(length, output.length - out);
    copyMatch(output, out, distance, matched);
    out += matched;
    if (matched < length) return out;
  }
}

function fail(code: CodecErrorCode, what: string, part: string, offset: number): never {
  throw new CodecError(code, what, { path: `lz4.${part}`, offset });
}

function failFull(output: Uint8Array, offset: number): never {
  throw new CodecError("LIMIT_OUTPUT", `the content has more than ${output.length} bytes`, { path: "lz4", offset });
}

function readByte(place: Place, part: string): number {
  const byte = place.input[place.at];
  if (byte === undefined) fail("MALFORMED_TRUNCATED", `the block ends before its ${part} does`, part, place.at);
  place.at++;
  return byte;
}

/** A length whose first part is in a token. It cannot pass 2^53: each byte of the input adds 255 at most. */
function readLength(place: Place, first: number, part: string): number {
  let length = first;
  if (first < longLength) return length;
  for (;;) {
    const byte = readByte(place, part);
    length += byte;
    if (byte !== lengthGoesOn) return length;
  }
}

function readDistance(place: Place, out: number): number {
  const { at } = place;
  const low = readByte(place, "distance");
  const distance = low | (readByte(place, "distance") << 8);
  if (distance === 0) fail("MALFORMED_DATA", "a match has the distance 0", "distance", at);
  if (distance > out) {
    const what = `a match refers to data ${distance} bytes back, and ${out} are there`;
    fail("MALFORMED_DATA", what, "distance", at);
  }
  return distance;
}

/** Short runs byte after byte: a call costs more than they do. */
function copyLiterals(output: Uint8Array, out: number, input: Uint8Array, at: number, count: number): void {
  if (count > 32) output.set(input.subarray(at, at + count), out);
  else for (let i = 0; i < count; i++) output[out + i] = input[at + i] as number;
}
