import { BytesError } from "./errors.js";
import { type Field, u8, u16be, u16le, u32be, u32le, u64be, u64le, viewOf } from "./record.js";

/**
 * Reads fields one after another out of bytes that are already here, and never past their end.
 * Throws `BytesError` `MALFORMED_TRUNCATED` with the path and the absolute offset.
 */
export interface Cursor {
  /** Position of the next field, from the start of the bytes. Set it with `seek`. */
  readonly at: number;
  /** Absolute offset of the next field in the source. */
  readonly offset: number;
  readonly remaining: number;
  seek(at: number): void;
  skip(count: number, path?: string): void;
  take<T>(field: Field<T>, path?: string): T;
  bytes(count: number, path?: string): Uint8Array;
  u8(path?: string): number;
  u16le(path?: string): number;
  u32le(path?: string): number;
  u64le(path?: string): bigint;
  u16be(path?: string): number;
  u32be(path?: string): number;
  u64be(path?: string): bigint;
}

/** A cursor over `bytes`. `path` names the structure in errors; `base` is the absolute offset of `bytes[0]`. */
export function cursor(bytes: Uint8Array, path: string, base = 0): Cursor {
  const view = viewOf(bytes);
  let at = 0;
  const claim = (count: number, field?: string) => {
    // A count may come from the input, by a subtraction that went below zero too.
    if (!Number.isSafeInteger(count) || count < 0 || count > bytes.length - at) {
      const name = field === undefined ? path : `${path}.${field}`;
      throw new BytesError("MALFORMED_TRUNCATED", `${name} needs ${count} bytes, ${bytes.length - at} are left`, {
        path: name,
        offset: base + at,
      });
    }
    const start = at;
    at += count;
    return start;
  };
  const take = <T>(field: Field<T>, name?: string) => field.get(view, claim(field.size, name));
  return {
    get at() {
      return at;
    },
    get offset() {
      return base + at;
    },
    get remaining() {
      return bytes.length - at;
    },
    seek(to) {
      if (!Number.isSafeInteger(to) || to < 0 || to > bytes.length) {
        throw new BytesError("MALFORMED_TRUNCATED", `${path} points to byte ${to} of ${bytes.length}`, {
          path,
          offset: base + at,
        });
      }
      at = to;
    },
    skip: (count, name) => void claim(count, name),
    take,
    bytes(count, name) {
      const start = claim(count, name);
      return bytes.subarray(start, start + count);
    },
    u8: (name) => take(u8, name),
    u16le: (name) => take(u16le, name),
    u32le: (name) => take(u32le, name),
    u64le: (name) => take(u64le, name),
    u16be: (name) => take(u16be, name),
    u32be: (name) => take(u32be, name),
    u64be: (name) => take(u64be, name),
  };
}
