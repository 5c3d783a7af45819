// The writing half of der.ts. Values are small (keys, certificates), so each is built from the inside out.
import { compareBytes, concatBytes } from "@sextant/bytes";
import { contextTag, derTag } from "./der.js";

/** One value: tag, shortest length, the contents one after another. */
export function value(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const content of contents) length += content.length;
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  const header = length < 0x80 ? [tag, length] : [tag, 0x80 | octets.length, ...octets];
  return concatBytes([Uint8Array.from(header), ...contents]);
}

export const sequence = (...members: readonly Uint8Array[]): Uint8Array => value(derTag.sequence, ...members);

/** SET OF: DER sorts the members by their encodings. */
export const setOf = (...members: readonly Uint8Array[]): Uint8Array =>
  value(derTag.set, ...[...members].sort(compareBytes));

/** `[number]` around whole values: EXPLICIT, or IMPLICIT over a constructed type given its contents. */
export const tagged = (number: number, ...contents: readonly Uint8Array[]): Uint8Array =>
  value(contextTag(number), ...contents);

/** A non-negative INTEGER from a number or from big-endian bytes. */
export function integer(from: number | Uint8Array): Uint8Array {
  if (typeof from === "number") {
    if (!Number.isInteger(from) || from < 0 || from > 0x7fffffff)
      throw new RangeError(`${from} is not a small integer`);
    return integer(Uint8Array.of((from >>> 24) & 0xff, (from >>> 16) & 0xff, (from >>> 8) & 0xff, from & 0xff));
  }
  let start = 0;
  while (start < from.length - 1 && from[start] === 0) start++;
  const magnitude = from.length === 0 ? Uint8Array.of(0) : from.subarray(start);
  return (magnitude[0] ?? 0) < 0x80
    ? value(derTag.integer, magnitude)
    : value(derTag.integer, Uint8Array.of(0), magnitude);
}

/** An OBJECT IDENTIFIER from its dotted form. */
export function oid(dotted: string): Uint8Array {
  const [root = 0n, second = 0n, ...rest] = dotted.split(".").map(BigInt);
  const bytes: number[] = [];
  for (const arc of [root * 40n + second, ...rest]) {
    const septets = [Number(arc & 0x7fn)];
    for (let left = arc >> 7n; left > 0n; left >>= 7n) septets.unshift(Number(left & 0x7fn) | 0x80);
    bytes.push(...septets);
  }
  return value(derTag.objectIdentifier, Uint8Array.from(bytes));
}

export const nothing: Uint8Array = value(derTag.null);
export const octetString = (bytes: Uint8Array): Uint8Array => value(derTag.octetString, bytes);
export const yes: Uint8Array = value(derTag.boolean, Uint8Array.of(0xff));
/** A BIT STRING; `unusedBits` of the last byte do not count. */
export const bitString = (bytes: Uint8Array, unusedBits = 0): Uint8Array =>
  value(derTag.bitString, Uint8Array.of(unusedBits), bytes);
export const utf8String = (text: string): Uint8Array => value(derTag.utf8String, new TextEncoder().encode(text));
