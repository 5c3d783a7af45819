declare const bytesBrand: unique symbol;

/**
 * A file name, path, symlink target or xattr name: bytes, as Linux has them. Held as a string with one character
 * (U+0000…U+00FF) a byte, so names are small, work as Map keys, and `<` orders them by byte.
 * ASCII text is the same in both worlds; for anything else go through `nameFromText` and `nameToText`.
 */
export type Name = string & { readonly [bytesBrand]: true };

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The name whose bytes are these. */
export function nameFromBytes(bytes: Uint8Array): Name {
  let text = "";
  for (let at = 0; at < bytes.length; at += 4096) {
    text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  }
  return text as Name;
}

/** The bytes of a name. */
export function nameToBytes(name: Name): Uint8Array {
  const bytes = new Uint8Array(name.length);
  for (let i = 0; i < name.length; i++) bytes[i] = name.charCodeAt(i);
  return bytes;
}

/** The name that this text has in UTF-8. */
export function nameFromText(text: string): Name {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return nameFromBytes(encoder.encode(text));
  return text as Name;
}

/**
 * A name for people and JSON: UTF-8 decoded. Bytes that are not UTF-8, control characters and backslashes become `\xNN`
 * (a backslash `\\`), so that the result is unambiguous; `nameFromEscaped` turns it back.
 */
export function nameToText(name: Name): string {
  if (/^[\x20-\x5b\x5d-\x7e]*$/.test(name)) return name;
  const bytes = nameToBytes(name);
  let text: string;
  try {
    text = strictDecoder.decode(bytes);
  } catch {
    return escapeBytes(bytes);
  }
  return text.replace(/[\x00-\x1f\x7f-\x9f\\]/g, (char) => {
    if (char === "\\") return "\\\\";
    return [...encoder.encode(char)].map(escapeByte).join("");
  });
}

const escapeByte = (byte: number) => `\\x${byte.toString(16).padStart(2, "0")}`;

/** Bytes where a part is not UTF-8: valid sequences stay readable, the rest is escaped byte by byte. */
function escapeBytes(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    let length = 0;
    for (const candidate of [1, 2, 3, 4]) {
      const part = bytes.subarray(at, at + candidate);
      if (part.length < candidate) break;
      try {
        const char = strictDecoder.decode(part);
        text += /[\x00-\x1f\x7f-\x9f\\]/.test(char)
          ? char === "\\"
            ? "\\\\"
            : [...part].map(escapeByte).join("")
          : char;
        length = candidate;
        break;
      } catch {}
    }
    if (length === 0) {
      text += escapeByte(bytes[at] as number);
      length = 1;
    }
    at += length;
  }
  return text;
}

/** The inverse of `nameToText`. */
export function nameFromEscaped(text: string): Name {
  const parts: number[] = [];
  const pattern = /\\(?:x([0-9a-fA-F]{2})|(\\))|[^\\]+|\\/g;
  for (const [whole, hex, backslash] of text.matchAll(pattern)) {
    if (hex !== undefined) parts.push(Number.parseInt(hex, 16));
    else if (backslash !== undefined) parts.push(0x5c);
    else for (const byte of encoder.encode(whole)) parts.push(byte);
  }
  return nameFromBytes(Uint8Array.from(parts));
}

/** Byte order of names: -1, 0 or 1. */
export function compareNames(a: Name, b: Name): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
