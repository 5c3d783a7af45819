import { BytesError } from "./errors.js";
import { toHex } from "./source.js";

/**
 * One kind of fixed-size field: its reader and writer and how it looks in a dump. `size` is in bytes.
 * `get` and `set` trust that `at + size` is inside the view; `record` and `Cursor` check.
 */
export interface Field<T> {
  readonly size: number;
  get(view: DataView, at: number): T;
  set(view: DataView, at: number, value: T): void;
  show(value: T): string;
}

const number = (size: number, get: Field<number>["get"], set: Field<number>["set"]): Field<number> => ({
  size,
  get,
  set(view, at, value) {
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** (8 * size)) {
      throw new RangeError(`${value} does not fit ${size} unsigned bytes`);
    }
    set(view, at, value);
  },
  show: (value) => String(value),
});

const big = (get: Field<bigint>["get"], set: Field<bigint>["set"]): Field<bigint> => ({
  size: 8,
  get,
  set(view, at, value) {
    if (value < 0n || value >= 1n << 64n) throw new RangeError(`${value} does not fit 8 unsigned bytes`);
    set(view, at, value);
  },
  show: (value) => String(value),
});

/** An unsigned byte. */
export const u8: Field<number> = number(
  1,
  (view, at) => view.getUint8(at),
  (view, at, value) => view.setUint8(at, value),
);
/** An unsigned integer of 2 bytes, least significant first. */
export const u16le: Field<number> = number(
  2,
  (view, at) => view.getUint16(at, true),
  (view, at, value) => view.setUint16(at, value, true),
);
/** An unsigned integer of 4 bytes, least significant first. */
export const u32le: Field<number> = number(
  4,
  (view, at) => view.getUint32(at, true),
  (view, at, value) => view.setUint32(at, value, true),
);
/** An unsigned integer of 8 bytes, least significant first; narrow it with `toSafeNumber`. */
export const u64le: Field<bigint> = big(
  (view, at) => view.getBigUint64(at, true),
  (view, at, value) => view.setBigUint64(at, value, true),
);
/** An unsigned integer of 2 bytes, most significant first. */
export const u16be: Field<number> = number(
  2,
  (view, at) => view.getUint16(at, false),
  (view, at, value) => view.setUint16(at, value, false),
);
/** An unsigned integer of 4 bytes, most significant first. */
export const u32be: Field<number> = number(
  4,
  (view, at) => view.getUint32(at, false),
  (view, at, value) => view.setUint32(at, value, false),
);
/** An unsigned integer of 8 bytes, most significant first; narrow it with `toSafeNumber`. */
export const u64be: Field<bigint> = big(
  (view, at) => view.getBigUint64(at, false),
  (view, at, value) => view.setBigUint64(at, value, false),
);

/** `size` bytes as they are. Reading copies; writing refuses any other length. */
export function bytesField(size: number): Field<Uint8Array> {
  return {
    size,
    get: (view, at) => new Uint8Array(view.buffer, view.byteOffset + at, size).slice(),
    set(view, at, value) {
      if (value.length !== size) throw new RangeError(`${value.length} bytes do not fit a field of ${size}`);
      new Uint8Array(view.buffer, view.byteOffset + at, size).set(value);
    },
    show: toHex,
  };
}

/**
 * Text in a field of `size` bytes, one byte a character (1…255), filled up with NUL; reading stops at the first NUL.
 * Writing throws `RangeError` where the text is longer or has other characters.
 */
export function textField(size: number): Field<string> {
  return {
    size,
    get(view, at) {
      let text = "";
      for (let i = 0; i < size; i++) {
        const byte = view.getUint8(at + i);
        if (byte === 0) break;
        text += String.fromCharCode(byte);
      }
      return text;
    },
    set(view, at, value) {
      if (value.length > size) throw new RangeError(`${JSON.stringify(value)} is longer than ${size} bytes`);
      if (!/^[\x01-\xff]*$/.test(value)) throw new RangeError(`${JSON.stringify(value)} is not of bytes 1…255`);
      for (let i = 0; i < size; i++) view.setUint8(at + i, i < value.length ? value.charCodeAt(i) : 0);
    },
    show: (value) => JSON.stringify(value),
  };
}

