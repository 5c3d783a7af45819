import type { NodeKind } from "@sextant/tree";
import { encodeDevice } from "./inode.js";
import {
  chunkBlockBytes,
  compactInodeRecord,
  type DataLayout,
  dataLayout,
  direntRecord,
  extendedInodeRecord,
  fileType,
  inodeFormat,
  modeType,
  nullBlock32,
  sharedXattrIdBytes,
  xattrEntryRecord,
  xattrHeaderRecord,
} from "./layout.js";
import type { ErofsPlan } from "./plan.js";
import type { PlannedChunks } from "./plan-chunks.js";
import type { PlannedInode } from "./plan-inodes.js";
import { type PlannedXattr, splitXattrs } from "./plan-xattrs.js";
import { xattrFilter } from "./xattr-filter.js";
import { prefixIndex } from "./xattr-prefixes.js";

export const modeTypes: Readonly<Record<NodeKind, number>> = {
  fifo: modeType.fifo,
  "character-device": modeType.characterDevice,
  directory: modeType.directory,
  "block-device": modeType.blockDevice,
  file: modeType.file,
  symlink: modeType.symlink,
  socket: modeType.socket,
};

const fileTypes: Readonly<Record<NodeKind, number>> = {
  file: fileType.file,
  directory: fileType.directory,
  "character-device": fileType.characterDevice,
  "block-device": fileType.blockDevice,
  fifo: fileType.fifo,
  socket: fileType.socket,
  symlink: fileType.symlink,
};

/**
 * Writes the inode, without what follows it. `serial` is what 32-bit programs see as its number. Half a million of them
 * would take seconds through the records' own `set`, which looks every field up.
 */
export function writeInode(view: DataView, at: number, inode: PlannedInode, serial: number, wide: boolean): void {
  const { node, xattrBytes, extended } = inode;
  const { offsets } = extended ? extendedInodeRecord : compactInodeRecord;
  const oneLink = wide && !extended && inode.nlink === 1 && inode.entries === undefined;
  const form = (extended ? inodeFormat.extended : 0) + (oneLink ? inodeFormat.oneLink : 0);
  const format = form + layoutOf(inode) * 2 ** inodeFormat.layoutShift;
  view.setUint16(at + offsets.format, format, true);
  view.setUint16(at + offsets.xattrCount, xattrBytes === 0 ? 0 : (xattrBytes - xattrHeaderRecord.size) / 4 + 1, true);
  view.setUint16(at + offsets.mode, modeTypes[node.kind] + node.mode, true);
  const address = addressOf(inode);
  view.setUint32(at + offsets.address, address % 2 ** 32, true);
  view.setUint32(at + offsets.serial, serial, true);
  const high = Math.floor(address / 2 ** 32);
  if (extended) writeExtended(view, at, inode, high);
  else writeCompact(view, at, inode, oneLink ? high : inode.nlink);
}

function layoutOf({ chunks, map, inlineBytes }: PlannedInode): DataLayout {
  if (chunks) return dataLayout.chunkBased;
  if (map) return map.form === "compact" ? dataLayout.compressedCompact : dataLayout.compressedFull;
  return inlineBytes > 0 ? dataLayout.flatInline : dataLayout.flatPlain;
}

/** Its time is the superblock's, `mtime` stays 0: kernels before 6.15 do not know that it adds to that. */
function writeCompact(view: DataView, at: number, { node, size }: PlannedInode, nlinkOrHigh: number): void {
  const { offsets } = compactInodeRecord;
  view.setUint16(at + offsets.nlinkOrHigh, nlinkOrHigh, true);
  view.setUint32(at + offsets.size, size, true);
  view.setUint16(at + offsets.uid, node.uid, true);
  view.setUint16(at + offsets.gid, node.gid, true);
}

