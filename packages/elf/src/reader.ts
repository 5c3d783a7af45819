import { type ByteSource, viewOf } from "@sextant/bytes";
import { ElfError } from "./errors.js";
import type { Layout, Place } from "./layout.js";

/** Fields of records in one byte order. */
export interface Reader {
  readonly layout: Layout;
  /** A field of the record that starts at `at`. Throws `RangeError` outside of the bytes. */
  field(bytes: Uint8Array, at: number, place: Place): number;
}

/** Part of the file that is mapped into memory. Offsets and addresses are bytes. */
export interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly fileSize: number;
}

/** A reader of one width and byte order. */
export function readerOf(layout: Layout, littleEndian: boolean): Reader {
  return {
    layout,
    field(bytes, at, [offset, width]) {
      const view = viewOf(bytes);
      if (width === 2) return view.getUint16(at + offset, littleEndian);
      if (width === 4) return view.getUint32(at + offset, littleEndian);
      // What does not fit a number is behind every file, and is refused where it is used.
      return Number(view.getBigUint64(at + offset, littleEndian));
    },
  };
}

/** Text up to the next NUL, a character a byte. */
export function textAt(bytes: Uint8Array, at: number): string {
  const end = bytes.indexOf(0, at);
  return String.fromCharCode(...bytes.subarray(at, end < 0 ? bytes.length : end));
}

/** An error about a place of the file. */
export function malformed(
  source: ByteSource,
  code: ConstructorParameters<typeof ElfError>[0],
  message: string,
  offset: number,
): ElfError {
  return new ElfError(code, message, { path: "elf", offset, source: source.name });
}
