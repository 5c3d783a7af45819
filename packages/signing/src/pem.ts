// PEM (RFC 7468), as lax as OpenSSL where it is harmless: text around the blocks, CRLF, trailing blanks.

import { fromBase64, toBase64 } from "./base64.js";
import { SigningError } from "./errors.js";

/** The largest PEM text we read: a bundle of several hundred certificates. */
export const maxPemBytes = 1 << 20;
const lineLength = 64;
const asciiOnly = new TextDecoder("latin1");

/** One `-----BEGIN label-----` block. */
export interface PemBlock {
  readonly label: string;
  /** RFC 1421 headers such as `Proc-Type`, which old encrypted keys carry. */
  readonly headers: ReadonlyMap<string, string>;
  readonly bytes: Uint8Array;
}

/** All blocks of a PEM text in order; an empty array where there is none. Throws `MALFORMED_PEM`, `LIMIT_DER`. */
export function readPem(input: string | Uint8Array): readonly PemBlock[] {
  if (input.length > maxPemBytes) {
    throw new SigningError("LIMIT_DER", `${input.length} bytes, more than ${maxPemBytes}`, { path: "pem" });
  }
  const text = typeof input === "string" ? input : asciiOnly.decode(input);
  const lines = text.split(/\r\n|\n|\r/).map((line) => line.trimEnd());
  const blocks: PemBlock[] = [];
  let begin: { label: string; line: number } | undefined;
  for (const [index, line] of lines.entries()) {
    const label = /^-----BEGIN ([\x20-\x7e]*)-----$/.exec(line)?.[1];
    if (label !== undefined) {
      if (begin) throw malformed(`the ${begin.label} block has no end`, begin.line);
      begin = { label, line: index };
      continue;
    }
    const end = /^-----END ([\x20-\x7e]*)-----$/.exec(line)?.[1];
    if (end === undefined) continue;
    if (!begin) throw malformed(`END ${end} without a BEGIN`, index);
    if (begin.label !== end) throw malformed(`a ${begin.label} block ends as ${end}`, index);
    blocks.push(readBlock(begin.label, lines.slice(begin.line + 1, index)));
    begin = undefined;
  }
  if (begin) throw malformed(`the ${begin.label} block has no end`, begin.line);
  return blocks;
}

function readBlock(label: string, lines: readonly string[]): PemBlock {
  const headers = new Map<string, string>();
  const blank = lines.indexOf("");
  const hasHeaders = blank > 0 && lines.slice(0, blank).some((line) => line.includes(":"));
  for (const line of hasHeaders ? lines.slice(0, blank) : []) {
    const colon = line.indexOf(":");
    if (colon > 0) headers.set(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
  }
  const body = (hasHeaders ? lines.slice(blank + 1) : lines).join("\n");
  return { label, headers, bytes: fromBase64(body, `pem.${label}`) };
}

function malformed(what: string, line: number): SigningError {
  return new SigningError("MALFORMED_PEM", what, { path: "pem", line: line + 1 });
}

/** One PEM block: 64 characters a line, LF at every line's end. */
export function writePem(label: string, bytes: Uint8Array): string {
  const lines = toBase64(bytes).match(new RegExp(`.{1,${lineLength}}`, "g")) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}
