import { type Name, nameFromBytes } from "@sextant/tree";
import { ArchiveError } from "../errors.js";

/** Records of a pax header in their order; a key may come several times. Values are bytes. */
export type PaxRecords = readonly (readonly [key: Name, value: Uint8Array])[];

const space = 0x20;
const newline = 0x0a;
const equals = 0x3d;
const longestLengthDigits = 10;

/**
 * Parses the records `LENGTH KEY=VALUE\n` of a pax header, where LENGTH counts the whole record in decimal. Values may hold
 * any bytes. `base` is the offset of the first record. Throws `ArchiveError`.
 */
export function parsePaxRecords(bytes: Uint8Array, base: number): PaxRecords {
  const records: (readonly [Name, Uint8Array])[] = [];
  for (let at = 0; at < bytes.length; ) {
    const fail = (what: string): never => {
      throw new ArchiveError("MALFORMED_FIELD", what, { path: "tar.pax.record", offset: base + at });
    };
    // Some writers fill the rest of the block with NULs and count them.
    if (bytes[at] === 0) break;
    let length = 0;
    let position = at;
    for (; bytes[position] !== space; position++) {
      const digit = (bytes[position] ?? 0) - 0x30;
      if (digit < 0 || digit > 9 || position - at >= longestLengthDigits) fail("a record has no length");
      length = length * 10 + digit;
    }
    const start = position + 1;
    const end = at + length;
    if (end > bytes.length || end < start + 2) fail(`a record of ${length} bytes does not fit the header`);
    if (bytes[end - 1] !== newline) fail("a record does not end with a newline");
    const separator = bytes.subarray(start, end).indexOf(equals);
    if (separator < 1) fail("a record has no key");
    records.push([
      nameFromBytes(bytes.subarray(start, start + separator)),
      bytes.subarray(start + separator + 1, end - 1),
    ]);
    at = end;
  }
  return records;
}

/** One record; its length counts the digits of the length too. */
export function paxRecord(key: Name, value: Uint8Array): Uint8Array {
  const rest = 1 + key.length + 1 + value.length + 1;
  let digits = 1;
  while (String(rest + digits).length > digits) digits++;
  const head = `${rest + digits} ${key}=`;
  const record = new Uint8Array(rest + digits);
  for (let i = 0; i < head.length; i++) record[i] = head.charCodeAt(i);
  record.set(value, head.length);
  record[record.length - 1] = newline;
  return record;
}

/** A decimal number; `path` names the record. Throws `ArchiveError`. */
export function parseDecimal(value: Uint8Array, path: string, offset: number): number {
  const text = nameFromBytes(value);
  const number = Number(text);
  if (!/^\d+$/.test(text)) throw new ArchiveError("MALFORMED_FIELD", `"${text}" is no number`, { path, offset });
  if (!Number.isSafeInteger(number)) {
    throw new ArchiveError("LIMIT_FIELD", `${text} is larger than this program can handle`, { path, offset });
  }
  return number;
}

const nanosecondDigits = 9;

/** Seconds since 1970 with any number of decimals, rounded down to nanoseconds. Throws `ArchiveError`. */
export function parseTime(
  value: Uint8Array,
  path: string,
  offset: number,
): { readonly mtimeSeconds: number; readonly mtimeNanoseconds: number } {
  const text = nameFromBytes(value);
  const match = /^(-?)(\d{1,15})(?:\.(\d*))?$/.exec(text);
  if (!match) throw new ArchiveError("MALFORMED_FIELD", `"${text}" is no time`, { path, offset });
  const [, sign, whole = "0", fraction = ""] = match;
  const nanoseconds = Number(fraction.slice(0, nanosecondDigits).padEnd(nanosecondDigits, "0"));
  if (sign === "") return { mtimeSeconds: Number(whole), mtimeNanoseconds: nanoseconds };
  // Down, for a negative time, is away from zero.
  const isCut = /[1-9]/.test(fraction.slice(nanosecondDigits));
  const below = nanoseconds + (isCut ? 1 : 0);
  if (below === 0) return { mtimeSeconds: 0 - Number(whole), mtimeNanoseconds: 0 };
  return { mtimeSeconds: -Number(whole) - 1, mtimeNanoseconds: 1e9 - below };
}

/** A time as `parseTime` reads it, with decimals only where there are any. */
export function showTime(seconds: number, nanoseconds: number): string {
  if (nanoseconds === 0) return String(seconds);
  if (seconds >= 0) return `${seconds}.${decimals(nanoseconds)}`;
  const whole = -(seconds + 1);
  return `-${whole}.${decimals(1e9 - nanoseconds)}`;
}

const decimals = (nanoseconds: number) => String(nanoseconds).padStart(nanosecondDigits, "0").replace(/0+$/, "");
