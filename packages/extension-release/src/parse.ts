import { ReleaseError } from "./errors.js";
import { decodeText } from "./text.js";

// The state machine of systemd's basic/env-file.c (parse_env_file_internal, systemd 262), which reads os-release and
// extension-release files alike. It is not a shell: no expansion, no trailing comments, quotes only at the start.

/** The fields of a release file: the last value of each key, in the order in which the keys first appear. */
export type ReleaseFields = ReadonlyMap<string, string>;

/** One `KEY=value` of a release file, with where it stands. */
export interface ReleaseAssignment {
  readonly key: string;
  readonly value: string;
  /** Line of the key, from 1. CR, LF and CRLF each end a line. */
  readonly line: number;
  /** Offset of the first byte of the key. */
  readonly offset: number;
  /** Offset of the first byte after the `=`. */
  readonly valueOffset: number;
  /** Offset after the last byte that belongs to the assignment, without the end of the line. */
  readonly end: number;
}

/** A release file with its positions; `fields` is what systemd sees. */
export interface ReleaseDocument {
  readonly fields: ReleaseFields;
  /** All assignments in file order, also those that a later one with the same key replaces. */
  readonly assignments: readonly ReleaseAssignment[];
}

/** Options of the parser. */
export interface ParseOptions {
  /** What to call the file in errors. */
  readonly source?: string | undefined;
}

/** The most bytes that systemd reads of one file: 64 MiB - 1 (basic/fileio.c, READ_FULL_BYTES_MAX). */
export const releaseFileMaxBytes = 64 * 1024 * 1024 - 1;

const LF = 0x0a;
const CR = 0x0d;
const TAB = 0x09;
const SPACE = 0x20;
const HASH = 0x23;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;
const SINGLE_QUOTE = 0x27;
const DOUBLE_QUOTE = 0x22;
const BACKTICK = 0x60;
const DOLLAR = 0x24;

const isNewline = (byte: number | undefined) => byte === LF || byte === CR;
const isBlank = (byte: number | undefined) => byte === SPACE || byte === TAB || byte === LF || byte === CR;
const isShellSpecial = (byte: number | undefined) =>
  byte === DOUBLE_QUOTE || byte === BACKSLASH || byte === BACKTICK || byte === DOLLAR;

/** Where the value that was read ends, and how many bytes of `target` it takes. */
interface ValueEnd {
  readonly at: number;
  readonly length: number;
}

/** Reads one value from behind its `=` into `target`, which is as long as `bytes`: a value never outgrows its source. */
function readValue(bytes: Uint8Array, start: number, target: Uint8Array): ValueEnd {
  let at = start;
  let length = 0;
  // Between quoted parts: blanks vanish, and quotes mean something.
  while (at < bytes.length && !isNewline(bytes[at])) {
    const byte = bytes[at] as number;
    if (byte === SINGLE_QUOTE) {
      const close = bytes.indexOf(SINGLE_QUOTE, at + 1);
      const end = close < 0 ? bytes.length : close;
      target.set(bytes.subarray(at + 1, end), length);
      length += end - at - 1;
      at = end + 1;
    } else if (byte === DOUBLE_QUOTE) {
      ({ at, length } = readDoubleQuoted(bytes, at + 1, target, length));
    } else if (isBlank(byte)) {
      at++;
    } else {
      return readBare(bytes, at, target, length);
    }
  }
  return { at: Math.min(at, bytes.length), length };
}

function readDoubleQuoted(bytes: Uint8Array, start: number, target: Uint8Array, filled: number): ValueEnd {
  let at = start;
  let length = filled;
  while (at < bytes.length) {
    const byte = bytes[at] as number;
    if (byte === DOUBLE_QUOTE) return { at: at + 1, length };
    if (byte !== BACKSLASH) {
      target[length++] = byte;
      at++;
      continue;
    }
    const next = bytes[at + 1];
    if (next !== undefined && next !== LF) {
      if (!isShellSpecial(next)) target[length++] = BACKSLASH;
      target[length++] = next;
    }
    at += 2;
  }
  return { at: bytes.length, length };
}

/** The rest of the line, where quotes are ordinary characters and blanks at the end go, unless a backslash comes after them. */
function readBare(bytes: Uint8Array, start: number, target: Uint8Array, filled: number): ValueEnd {
  let at = start;
  let length = filled;
  let trimmed = filled;
  while (at < bytes.length && !isNewline(bytes[at])) {
    const byte = bytes[at] as number;
    if (byte === BACKSLASH) {
      const next = bytes[at + 1];
      if (next !== undefined && !isNewline(next)) target[length++] = next;
      trimmed = length;
      at += 2;
    } else {
      target[length++] = byte;
      if (!isBlank(byte)) trimmed = length;
      at++;
    }
  }
  return { at: Math.min(at, bytes.length), length: trimmed };
}

