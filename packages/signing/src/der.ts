// Distinguished Encoding Rules of ASN.1 (ITU-T X.690 sections 8 and 10), as far as keys, certificates and CMS need them.
import { SigningError, type SigningErrorCode } from "./errors.js";

/** Identifier octets of the universal types that occur here, with the constructed bit where DER demands it. */
export const derTag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Identifier octet of a context-specific tag `[number]`. */
export const contextTag = (number: number, form: "constructed" | "primitive" = "constructed"): number =>
  0x80 | (form === "constructed" ? 0x20 : 0) | number;

/** The largest DER value we read. A signature with a certificate chain is a few KiB. */
export const maxDerBytes = 1 << 20;
/** How deep values may nest. A certificate inside a CMS message reaches about a dozen levels; OpenSSL stops at 30. */
export const maxDerDepth = 30;
/** The longest object identifier content. The longest in use (2.25 with a UUID) takes 19 bytes. */
const maxOidBytes = 64;

/** One tag-length-value, with where it was found. */
export interface DerValue {
  /** The identifier octet: class, constructed bit and number. */
  readonly tag: number;
  readonly content: Uint8Array;
  /** Header and content. */
  readonly encoded: Uint8Array;
  /** Absolute offset of the header. */
  readonly offset: number;
  readonly path: string;
  readonly depth: number;
}

/** Reads the values inside a constructed value in order. Each method takes the name of what it expects, for errors. */
export interface DerReader {
  /** Absolute offset of the next value. */
  readonly offset: number;
  /** Whether anything is left. */
  readonly more: boolean;
  /** The next value, which must have `tag`. */
  take(tag: number, name: string): DerValue;
  /** The next value if it has `tag`. */
  optional(tag: number, name: string): DerValue | undefined;
  /** The next value, whatever it is. */
  any(name: string): DerValue;
  /** Throws unless everything was read. */
  end(): void;
}

const fail = (code: SigningErrorCode, what: string, path: string, offset: number) =>
  new SigningError(code, what, { path, offset });
const malformed = (what: string, value: DerValue) => fail("MALFORMED_DER", what, value.path, value.offset);

const hexByte = (byte: number) => `0x${byte.toString(16).padStart(2, "0")}`;

interface Header {
  readonly tag: number;
  readonly headerBytes: number;
  readonly contentBytes: number;
}

function readHeader(bytes: Uint8Array, at: number, path: string, offset: number): Header {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined) throw fail("MALFORMED_DER", "the value is cut off", path, offset);
  if ((tag & 0x1f) === 0x1f) throw fail("UNSUPPORTED_DER", "a tag number above 30 is used", path, offset);
  if (first < 0x80) return { tag, headerBytes: 2, contentBytes: first };
  if (first === 0x80) throw fail("UNSUPPORTED_DER", "the length is indefinite, which DER forbids", path, offset);
  const lengthBytes = first & 0x7f;
  // 4 bytes hold more than maxDerBytes; longer forms can only be padded or too large.
  if (lengthBytes > 4) throw fail("LIMIT_DER", `the length takes ${lengthBytes} bytes`, path, offset);
  let contentBytes = 0;
  for (let i = 0; i < lengthBytes; i++) {
    const byte = bytes[at + 2 + i];
    if (byte === undefined) throw fail("MALFORMED_DER", "the length is cut off", path, offset);
    contentBytes = contentBytes * 256 + byte;
  }
  if (contentBytes < 0x80 || contentBytes < 256 ** (lengthBytes - 1)) {
    throw fail("MALFORMED_DER", "the length is not in its shortest form", path, offset);
  }
  return { tag, headerBytes: 2 + lengthBytes, contentBytes };
}

function reader(bytes: Uint8Array, path: string, base: number, depth: number): DerReader {
  let at = 0;
  if (depth > maxDerDepth) {
    throw fail("LIMIT_DER", `values are nested deeper than ${maxDerDepth} levels`, path, base);
  }
  const any = (name: string): DerValue => {
    const inner = `${path}.${name}`;
    const offset = base + at;
    if (at === bytes.length) throw fail("MALFORMED_DER", `${name} is missing`, inner, offset);
    const { tag, headerBytes, contentBytes } = readHeader(bytes, at, inner, offset);
    const left = bytes.length - at - headerBytes;
    if (contentBytes > left) {
      throw fail("MALFORMED_DER", `the value needs ${contentBytes} bytes, ${left} are left`, inner, offset);
    }
    const start = at;
    at += headerBytes + contentBytes;
    return {
      tag,
      content: bytes.subarray(start + headerBytes, at),
      encoded: bytes.subarray(start, at),
      offset,
      path: inner,
      depth,
    };
  };
  const checked = (tag: number, name: string) => {
    const value = any(name);
    if (value.tag !== tag) throw malformed(`expected tag ${hexByte(tag)}, found ${hexByte(value.tag)}`, value);
    return value;
  };
  return {
    get offset() {
      return base + at;
    },
    get more() {
      return at < bytes.length;
    },
    any,
    take: checked,
    optional: (tag, name) => (bytes[at] === tag ? checked(tag, name) : undefined),
    end() {
      if (at < bytes.length) {
        throw fail("MALFORMED_DER", `${bytes.length - at} unexpected bytes follow`, path, base + at);
      }
    },
  };
}

