import { type Name, nameFromBytes, nameToText, sortXattrs, type Xattr } from "@sextant/tree";
import { ErofsError } from "./errors.js";
import type { Fingerprints } from "./fingerprints.js";
import {
  maxNameBytes,
  maxXattrBodyBytes,
  maxXattrValueBytes,
  sharedXattrIdBytes,
  xattrHeaderRecord,
} from "./layout.js";
import { type PlannedInode, pathOf } from "./plan-inodes.js";
import { filterBit } from "./xattr-filter.js";
import { findPrefix, numberPrefixes, type PlannedPrefix, plannedPrefixes, splitNamespace } from "./xattr-prefixes.js";
import { entryBytes } from "./xattrs.js";

/** A name and value, however many inodes have it. */
export interface PlannedXattr {
  readonly name: Name;
  readonly value: Uint8Array;
  /** Of the namespace; 0: none. */
  readonly nameIndex: number;
  /** The long prefix that its entry names instead of the namespace. */
  readonly prefix: PlannedPrefix | undefined;
  /** The name behind the prefix or the namespace. */
  readonly suffix: string;
  /** Its bit in the filters of inodes; see `filterBit`. */
  readonly filterBit: number;
  /** Of its entry, with padding. */
  readonly bytes: number;
  uses: number;
  /** Where its entry stands in the shared area, in bytes; undefined: it is in the inode. */
  sharedAt: number | undefined;
}

export interface XattrOptions {
  readonly prefixes?: readonly Name[] | undefined;
  readonly fingerprints?: Fingerprints | undefined;
}

/** What all inodes have in common. */
export interface PlannedXattrs {
  /** What two or more inodes have, in byte order of name and value. */
  readonly shared: readonly PlannedXattr[];
  /** Long prefixes that are in use, in the order of their numbers. */
  readonly prefixes: readonly PlannedPrefix[];
  /** The one that fingerprints have, if there are any. */
  readonly fingerprint: PlannedPrefix | undefined;
}

/** Shared xattrs that an inode can refer to: `sharedCount` has 8 bits. */
export const maxSharedPerInode = 255;

/**
 * Gives every inode its xattrs and their size. Throws `RangeError` for prefixes that are none, `TypeError` for fingerprints
 * of another tree.
 */
export function planXattrs(inodes: readonly PlannedInode[], options: XattrOptions = {}): PlannedXattrs {
  const { fingerprints } = options;
  const prefixes = plannedPrefixes(options.prefixes ?? [], fingerprints?.name);
  const known = new Map<string, PlannedXattr>();
  for (const inode of inodes) {
    const xattrs = xattrsOf(inode, fingerprints);
    if (xattrs.length > 0) inode.xattrs = xattrs.map((xattr) => intern(known, xattr, inode, prefixes));
  }
  const shared: PlannedXattr[] = [];
  let sharedBytes = 0;
  for (const key of [...known.keys()].sort()) {
    const xattr = known.get(key);
    if (xattr === undefined || xattr.uses < 2) continue;
    xattr.sharedAt = sharedBytes;
    sharedBytes += xattr.bytes;
    shared.push(xattr);
  }
  for (const inode of inodes) {
    if (inode.xattrs.length > 0) inode.xattrBytes = bodyBytes(inode);
  }
  const inUse = new Set([...known.values()].map(({ prefix }) => prefix));
  const used = numberPrefixes(prefixes, (prefix) => inUse.has(prefix));
  return { shared, prefixes: used, fingerprint: used.find(({ name }) => name === fingerprints?.name) };
}

function xattrsOf(inode: PlannedInode, fingerprints: Fingerprints | undefined): readonly Xattr[] {
  const { node } = inode;
  if (fingerprints === undefined || node.kind !== "file" || inode.size === 0) return ordered(node.xattrs);
  const value = fingerprints.values.get(node.content);
  if (value === undefined) throw new TypeError(`there is no fingerprint of ${pathOf(inode)}`);
  return sortXattrs([...node.xattrs, { name: fingerprints.name, value }]);
}

/** Bytes of the entries in the shared area. */
export function sharedXattrBytes({ sharedXattrs }: { readonly sharedXattrs: readonly PlannedXattr[] }): number {
  const last = sharedXattrs.at(-1);
  return last === undefined ? 0 : (last.sharedAt ?? 0) + last.bytes;
}

/** Trees keep them in order; one that doesn't must not change the image. */
function ordered(xattrs: readonly Xattr[]): readonly Xattr[] {
  return xattrs.every(({ name }, index) => index === 0 || (xattrs[index - 1]?.name ?? "") < name)
    ? xattrs
    : sortXattrs(xattrs);
}

function intern(
  known: Map<string, PlannedXattr>,
  { name, value }: Xattr,
  inode: PlannedInode,
  prefixes: readonly PlannedPrefix[],
): PlannedXattr {
  const key = `${name}\0${nameFromBytes(value)}`;
  let xattr = known.get(key);
  if (xattr === undefined) {
    xattr = newXattr(name, value, inode, findPrefix(prefixes, name));
    known.set(key, xattr);
  }
  xattr.uses += 1;
  return xattr;
}

function newXattr(name: Name, value: Uint8Array, inode: PlannedInode, prefix: PlannedPrefix | undefined): PlannedXattr {
  const fail = (code: "LIMIT_XATTR" | "UNSUPPORTED_XATTR" | "MALFORMED_TREE", message: string) =>
    new ErofsError(code, message, { path: pathOf(inode), xattr: nameToText(name) });
  const split = prefix?.baseIndex === 0 ? { nameIndex: 0, suffix: name } : splitNamespace(name);
  if (split === undefined) throw fail("UNSUPPORTED_XATTR", `EROFS has no place for the xattr ${nameToText(name)}`);
  if (/[^\x01-\xff]/.test(name)) throw fail("MALFORMED_TREE", `"${nameToText(name)}" cannot be an xattr's name`);
  if (name.length > maxNameBytes) throw fail("LIMIT_XATTR", `the name of an xattr is ${name.length} bytes long`);
  if (value.length > maxXattrValueBytes) {
    throw fail("LIMIT_XATTR", `${nameToText(name)} is ${value.length} bytes long, more than ${maxXattrValueBytes}`);
  }
  const suffix = prefix === undefined ? split.suffix : name.slice(prefix.name.length);
  return {
    name,
    value,
    nameIndex: split.nameIndex,
    prefix,
    suffix,
    filterBit: filterBit(split.nameIndex, split.suffix),
    bytes: entryBytes(suffix.length, value.length),
    uses: 0,
    sharedAt: undefined,
  };
}

/** The xattrs of an inode, told apart: what it refers to and what stands in it. */
export function splitXattrs(inode: PlannedInode): { readonly shared: PlannedXattr[]; readonly inline: PlannedXattr[] } {
  const shared: PlannedXattr[] = [];
  const inline: PlannedXattr[] = [];
  for (const xattr of inode.xattrs) {
    if (xattr.sharedAt !== undefined && shared.length < maxSharedPerInode) shared.push(xattr);
    else inline.push(xattr);
  }
  return { shared, inline };
}

function bodyBytes(inode: PlannedInode): number {
  const { shared, inline } = splitXattrs(inode);
  let bytes = xattrHeaderRecord.size + sharedXattrIdBytes * shared.length;
  for (const xattr of inline) bytes += xattr.bytes;
  if (bytes <= maxXattrBodyBytes) return bytes;
  throw new ErofsError("LIMIT_XATTR", `the xattrs take ${bytes} bytes, more than ${maxXattrBodyBytes}`, {
    path: pathOf(inode),
  });
}
