import { CodecError } from "../errors.js";
import { type Input, need, type Steps } from "../steps.js";

/** A number of 1…9 bytes, 7 bits in each, lowest first (xz-file-format.txt, 1.2). */
const longestBytes = 9;

/** Decodes the number at `at`; undefined where `bytes` ends first. Throws `CodecError`. `base` is the offset of `bytes[0]`. */
export function decodeVli(
  bytes: Uint8Array,
  at: number,
  path: string,
  base: number,
): { readonly value: number; readonly size: number } | undefined {
  let value = 0;
  for (let i = 0; i < longestBytes; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte & 0x80) continue;
    const context = { path, offset: base + at };
    if (byte === 0 && i > 0) {
      throw new CodecError("MALFORMED_HEADER", "the number is longer than it must be", context);
    }
    if (value > Number.MAX_SAFE_INTEGER) {
      throw new CodecError("LIMIT_RANGE", "the number is larger than this program can address", context);
    }
    return { value, size: i + 1 };
  }
  throw new CodecError("MALFORMED_HEADER", "the number is longer than 9 bytes", { path, offset: base + at });
}

/** Reads a number, and gives its bytes for checksums. */
export function* readVli(input: Input, path: string): Steps<{ readonly value: number; readonly bytes: Uint8Array }> {
  for (;;) {
    yield* need(input, 1, path);
    const found = decodeVli(input.bytes.subarray(input.at, input.end), 0, path, input.offset);
    if (found) return { value: found.value, bytes: input.take(found.size) };
    yield* need(input, input.available + 1, path);
  }
}
