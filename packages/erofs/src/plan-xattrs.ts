import { type Name, nameFromBytes, nameToText, sortXattrs, type Xattr } from "@sextant/tree";
import { ErofsError } from "./errors.js";
import {
  maxNameBytes,
  maxXattrBodyBytes,
  maxXattrValueBytes,
  sharedXattrIdBytes,
  xattrHeaderRecord,
  xattrNamePrefixes,
} from "./layout.js";
import { type PlannedInode, pathOf } from "./plan-inodes.js";
import { entryBytes } from "./xattrs.js";

/** A name and value, however many inodes have it. */
export interface PlannedXattr {
  readonly name: Name;
  readonly value: Uint8Array;
  readonly nameIndex: number;
  /** The name behind the prefix that `nameIndex` stands for. */
  readonly suffix: string;
  /** Of its entry, with padding. */
  readonly bytes: number;
  uses: number;
  /** Where its entry stands in the shared area, in bytes; undefined: it is in the inode. */
  sharedAt: number | undefined;
}

/** Shared xattrs that an inode can refer to: `sharedCount` has 8 bits. */
export const maxSharedPerInode = 255;

/**
 * Gives every inode its xattrs and their size. What two or more inodes have goes into the shared area, which is returned
 * in byte order of name and value.
 */
export function planXattrs(inodes: readonly PlannedInode[]): PlannedXattr[] {
  const known = new Map<string, PlannedXattr>();
  for (const inode of inodes) {
    if (inode.node.xattrs.length > 0)
      inode.xattrs = ordered(inode.node.xattrs).map((xattr) => intern(known, xattr, inode));
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
  return shared;
}

/** Trees keep them in order; one that doesn't must not change the image. */
function ordered(xattrs: readonly Xattr[]): readonly Xattr[] {
  return xattrs.every(({ name }, index) => index === 0 || (xattrs[index - 1]?.name ?? "") < name)
    ? xattrs
    : sortXattrs(xattrs);
}

function intern(known: Map<string, PlannedXattr>, { name, value }: Xattr, inode: PlannedInode): PlannedXattr {
  const key = `${name}\0${nameFromBytes(value)}`;
  let xattr = known.get(key);
  if (xattr === undefined) {
    xattr = newXattr(name, value, inode);
    known.set(key, xattr);
  }
  xattr.uses += 1;
  return xattr;
}

/** ACLs have an index for the whole name, the others for what stands before the first dot. */
function splitName(name: Name): { nameIndex: number; suffix: string } | undefined {
  for (const [index, prefix] of Object.entries(xattrNamePrefixes)) {
    const matches = prefix.endsWith(".") ? name.startsWith(prefix) && name !== prefix : name === prefix;
    if (matches) return { nameIndex: Number(index), suffix: name.slice(prefix.length) };
  }
  return undefined;
}

function newXattr(name: Name, value: Uint8Array, inode: PlannedInode): PlannedXattr {
  const fail = (code: "LIMIT_XATTR" | "UNSUPPORTED_XATTR" | "MALFORMED_TREE", message: string) =>
    new ErofsError(code, message, { path: pathOf(inode), xattr: nameToText(name) });
  const split = splitName(name);
  if (split === undefined) throw fail("UNSUPPORTED_XATTR", `EROFS has no place for the xattr ${nameToText(name)}`);
  if (/[^\x01-\xff]/.test(name)) throw fail("MALFORMED_TREE", `"${nameToText(name)}" cannot be an xattr's name`);
  if (name.length > maxNameBytes) throw fail("LIMIT_XATTR", `the name of an xattr is ${name.length} bytes long`);
  if (value.length > maxXattrValueBytes) {
    throw fail("LIMIT_XATTR", `${nameToText(name)} is ${value.length} bytes long, more than ${maxXattrValueBytes}`);
  }
  return { name, value, ...split, bytes: entryBytes(split.suffix.length, value.length), uses: 0, sharedAt: undefined };
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
