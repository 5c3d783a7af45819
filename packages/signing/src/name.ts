// Distinguished names (RFC 5280 section 4.1.2.4): compared by their bytes, shown for people.
import { toHex } from "@sextant/bytes";
import { oid } from "./algorithms.js";
import { type DerValue, derChildren, derTag, objectIdentifier } from "./der.js";
import * as der from "./der-write.js";

/** RFC 5280 appendix A (`ub-common-name`), in characters. */
export const maxCommonName = 64;

/** A name of a subject or an issuer. */
export interface DistinguishedName {
  readonly der: Uint8Array;
  /** `CN=probe, O=Example`, in the order of the certificate. */
  readonly text: string;
}

/** The attribute types that have a usual short name (RFC 4519 and RFC 4514 section 3). */
const shortNames: ReadonlyMap<string, string> = new Map([
  [oid.commonName, "CN"],
  ["2.5.4.5", "serialNumber"],
  ["2.5.4.6", "C"],
  ["2.5.4.7", "L"],
  ["2.5.4.8", "ST"],
  ["2.5.4.9", "street"],
  ["2.5.4.10", "O"],
  ["2.5.4.11", "OU"],
  ["0.9.2342.19200300.100.1.1", "UID"],
  ["0.9.2342.19200300.100.1.25", "DC"],
  ["1.2.840.113549.1.9.1", "emailAddress"],
]);

const decoders: ReadonlyMap<number, string> = new Map([
  [derTag.utf8String, "utf-8"],
  [derTag.printableString, "latin1"],
  [derTag.teletexString, "latin1"],
  [derTag.ia5String, "latin1"],
  [derTag.bmpString, "utf-16be"],
]);

/** Reads a Name and puts it into words. */
export function readName(value: DerValue): DistinguishedName {
  const parts: string[] = [];
  const sets = derChildren(value);
  while (sets.more) {
    const set = derChildren(sets.take(derTag.set, "relativeName"));
    const together: string[] = [];
    while (set.more) {
      const pair = derChildren(set.take(derTag.sequence, "attribute"));
      const type = objectIdentifier(pair.take(derTag.objectIdentifier, "type"));
      const text = attributeText(pair.any("value"));
      pair.end();
      together.push(`${shortNames.get(type) ?? type}=${text}`);
    }
    parts.push(together.join("+"));
  }
  return { der: value.encoded, text: parts.join(", ") };
}

function attributeText(value: DerValue): string {
  const encoding = decoders.get(value.tag);
  if (encoding === undefined) return `#${toHex(value.encoded)}`;
  const text = new TextDecoder(encoding).decode(value.content);
  // Names end up on terminals: control characters and what separates the parts are escaped as RFC 4514 does.
  return text
    .replace(/[\\,+"<>;=]/g, (character) => `\\${character}`)
    .replace(/\p{Cc}|\p{Cf}/gu, (character) => `\\${toHex(new TextEncoder().encode(character)).toUpperCase()}`);
}

/** The Name `CN=commonName`. Throws `RangeError` for an empty name or one above 64 characters. */
export function writeCommonName(commonName: string): Uint8Array {
  const length = [...commonName].length;
  if (length === 0 || length > maxCommonName) {
    throw new RangeError(`a common name has 1 to ${maxCommonName} characters, not ${length}`);
  }
  return der.sequence(der.setOf(der.sequence(der.oid(oid.commonName), der.utf8String(commonName))));
}
