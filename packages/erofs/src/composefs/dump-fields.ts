import { type Name, nameToBytes, nameToText, type Xattr } from "@sextant/tree";
import type { ErofsError } from "../errors.js";
import { maxNameBytes } from "../layout.js";

/** Makes the error for a line. */
export type Fail = (message: string) => ErofsError;

const escapes: Readonly<Record<string, string>> = { "\\": "\\", n: "\n", r: "\r", t: "\t" };
const escapePattern = /\\(?:x([0-9a-fA-F]{2})|([\\nrt])|.?.?.?)/gs;

/** The bytes that a field stands for, one character each. */
export function unescapeBytes(text: string, fail: Fail): Name {
  if (!text.includes("\\")) return text as Name;
  return text.replace(escapePattern, (whole, hex: string | undefined, letter: string | undefined) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    const plain = letter === undefined ? undefined : escapes[letter];
    if (plain === undefined) throw fail(`"${nameToText(whole as Name)}" does not begin with an escape`);
    return plain;
  }) as Name;
}

/** The same for what C takes for a string. */
export function unescapeText(text: string, what: string, fail: Fail): Name {
  const name = unescapeBytes(text, fail);
  if (name.includes("\0")) throw fail(`the ${what} has a NUL byte`);
  return name;
}

/** A field that `-` leaves out. */
export function optional<T>(text: string, read: (text: string) => T): T | undefined {
  return text === "-" ? undefined : read(text);
}

/** A whole number up to `most`, decimal unless told otherwise. */
export function integer(text: string, what: string, most: number, fail: Fail, base: 8 | 10 = 10): number {
  const value = (base === 8 ? /^[0-7]+$/ : /^[0-9]+$/).test(text) ? Number.parseInt(text, base) : Number.NaN;
  if (Number.isSafeInteger(value) && value <= most) return value;
  throw fail(`the ${what} "${nameToText(text as Name)}" is no number up to ${most}`);
}

/** `SECONDS.NANOSECONDS`: two numbers, no fraction. */
export function time(text: string, fail: Fail): { readonly seconds: number; readonly nanoseconds: number } {
  const [, sign, seconds, nanoseconds] = /^(-?)([0-9]+)\.([0-9]+)$/.exec(text) ?? [];
  if (seconds === undefined || nanoseconds === undefined) {
    throw fail(`"${nameToText(text as Name)}" is no time in seconds and nanoseconds`);
  }
  const whole = integer(seconds, "time", Number.MAX_SAFE_INTEGER, fail);
  return {
    seconds: sign === "-" && whole > 0 ? -whole : whole,
    nanoseconds: integer(nanoseconds, "time", 999_999_999, fail),
  };
}

/** `NAME=VALUE` */
export function xattr(text: string, fail: Fail): Xattr {
  const equals = text.indexOf("=");
  if (equals < 0) throw fail(`the xattr "${nameToText(text as Name)}" has no "="`);
  const name = unescapeText(text.slice(0, equals), "name of an xattr", fail);
  if (name === "" || name.length > maxNameBytes) throw fail(`the name of an xattr has ${name.length} bytes`);
  return { name, value: nameToBytes(unescapeBytes(text.slice(equals + 1), fail)) };
}
