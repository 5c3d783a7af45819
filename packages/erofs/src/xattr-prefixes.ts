import { type Name, nameToText } from "@sextant/tree";
import { featureCompat, featureIncompat } from "./features.js";
import { longPrefixFlag, maxLongPrefixes, maxNameBytes, xattrNamePrefixes } from "./layout.js";

/** A long prefix that xattrs of the image have. */
export interface PlannedPrefix {
  readonly name: Name;
  /** Index of the namespace that it begins with; 0: none. */
  readonly baseIndex: number;
  /** What follows the namespace. */
  readonly infix: string;
  /** Its number, or undefined while no xattr has it. */
  index: number | undefined;
}

/** The namespace that a name begins with, and what follows; the whole name for the ones that are ACLs. */
export function splitNamespace(name: Name): { readonly nameIndex: number; readonly suffix: string } | undefined {
  for (const [index, prefix] of Object.entries(xattrNamePrefixes)) {
    const matches = prefix.endsWith(".") ? name.startsWith(prefix) && name !== prefix : name === prefix;
    if (matches) return { nameIndex: Number(index), suffix: name.slice(prefix.length) };
  }
  return undefined;
}

/** Prefixes as an option names them. Throws `RangeError` for what cannot be one, and for more than indexes can tell. */
export function plannedPrefixes(names: readonly Name[], fingerprint: Name | undefined): PlannedPrefix[] {
  const prefixes = new Map<Name, PlannedPrefix>();
  for (const name of names) {
    const split = splitNamespace(name);
    if (split === undefined || split.suffix === "" || name.length > maxNameBytes || /[^\x01-\xff]/.test(name)) {
      throw new RangeError(
        `"${nameToText(name)}" cannot be a prefix of xattrs: it is to begin with a namespace and go on`,
      );
    }
    prefixes.set(name, { name, baseIndex: split.nameIndex, infix: split.suffix, index: undefined });
  }
  if (fingerprint !== undefined) prefixes.set(fingerprint, fingerprintPrefix(fingerprint));
  if (prefixes.size <= maxLongPrefixes) return [...prefixes.values()];
  throw new RangeError(`there are ${prefixes.size} prefixes of xattrs, indexes reach ${maxLongPrefixes}`);
}

/** The fingerprint's whole name is a prefix: the superblock names it by that. */
function fingerprintPrefix(name: Name): PlannedPrefix {
  const { nameIndex, suffix } = splitNamespace(name) ?? { nameIndex: 0, suffix: name };
  if (suffix === "") throw new RangeError(`fingerprints cannot be in the xattr ${nameToText(name)}`);
  return { name, baseIndex: nameIndex, infix: suffix, index: undefined };
}

/** The longest prefix that the name has; one without a namespace is of the name that it is, and no other. */
export function findPrefix(prefixes: readonly PlannedPrefix[], name: Name): PlannedPrefix | undefined {
  let longest: PlannedPrefix | undefined;
  for (const prefix of prefixes) {
    const matches = prefix.baseIndex === 0 ? name === prefix.name : name.startsWith(prefix.name);
    if (matches && prefix.name.length > (longest?.name.length ?? 0)) longest = prefix;
  }
  return longest;
}

/** Numbers those that xattrs have, in the order of the options, and leaves the others out. */
export function numberPrefixes(
  prefixes: readonly PlannedPrefix[],
  isUsed: (prefix: PlannedPrefix) => boolean,
): PlannedPrefix[] {
  const used = prefixes.filter(isUsed);
  for (const [index, prefix] of used.entries()) prefix.index = index;
  return used;
}

/** What an entry says that has this prefix. */
export function prefixIndex({ index }: PlannedPrefix): number {
  if (index === undefined) throw new TypeError("a prefix that no xattr has");
  return longPrefixFlag + index;
}

/** Each stands on 4 bytes: its size in 2, its namespace in 1, its infix (`struct erofs_xattr_long_prefix`). */
const prefixAlign = 4;
const prefixBytes = ({ infix }: PlannedPrefix) => Math.ceil((3 + infix.length) / prefixAlign) * prefixAlign;

/** Bytes of the table. */
export function prefixTableBytes(prefixes: readonly PlannedPrefix[]): number {
  return prefixes.reduce((sum, prefix) => sum + prefixBytes(prefix), 0);
}

/** Writes the table, which begins on 4 bytes, as `readPrefixes` reads it. */
export function writePrefixTable(bytes: Uint8Array, view: DataView, start: number, prefixes: readonly PlannedPrefix[]) {
  let at = start;
  for (const prefix of prefixes) {
    view.setUint16(at, 1 + prefix.infix.length, true);
    view.setUint8(at + 2, prefix.baseIndex);
    for (let i = 0; i < prefix.infix.length; i++) bytes[at + 3 + i] = prefix.infix.charCodeAt(i);
    at += prefixBytes(prefix);
  }
}

/** What the superblock says of xattrs. */
export interface XattrFeatures {
  readonly compat: number;
  readonly incompat: number;
}

/** The table stands in the image itself, not in the packed inode: of images that have one, Linux knows that since 6.17. */
export function xattrFeatures(
  prefixes: readonly PlannedPrefix[],
  fingerprint: PlannedPrefix | undefined,
  hasFilter: boolean,
): XattrFeatures {
  const hasPrefixes = prefixes.length > 0;
  return {
    compat:
      (hasFilter ? featureCompat.xattrFilter : 0) +
      (hasPrefixes ? featureCompat.plainXattrPrefixes : 0) +
      (fingerprint === undefined ? 0 : featureCompat.imageShareXattrs),
    incompat: hasPrefixes ? featureIncompat.xattrPrefixes : 0,
  };
}
