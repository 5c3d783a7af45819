/**
 * The name of a file: text (UTF-8 on disk), or its bytes. Names are bytes on Linux; pass bytes where they may not be
 * UTF-8, since only then can "this is not UTF-8" be told.
 */
export type FileName = string | Uint8Array;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Lone surrogates and the 66 noncharacters: what `utf8_is_valid` of systemd refuses beyond malformed bytes. */
const notText = /[\p{Surrogate}\p{Noncharacter_Code_Point}]/u;

/** Bytes as text, or undefined where they are not UTF-8 as systemd understands it. A BOM stays a character. */
export function decodeText(bytes: Uint8Array): string | undefined {
  try {
    const text = decoder.decode(bytes);
    return notText.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

/** Whether this text has a UTF-8 form that systemd takes for valid. */
export function isText(text: string): boolean {
  return !notText.test(text);
}

export function encodeText(text: string): Uint8Array {
  return encoder.encode(text);
}

/** The text of a name, or undefined where it is not valid UTF-8. */
export function textOf(name: FileName): string | undefined {
  if (typeof name !== "string") return decodeText(name);
  return isText(name) ? name : undefined;
}

/**
 * A name with one character (U+0000…U+00FF) a byte, so that `<`, `startsWith` and `length` work on bytes as they do in C,
 * whatever the bytes are.
 */
export function byteString(name: FileName): string {
  if (typeof name === "string" && /^[\0-\x7f]*$/.test(name)) return name;
  const bytes = typeof name === "string" ? encoder.encode(name) : name;
  let text = "";
  for (let at = 0; at < bytes.length; at += 4096) text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return text;
}

/** The words of a list as `strv_split(…, WHITESPACE)` gives them; an empty value has none. */
export function splitWords(value: string): readonly string[] {
  return value.split(/[ \t\n\r]+/).filter((word) => word !== "");
}

/**
 * systemd's boolean words (`parse_boolean`): 1, yes, y, true, t, on and 0, no, n, false, f, off, in any case. Undefined
 * for everything else, also for blanks around a word.
 */
export function parseBoolean(word: string): boolean | undefined {
  if (/^(?:1|yes|y|true|t|on)$/i.test(word)) return true;
  if (/^(?:0|no|n|false|f|off)$/i.test(word)) return false;
  return undefined;
}

const shownCharacters = 80;

/** A value for a sentence: as it is where it is one plain word, else quoted, without control characters, cut when long. */
export function show(value: string): string {
  const cut = value.length > shownCharacters ? `${value.slice(0, shownCharacters)}…` : value;
  if (/^[^\s\p{C}"\\]+$/u.test(cut)) return cut;
  return JSON.stringify(cut).replace(/\p{C}/gu, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}
