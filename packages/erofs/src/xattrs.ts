import { type ByteSource, toHex, viewOf } from "@sextant/bytes";
import { compareNames, type Name, nameFromBytes, type Xattr } from "@sextant/tree";
import { ErofsError } from "./errors.js";
import { featureCompat, hasFeature } from "./features.js";
import { type Inode, metadataOf, nidText } from "./inode.js";
import {
  longPrefixFlag,
  sharedXattrIdBytes,
  xattrAlign,
  xattrEntryRecord,
  xattrHeaderRecord,
  xattrNamePrefixes,
} from "./layout.js";
import { readPrefixes } from "./prefixes.js";
import { readBytes, type Volume } from "./volume.js";

/** An xattr entry as it is stored: the name without its prefix. */
export interface StoredXattr {
  /** Where the entry stands in its area, in bytes. */
  readonly offset: number;
  /** Bytes of the entry, with its padding. */
  readonly bytes: number;
  readonly nameIndex: number;
  readonly suffix: Uint8Array;
  readonly value: Uint8Array;
}

/** The parts of an inode's xattr body. */
export interface XattrBody {
  readonly offset: number;
  readonly sharedIds: readonly number[];
  readonly inline: readonly StoredXattr[];
}

/** Bytes of an entry, with its padding. */
export function entryBytes(nameLength: number, valueSize: number): number {
  return Math.ceil((xattrEntryRecord.size + nameLength + valueSize) / xattrAlign) * xattrAlign;
}

/** Reads an inode's xattr body: what is inline, and the ids of what is shared. */
export async function readXattrBody(volume: Volume, inode: Inode): Promise<XattrBody | undefined> {
  if (inode.xattrBytes === 0) return undefined;
  const offset = inode.offset + inode.headerBytes;
  const path = `inode ${nidText(inode.nid)}.xattrs`;
  const fail = (message: string, at: number) =>
    new ErofsError("MALFORMED_XATTR", message, { path, offset: offset + at, nid: inode.nid });
  const area = await metadataOf(volume, inode);
  const bytes = await readBytes(area, offset, offset + inode.xattrBytes, path);
  const { sharedCount } = xattrHeaderRecord.decode(bytes, 0, offset);
  let at = xattrHeaderRecord.size + sharedXattrIdBytes * sharedCount;
  if (at > bytes.length) throw fail(`${sharedCount} shared xattrs do not fit a body of ${bytes.length} bytes`, 0);
  const view = viewOf(bytes);
  const sharedIds = Array.from({ length: sharedCount }, (_, index) =>
    view.getUint32(xattrHeaderRecord.size + sharedXattrIdBytes * index, true),
  );
  const inline: StoredXattr[] = [];
  while (at < bytes.length) {
    const { nameLength, nameIndex, valueSize } = xattrEntryRecord.decode(bytes, at, offset);
    const size = entryBytes(nameLength, valueSize);
    if (size > bytes.length - at) throw fail("an xattr is longer than what is left of the body", at);
    const nameAt = at + xattrEntryRecord.size;
    inline.push({
      offset: offset + at,
      bytes: size,
      nameIndex,
      suffix: bytes.subarray(nameAt, nameAt + nameLength),
      value: bytes.subarray(nameAt + nameLength, nameAt + nameLength + valueSize),
    });
    at += size;
  }
  return { offset, sharedIds, inline };
}

/** Where an entry's parts are. */
interface EntryPlace {
  readonly offset: number;
  readonly bytes: number;
  readonly nameIndex: number;
  readonly suffix: Uint8Array;
  readonly valueAt: number;
  readonly valueEnd: number;
}

/** The bytes that shared xattrs stand among: those of the image, or of the metabox. */
export function sharedXattrArea(volume: Volume): Promise<ByteSource> | ByteSource {
  const { featureCompat: bits } = volume.superblock.record;
  return hasFeature(bits, featureCompat.sharedXattrsInMetabox) ? volume.metabox() : volume.pages;
}

/** Reads an entry of the shared area but for its value. */
export async function readSharedName(volume: Volume, id: number): Promise<EntryPlace> {
  const { superblock } = volume;
  const pages = await sharedXattrArea(volume);
  const path = `shared xattr ${id}`;
  const offset = superblock.xattrOffset + id * sharedXattrIdBytes;
  const nameAt = offset + xattrEntryRecord.size;
  const head = xattrEntryRecord.decode(await readBytes(pages, offset, nameAt, path), 0, offset);
  const { nameLength, nameIndex, valueSize } = head;
  const valueAt = nameAt + nameLength;
  return {
    offset,
    bytes: entryBytes(nameLength, valueSize),
    nameIndex,
    suffix: await readBytes(pages, nameAt, valueAt, path),
    valueAt,
    valueEnd: valueAt + valueSize,
  };
}

/** Reads one entry of the shared area. */
export async function readSharedXattr(volume: Volume, id: number): Promise<StoredXattr> {
  const place = await readSharedName(volume, id);
  const value = await readBytes(await sharedXattrArea(volume), place.valueAt, place.valueEnd, `shared xattr ${id}`);
  return { ...place, value };
}

/**
 * The whole name, or undefined for an entry that Linux does not show: one of an unknown namespace (index 0 is what
 * erofs-utils gives attributes of its own).
 */
export async function fullName(volume: Volume, xattr: Omit<StoredXattr, "value">): Promise<Name | undefined> {
  const suffix = nameFromBytes(xattr.suffix);
  if (suffix.includes("\0")) {
    throw new ErofsError("MALFORMED_XATTR", `the xattr name ${toHex(xattr.suffix)} has a NUL byte`, {
      path: "xattr.name",
      offset: xattr.offset,
    });
  }
  if (xattr.nameIndex < longPrefixFlag) return prefixed(xattr.nameIndex, suffix);
  const prefix = (await readPrefixes(volume))[xattr.nameIndex - longPrefixFlag];
  return prefix === undefined ? undefined : prefixed(prefix.baseIndex, `${prefix.infix}${suffix}`);
}

function prefixed(nameIndex: number, rest: string): Name | undefined {
  const prefix = (xattrNamePrefixes as Readonly<Record<number, string>>)[nameIndex];
  return prefix === undefined ? undefined : (`${prefix}${rest}` as Name);
}

/** All xattrs of an inode that Linux would show, in byte order of their names. Inline ones hide shared ones. */
export async function readXattrs(volume: Volume, inode: Inode): Promise<readonly Xattr[]> {
  const body = await readXattrBody(volume, inode);
  if (body === undefined) return [];
  const found = new Map<Name, Xattr>();
  const add = async (stored: StoredXattr) => {
    const name = await fullName(volume, stored);
    if (name !== undefined && !found.has(name)) found.set(name, { name, value: stored.value.slice() });
  };
  for (const stored of body.inline) await add(stored);
  for (const id of body.sharedIds) await add(await readSharedXattr(volume, id));
  return [...found.values()].sort((a, b) => compareNames(a.name, b.name));
}
