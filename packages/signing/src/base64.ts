import { SigningError } from "./errors.js";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const values = new Map([...alphabet].map((character, index) => [character.charCodeAt(0), index]));
const whitespace = new Set([0x20, 0x09, 0x0a, 0x0d]);
const padding = 0x3d;

/** Base64 (RFC 4648 section 4): the standard alphabet, padded, on one line. */
export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(at, at + 3);
    const given = Math.min(3, bytes.length - at);
    text += alphabet[a >> 2] ?? "";
    text += alphabet[((a & 3) << 4) | (b >> 4)] ?? "";
    text += given > 1 ? (alphabet[((b & 15) << 2) | (c >> 6)] ?? "") : "=";
    text += given > 2 ? (alphabet[c & 63] ?? "") : "=";
  }
  return text;
}

/**
 * The bytes of padded base64 in the standard alphabet. Blanks and line ends between the characters are skipped, as
 * systemd and PEM do; anything else, missing padding and left-over bits are `MALFORMED_PEM`.
 */
export function fromBase64(text: string, path = "base64"): Uint8Array {
  const fail = (what: string, at: number) => new SigningError("MALFORMED_PEM", what, { path, character: at });
  const out = new Uint8Array(Math.floor((text.length * 3) / 4));
  let size = 0;
  let bits = 0;
  let held = 0;
  let padded = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (whitespace.has(character)) continue;
    if (character === padding) {
      padded++;
      continue;
    }
    const value = values.get(character);
    if (value === undefined || padded > 0) throw fail(`character ${at + 1} is not base64`, at);
    held = ((held << 6) | value) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out[size++] = (held >> bits) & 0xff;
  }
  const wanted = bits === 0 ? 0 : bits / 2;
  if (padded !== wanted || bits === 6) throw fail("the base64 text is cut off or wrongly padded", text.length);
  if ((held & ((1 << bits) - 1)) !== 0) throw fail("the last base64 character has bits that mean nothing", text.length);
  return out.subarray(0, size);
}
