import { TreeError } from "./errors.js";
import { compileGlob } from "./glob.js";
import { type Name, nameFromEscaped, nameFromText, nameToBytes } from "./name.js";
import type { Device } from "./types.js";

/** What to change about the nodes that a pattern fits. What is undefined stays. */
export interface Override {
  /** As `compileGlob` has it. */
  readonly pattern: string;
  readonly uid?: number;
  readonly gid?: number;
  /** 0…0o7777; symlinks keep theirs. */
  readonly mode?: number;
  readonly mtime?: { readonly seconds: number; readonly nanoseconds: number };
  /** Undefined values take the xattr away. */
  readonly xattrs?: readonly { readonly name: Name; readonly value: Uint8Array | undefined }[];
  /** Makes the node a device. Where the pattern is a plain path and nothing is there, the device is made. */
  readonly device?: { readonly kind: Device["kind"]; readonly major: number; readonly minor: number };
}

/** Largest uid and gid: the last number is "no id" (include/linux/uidgid.h). */
const maxId = 0xfffffffe;
/** Linux's device numbers have 12 and 20 bits. */
const maxMajor = 0xfff;
const maxMinor = 0xfffff;

/**
 * Reads a map of overrides. One a line, a pattern and fields; `#` starts a comment line, and a backslash keeps the meaning
 * of a space or `#` in a pattern:
 *
 *     /usr/bin/su      owner=0:0 mode=4755
 *     /usr/bin/ping    xattr:security.capability=0x0100000200200000000000000000000000000000
 *     *.pyc            time=0
 *     /dev/null        device=c:1:3 mode=0666
 *     /usr/lib/secret/ mode=0700 -xattr:user.note
 *
 * Or the same as JSON, `{ "/usr/bin/su": { "owner": "0:0", "mode": "4755", "xattrs": { "user.a": "text", "user.b": null } } }`.
 * `uid=` and `gid=` set one of the two. An xattr's value is `0x` and hexadecimal digits, or text with `\xNN` for bytes.
 *
 * Later overrides win over earlier ones. Throws `TreeError` `MALFORMED_OVERRIDE` with the line or pattern.
 */
export function parseOverrides(text: string): Override[] {
  if (/^\s*\{/.test(text)) return parseJson(text);
  return text.split("\n").flatMap((line, index) => {
    if (/^\s*(#|$)/.test(line)) return [];
    const [pattern = "", ...fields] = line.match(/(?:\\.|[^\s\\])+/g) ?? [];
    return [parseOverride(pattern, fields, `line ${index + 1}`)];
  });
}

function parseJson(text: string): Override[] {
  let all: unknown;
  try {
    all = JSON.parse(text);
  } catch (cause) {
    throw new TreeError("MALFORMED_OVERRIDE", `the overrides are no JSON: ${(cause as Error).message}`, {}, { cause });
  }
  return Object.entries(all as Record<string, unknown>).map(([pattern, value]) => {
    if (typeof value !== "object" || value === null) throw malformed(`"${value}" is no object of fields`, pattern);
    return parseOverride(
      pattern,
      Object.entries(value).flatMap(([key, field]) => jsonField(key, field, pattern)),
      pattern,
    );
  });
}

/** A field of the JSON form in the form of the lines. */
function jsonField(key: string, value: unknown, where: string): string[] {
  if (key === "xattrs" && typeof value === "object" && value !== null) {
    return Object.entries(value).map(([name, text]) => {
      if (text === null) return `-xattr:${name}`;
      if (typeof text === "string") return `xattr:${name}=${text}`;
      throw malformed(`the xattr ${name} is neither a string nor null`, where);
    });
  }
  if (typeof value === "string" || typeof value === "number") return [`${key}=${value}`];
  throw malformed(`${key} is neither a string nor a number`, where);
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function parseOverride(pattern: string, fields: readonly string[], where: string): Override {
  const override: Mutable<Override> = { pattern };
  try {
    compileGlob(pattern);
  } catch (cause) {
    throw malformed((cause as Error).message, where, cause);
  }
  if (fields.length === 0) throw malformed(`"${pattern}" has no fields`, where);
  for (const field of fields) {
    const [, key = field, value = ""] = /^([^=]*)=(.*)$/s.exec(field) ?? [];
    parseField(override, key, value, where);
  }
  return override;
}

function parseField(override: Mutable<Override>, key: string, value: string, where: string): void {
  const xattr = /^(-?)xattr:(.+)$/s.exec(key);
  if (xattr) {
    const [, remove, name = ""] = xattr;
    const change = { name: nameFromText(name), value: remove ? undefined : xattrValue(value, where) };
    override.xattrs = [...(override.xattrs ?? []), change];
  } else if (key === "owner") {
    const [uid = "", gid = "", ...rest] = value.split(":");
    if (rest.length > 0) throw malformed(`the owner "${value}" is not uid:gid`, where);
    override.uid = decimal("uid", uid, maxId, where);
    override.gid = decimal("gid", gid, maxId, where);
  } else if (key === "uid" || key === "gid") {
    override[key] = decimal(key, value, maxId, where);
  } else if (key === "mode") {
    if (!/^0?[0-7]{1,4}$/.test(value)) throw malformed(`the mode "${value}" is not octal, 0 to 7777`, where);
    override.mode = Number.parseInt(value, 8);
  } else if (key === "time") {
    const [, seconds, fraction = ""] = /^(-?\d{1,15})(?:\.(\d{1,9}))?$/.exec(value) ?? [];
    if (seconds === undefined) throw malformed(`the time "${value}" is not in seconds since 1970`, where);
    override.mtime = { seconds: Number(seconds), nanoseconds: Number(fraction.padEnd(9, "0")) };
  } else if (key === "device") {
    const [, kind, major, minor] = /^([cb]):(\d+):(\d+)$/.exec(value) ?? [];
    if (kind === undefined) throw malformed(`the device "${value}" is not c:MAJOR:MINOR or b:MAJOR:MINOR`, where);
    override.device = {
      kind: kind === "c" ? "character-device" : "block-device",
      major: decimal("major number", major ?? "", maxMajor, where),
      minor: decimal("minor number", minor ?? "", maxMinor, where),
    };
  } else throw malformed(`there is no field "${key}"`, where);
}

function decimal(what: string, text: string, max: number, where: string): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value <= max) return value;
  throw malformed(`the ${what} "${text}" is not a number from 0 to ${max}`, where);
}

function xattrValue(text: string, where: string): Uint8Array {
  if (!text.startsWith("0x")) return nameToBytes(nameFromEscaped(text));
  if (!/^0x(?:[0-9a-fA-F]{2})*$/.test(text)) throw malformed(`"${text}" is not hexadecimal`, where);
  return Uint8Array.from(text.slice(2).match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

const malformed = (message: string, where: string, cause?: unknown) =>
  new TreeError("MALFORMED_OVERRIDE", message, { path: where }, cause === undefined ? undefined : { cause });