/** Offset of the first end of line at or after `at`, or of the end of the file. */
function endOfLine(bytes: Uint8Array, at: number): number {
  let end = at;
  while (end < bytes.length && !isNewline(bytes[end])) end++;
  return end;
}

function countLines(bytes: Uint8Array, from: number, to: number): number {
  let lines = 0;
  for (let at = from; at < to; at++) {
    if (bytes[at] === LF || (bytes[at] === CR && bytes[at + 1] !== LF)) lines++;
  }
  return lines;
}

/** Offset of the `=` that ends the key which starts at `start`, or of the end of the line where there is none. */
function endOfKey(bytes: Uint8Array, start: number): number {
  // The first character is part of the key whatever it is, also a `=`.
  let at = start + 1;
  while (at < bytes.length && bytes[at] !== EQUALS && !isNewline(bytes[at])) at++;
  return at;
}

function checkBytes(bytes: Uint8Array, source: string | undefined): void {
  if (!(bytes instanceof Uint8Array)) throw new TypeError("a release file is parsed from its bytes, a Uint8Array");
  if (bytes.length > releaseFileMaxBytes) {
    throw new ReleaseError(
      "LIMIT_SIZE",
      `a release file has at most ${releaseFileMaxBytes} bytes, this one has ${bytes.length}`,
      { offset: releaseFileMaxBytes, source },
    );
  }
  const nul = bytes.indexOf(0);
  if (nul >= 0) {
    const line = 1 + countLines(bytes, 0, nul);
    throw new ReleaseError("MALFORMED_NUL", `a NUL byte in line ${line}: systemd cannot read such a file`, {
      offset: nul,
      line,
      source,
    });
  }
}

/**
 * Parses an os-release or extension-release file, keeping where each assignment stands.
 *
 * @throws ReleaseError MALFORMED_NUL, MALFORMED_UTF8 or LIMIT_SIZE where systemd could not read the file; `context` has
 *   `offset`, `line` and, where it is known, the key as `path`.
 */
export function parseReleaseDocument(bytes: Uint8Array, options: ParseOptions = {}): ReleaseDocument {
  const { source } = options;
  checkBytes(bytes, source);
  const fields = new Map<string, string>();
  const assignments: ReleaseAssignment[] = [];
  const target = new Uint8Array(bytes.length);
  let line = 1;
  let counted = 0;
  let at = 0;
  while (at < bytes.length) {
    const byte = bytes[at];
    if (isBlank(byte)) {
      at++;
      continue;
    }
    if (byte === HASH || byte === SEMICOLON) {
      at = endOfLine(bytes, at);
      continue;
    }
    const offset = at;
    const equals = endOfKey(bytes, offset);
    if (bytes[equals] !== EQUALS) {
      at = equals;
      continue;
    }
    const valueEnd = readValue(bytes, equals + 1, target);
    at = valueEnd.at;
    line += countLines(bytes, counted, offset);
    counted = offset;
    let keyEnd = equals;
    while (isBlank(bytes[keyEnd - 1])) keyEnd--;
    const key = decodeText(bytes.subarray(offset, keyEnd));
    const value = decodeText(target.subarray(0, valueEnd.length));
    if (key === undefined || value === undefined) {
      const what = key === undefined ? "key" : `value of ${key}`;
      const context = { path: key, offset: key === undefined ? offset : equals + 1, line, source };
      throw new ReleaseError("MALFORMED_UTF8", `the ${what} in line ${line} is not valid UTF-8`, context);
    }
    fields.set(key, value);
    assignments.push({ key, value, line, offset, valueOffset: equals + 1, end: at });
  }
  return { fields, assignments };
}

/**
 * Parses an os-release or extension-release file the way systemd does (env-file.c, one state machine for both): the last
 * of several equal keys wins, lines without `=` are dropped, nothing is expanded.
 *
 * @throws ReleaseError where systemd could not read the file (a NUL byte anywhere, an assignment that is not UTF-8).
 */
export function parseReleaseFile(bytes: Uint8Array, options: ParseOptions = {}): ReleaseFields {
  return parseReleaseDocument(bytes, options).fields;
}