/** The values inside a constructed value. */
export function derChildren(value: DerValue): DerReader {
  if ((value.tag & 0x20) === 0) throw malformed(`tag ${hexByte(value.tag)} has nothing inside`, value);
  return reader(value.content, value.path, value.offset + value.encoded.length - value.content.length, value.depth + 1);
}

/** The one value that `bytes` is; nothing may follow. `base` is the absolute offset of `bytes[0]`. */
export function readDer(bytes: Uint8Array, tag: number, name: string, base = 0): DerValue {
  if (bytes.length > maxDerBytes) {
    throw fail("LIMIT_DER", `${bytes.length} bytes, more than ${maxDerBytes}`, name, base);
  }
  const whole = reader(bytes, "", base, 0);
  const value = whole.any(name);
  const named = { ...value, path: name };
  if (value.tag !== tag) throw malformed(`expected tag ${hexByte(tag)}, found ${hexByte(value.tag)}`, named);
  if (whole.more) {
    const left = bytes.length - value.encoded.length;
    throw fail("MALFORMED_DER", `${left} unexpected bytes follow`, name, base + value.encoded.length);
  }
  return named;
}

/** The content octets of an INTEGER: two's complement, big-endian, in its shortest form. */
export function integerBytes(value: DerValue): Uint8Array {
  const [first, second] = value.content;
  if (first === undefined) throw malformed("the integer is empty", value);
  if (second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) {
    throw malformed("the integer is not in its shortest form", value);
  }
  return value.content;
}

/** A non-negative INTEGER as its magnitude without leading zeros. */
export function unsignedBytes(value: DerValue): Uint8Array {
  const bytes = integerBytes(value);
  if ((bytes[0] ?? 0) >= 0x80) throw malformed("the integer is negative", value);
  return bytes[0] === 0 && bytes.length > 1 ? bytes.subarray(1) : bytes;
}

/** An INTEGER between 0 and 2^31 - 1. */
export function smallInteger(value: DerValue): number {
  const bytes = unsignedBytes(value);
  if (bytes.length > 4 || (bytes.length === 4 && (bytes[0] ?? 0) >= 0x80))
    throw malformed("the integer is too large", value);
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0);
}

/** An OBJECT IDENTIFIER in dotted form. */
export function objectIdentifier(value: DerValue): string {
  const { content } = value;
  if (content.length === 0) throw malformed("the object identifier is empty", value);
  if (content.length > maxOidBytes) {
    throw fail("LIMIT_DER", `the object identifier takes ${content.length} bytes`, value.path, value.offset);
  }
  const arcs: bigint[] = [];
  let arc = 0n;
  let starts = true;
  for (const byte of content) {
    if (starts && byte === 0x80) throw malformed("an arc is not in its shortest form", value);
    arc = arc * 128n + BigInt(byte & 0x7f);
    starts = byte < 0x80;
    if (!starts) continue;
    if (arcs.length === 0) {
      const root = arc < 40n ? 0n : arc < 80n ? 1n : 2n;
      arcs.push(root, arc - root * 40n);
    } else arcs.push(arc);
    arc = 0n;
  }
  if (!starts) throw malformed("the last arc is cut off", value);
  return arcs.join(".");
}

/** A BIT STRING of whole bytes: everything here but flags. */
export function bitStringBytes(value: DerValue): Uint8Array {
  const [unused] = value.content;
  if (unused === undefined) throw malformed("the bit string is empty", value);
  if (unused !== 0) throw malformed(`${unused} bits of the last byte are unused, expected none`, value);
  return value.content.subarray(1);
}

/** A BIT STRING of flags: which bits are set, bit 0 first. */
export function bitStringFlags(value: DerValue): ReadonlySet<number> {
  const [unused, ...bytes] = value.content;
  if (unused === undefined || unused > 7 || (bytes.length === 0 && unused !== 0) || bytes.length > 4) {
    throw malformed("the flags are not a short bit string", value);
  }
  const flags = new Set<number>();
  for (let bit = 0; bit < 8 * bytes.length - unused; bit++) {
    if (((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0) flags.add(bit);
  }
  return flags;
}

/** A BOOLEAN; DER has only 0x00 and 0xff. */
export function booleanValue(value: DerValue): boolean {
  const [byte] = value.content;
  if (value.content.length !== 1 || (byte !== 0 && byte !== 0xff)) throw malformed("not a DER boolean", value);
  return byte === 0xff;
}