/** A decoded field and the bytes it came from: what a dump is made of. Offsets are absolute, `end` is exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly path: string;
  readonly value: string;
}

type Shape = Readonly<Record<string, Field<never>>>;
/** The object that a field table describes. */
export type RecordOf<R> =
  R extends RecordType<infer S> ? { readonly [K in keyof S]: S[K] extends Field<infer T> ? T : never } : never;
type ValueOf<S> = { readonly [K in keyof S]: S[K] extends Field<infer T> ? T : never };

/** A record of fixed size, made of fields in order. Records nest: a record is itself a field. */
export interface RecordType<S> extends Field<ValueOf<S>> {
  readonly name: string;
  /** Offset of each field from the start of the record, in bytes. */
  readonly offsets: { readonly [K in keyof S]: number };
  /** Decodes the record that starts at `at`. `base` is the absolute offset of `bytes[0]`, for errors. */
  decode(bytes: Uint8Array, at?: number, base?: number): ValueOf<S>;
  /** The record's bytes. Throws `RangeError` where a value does not fit its field. */
  encode(value: ValueOf<S>): Uint8Array;
  /** Each field with its absolute offsets; of a nested record, each of its fields: `outer.inner.field`. */
  spans(bytes: Uint8Array, at?: number, base?: number): Span[];
}

const isRecord = (field: Field<unknown>): field is RecordType<unknown> & Field<unknown> => "spans" in field;

/** Declares a record once; reader, writer, size, type and dump follow from it. */
export function record<const S extends Readonly<Record<string, unknown>>>(name: string, shape: S): RecordType<S> {
  const fields = Object.entries(shape as unknown as Shape) as [string, Field<unknown>][];
  const offsets: Record<string, number> = {};
  let size = 0;
  for (const [key, field] of fields) {
    offsets[key] = size;
    size += field.size;
  }
  const get = (view: DataView, at: number) => {
    const value: Record<string, unknown> = {};
    let position = at;
    for (const [key, field] of fields) {
      value[key] = field.get(view, position);
      position += field.size;
    }
    return value as ValueOf<S>;
  };
  const set = (view: DataView, at: number, value: ValueOf<S>) => {
    let position = at;
    for (const [key, field] of fields) {
      try {
        field.set(view, position, (value as Record<string, unknown>)[key]);
      } catch (cause) {
        throw new RangeError(`${name}.${key}: ${(cause as Error).message}`, { cause });
      }
      position += field.size;
    }
  };
  const type: RecordType<S> = {
    name,
    size,
    offsets: offsets as RecordType<S>["offsets"],
    get,
    set,
    show: (value) =>
      fields.map(([key, field]) => `${key}=${field.show((value as Record<string, unknown>)[key])}`).join(" "),
    decode(bytes, at = 0, base = 0) {
      if (at < 0 || at + size > bytes.length) {
        throw new BytesError(
          "MALFORMED_TRUNCATED",
          `${name} needs ${size} bytes, ${Math.max(0, bytes.length - at)} are left`,
          { path: name, offset: base + at },
        );
      }
      return get(viewOf(bytes), at);
    },
    encode(value) {
      const bytes = new Uint8Array(size);
      set(viewOf(bytes), 0, value);
      return bytes;
    },
    spans(bytes, at = 0, base = 0) {
      const value = type.decode(bytes, at, base) as Record<string, unknown>;
      return fields.flatMap(([key, field]) => {
        const path = `${name}.${key}`;
        const offset = at + (offsets[key] ?? 0);
        if (isRecord(field)) {
          return field
            .spans(bytes, offset, base)
            .map((span) => ({ ...span, path: path + span.path.slice(field.name.length) }));
        }
        return [{ start: base + offset, end: base + offset + field.size, path, value: field.show(value[key]) }];
      });
    },
  };
  return type;
}

/** A `DataView` over exactly these bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A u64 as a number; throws `BytesError` `LIMIT_RANGE` from 2^53 on. `path` and `offset` go into the error. */
export function toSafeNumber(value: bigint, path: string, offset?: number): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < 0n) {
    throw new BytesError("LIMIT_RANGE", `${path} is ${value}, more than this program can address`, { path, offset });
  }
  return Number(value);
}