function writeExtended(view: DataView, at: number, inode: PlannedInode, high: number): void {
  const { offsets } = extendedInodeRecord;
  view.setUint16(at + offsets.high, high, true);
  view.setBigUint64(at + offsets.size, BigInt(inode.size), true);
  view.setUint32(at + offsets.uid, inode.node.uid, true);
  view.setUint32(at + offsets.gid, inode.node.gid, true);
  view.setBigInt64(at + offsets.mtime, BigInt(inode.mtimeSeconds), true);
  view.setUint32(at + offsets.mtimeNanoseconds, inode.mtimeNanoseconds, true);
  view.setUint32(at + offsets.nlink, inode.nlink, true);
}

/** What stands as `address`, and above 32 bits as `high`. */
function addressOf({ node, blocks, startBlock, chunks, map }: PlannedInode): number {
  if (chunks) return chunks.blocksLog2;
  if (map) return map.blocks;
  switch (node.kind) {
    case "character-device":
    case "block-device":
      return encodeDevice(node.major, node.minor);
    case "fifo":
    case "socket":
      return 0;
    default:
      return blocks > 0 ? startBlock : nullBlock32;
  }
}

/** Writes the xattr body that follows the inode: header, ids of shared xattrs, entries. */
export function writeXattrBody(bytes: Uint8Array, view: DataView, start: number, inode: PlannedInode, plan: ErofsPlan) {
  const { shared, inline } = splitXattrs(inode);
  const nameFilter = plan.xattrFilter ? xattrFilter(inode.xattrs.map(({ filterBit }) => filterBit)) : 0;
  xattrHeaderRecord.set(view, start, { nameFilter, sharedCount: shared.length, reserved: new Uint8Array(7) });
  let at = start + xattrHeaderRecord.size;
  for (const { sharedAt = 0 } of shared) {
    view.setUint32(at, ((plan.sharedOffset % plan.blockBytes) + sharedAt) / sharedXattrIdBytes, true);
    at += sharedXattrIdBytes;
  }
  for (const xattr of inline) {
    writeXattr(bytes, view, at, xattr);
    at += xattr.bytes;
  }
}

/** Writes the numbers of the blocks where chunks begin. */
export function writeChunkList(view: DataView, start: number, { places }: PlannedChunks): void {
  for (const [index, place] of places.entries()) {
    const block = place === undefined ? nullBlock32 : place.inode.startBlock + place.block;
    view.setUint32(start + chunkBlockBytes * index, block, true);
  }
}

/** What an entry says; `prefix` takes the place of the namespace. */
export interface XattrEntry extends Pick<PlannedXattr, "nameIndex" | "suffix" | "value"> {
  readonly prefix?: PlannedXattr["prefix"];
}

/** Writes an entry, be it in an inode or in the shared area. */
export function writeXattr(bytes: Uint8Array, view: DataView, at: number, xattr: XattrEntry): void {
  const { prefix, suffix, value } = xattr;
  const nameIndex = prefix === undefined ? xattr.nameIndex : prefixIndex(prefix);
  xattrEntryRecord.set(view, at, { nameLength: suffix.length, nameIndex, valueSize: value.length });
  writeText(bytes, at + xattrEntryRecord.size, suffix);
  bytes.set(value, at + xattrEntryRecord.size + suffix.length);
}

/** Writes a string of bytes; gives the position behind it. */
export function writeText(bytes: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
  return at + text.length;
}

/** Writes the directory block that holds the entries `[first, end)`. */
export function writeDirentBlock(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  { entries }: PlannedInode,
  first: number,
  end: number,
): void {
  const { offsets, size } = direntRecord;
  let at = start;
  let nameAt = start + size * (end - first);
  for (let index = first; index < end; index++) {
    const name = entries?.names[index];
    const child = entries?.inodes[index];
    if (name === undefined || child === undefined) throw new RangeError(`a directory has no entry ${index}`);
    view.setUint32(at + offsets.nid, child.nid % 2 ** 32, true);
    view.setUint32(at + offsets.nid + 4, Math.floor(child.nid / 2 ** 32), true);
    view.setUint16(at + offsets.nameOffset, nameAt - start, true);
    view.setUint8(at + offsets.fileType, fileTypes[child.node.kind]);
    nameAt = writeText(bytes, nameAt, name);
    at += size;
  }
}
