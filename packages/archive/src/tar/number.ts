import { ArchiveError } from "../errors.js";

const space = 0x20;
const zero = 0x30;
const binaryPositive = 0x80;
const binaryNegative = 0xff;

/**
 * A number in a header: octal digits between spaces, ended by a space, NUL or the field's end (an empty field is 0), or GNU's
 * base 256: big endian in all but the first byte, which is 0x80, or 0xff for a negative one. Throws `ArchiveError`.
 */
export function parseNumber(field: Uint8Array, path: string, offset: number): number {
  const first = field[0] as number;
  if (first & 0x80) return parseBinary(field, path, offset);
  let at = 0;
  while (field[at] === space) at++;
  let value = 0;
  let isEmpty = true;
  for (; at < field.length; at++) {
    const digit = (field[at] as number) - zero;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
    isEmpty = false;
  }
  const end = field[at];
  if (end !== undefined && end !== 0 && end !== space) throw malformed(field, path, offset);
  // A field of NULs is 0, one that starts with NUL and goes on is not a number.
  if (isEmpty && field.subarray(at).some((byte) => byte !== 0 && byte !== space)) throw malformed(field, path, offset);
  return value;
}

function parseBinary(field: Uint8Array, path: string, offset: number): number {
  const first = field[0] as number;
  if (first !== binaryPositive && first !== binaryNegative) throw malformed(field, path, offset);
  let value = first === binaryNegative ? -1n : 0n;
  for (const byte of field.subarray(1)) value = (value << 8n) | BigInt(byte);
  if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < BigInt(Number.MIN_SAFE_INTEGER)) {
    throw new ArchiveError("LIMIT_FIELD", `the number ${value} is larger than this program can handle`, {
      path,
      offset,
    });
  }
  return Number(value);
}

function malformed(field: Uint8Array, path: string, offset: number): ArchiveError {
  const text = JSON.stringify(String.fromCharCode(...field));
  return new ArchiveError("MALFORMED_FIELD", `${text} is no number`, { path, offset });
}

/** Octal digits that fill a field but for its last byte, NUL. Undefined where the number is too large or negative. */
export function octal(value: number, bytes: number): Uint8Array | undefined {
  if (value < 0 || value >= 8 ** (bytes - 1)) return undefined;
  const field = new Uint8Array(bytes);
  const digits = value.toString(8).padStart(bytes - 1, "0");
  for (let i = 0; i < digits.length; i++) field[i] = digits.charCodeAt(i);
  return field;
}
