import { type ByteSource, toSafeNumber, viewOf } from "@sextant/bytes";
import type { NodeKind } from "@sextant/tree";
import { ErofsError } from "./errors.js";
import {
  chunkFormat,
  compactInodeRecord,
  type DataLayout,
  dataLayout,
  extendedInodeRecord,
  fileType,
  inodeFormat,
  inodeSlotBytes,
  metaboxNids,
  modeType,
  nullBlock32,
  nullBlock48,
} from "./layout.js";
import { type Superblock, signedSeconds } from "./superblock.js";
import { readBytes, type Volume } from "./volume.js";

/** Whether an inode stands in the metabox. */
export function isBoxed(nid: number): boolean {
  return nid >= metaboxNids;
}

/** An inode number in messages and paths. */
export function nidText(nid: number): string {
  return isBoxed(nid) ? `${nid - metaboxNids} of the metabox` : String(nid);
}

/** The bytes among which an inode stands, and what belongs to it: xattrs, indexes, inline data. */
export function metadataOf(volume: Volume, inode: { readonly nid: number }): Promise<ByteSource> | ByteSource {
  return isBoxed(inode.nid) ? volume.metabox() : volume.pages;
}

/** A decoded inode: the two forms on disk made one. */
export interface Inode {
  readonly nid: number;
  /** Where it stands, in bytes: in the image, or in the metabox's data. */
  readonly offset: number;
  /** 32 or 64. */
  readonly headerBytes: number;
  readonly xattrBytes: number;
  readonly layout: DataLayout;
  readonly kind: NodeKind;
  /** Without the file type. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly nlink: number;
  readonly size: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  /** Of devices. */
  readonly device: { readonly major: number; readonly minor: number } | undefined;
  /** Of flat data: its first block; null: all of it is a hole. */
  readonly startBlock: number | null;
  /** Of chunk-based data. */
  readonly chunk: ChunkFormat | undefined;
  /** Of directories: there is no `.` entry. */
  readonly dotOmitted: boolean;
}

export interface ChunkFormat {
  /** Bytes of a chunk. */
  readonly bytes: number;
  /** 8-byte indexes rather than 4-byte block numbers. */
  readonly indexes: boolean;
  /** Indexes have 48-bit block numbers. */
  readonly wide: boolean;
}

/** Where an inode's xattrs end: inline data, chunk indexes or compression indexes follow. */
export function bodyOffset(inode: Inode): number {
  return inode.offset + inode.headerBytes + inode.xattrBytes;
}

/** Whether the data is in compressed clusters. */
export function isCompressed(layout: DataLayout): boolean {
  return layout === dataLayout.compressedFull || layout === dataLayout.compressedCompact;
}

const kinds: Readonly<Record<number, NodeKind>> = {
  [modeType.fifo]: "fifo",
  [modeType.characterDevice]: "character-device",
  [modeType.directory]: "directory",
  [modeType.blockDevice]: "block-device",
  [modeType.file]: "file",
  [modeType.symlink]: "symlink",
  [modeType.socket]: "socket",
};

/** The node kind of each directory entry type; that of `unknown` stands in the inode alone. */
export const kindOfFileType: Readonly<Record<number, NodeKind>> = {
  [fileType.file]: "file",
  [fileType.directory]: "directory",
  [fileType.characterDevice]: "character-device",
  [fileType.blockDevice]: "block-device",
  [fileType.fifo]: "fifo",
  [fileType.socket]: "socket",
  [fileType.symlink]: "symlink",
};

/** What both forms have, as numbers. */
interface Common {
  readonly format: number;
  readonly xattrCount: number;
  readonly mode: number;
  readonly address: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly nlink: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  /** startblk_hi, or undefined where the form has none. */
  readonly high: number | undefined;
}

/** Reads and checks one inode. One request, of the page it is in, unless that is cached. */
export async function readInode(volume: Volume, nid: number): Promise<Inode> {
  const { metaOffset } = volume.superblock;
  const offset = (isBoxed(nid) ? nid - metaboxNids : nid) * inodeSlotBytes + (isBoxed(nid) ? 0 : metaOffset);
  const fail = failure(nid, offset);
  const area = await metadataOf(volume, { nid });
  const compactEnd = offset + compactInodeRecord.size;
  if (!Number.isSafeInteger(offset) || compactEnd > area.size) {
    throw fail("MALFORMED_INODE", "format", `inode ${nidText(nid)} would stand at byte ${offset} of ${area.size}`);
  }
  let bytes = await area.read(offset, compactEnd);
  const [format = 0] = bytes;
  if ((format & inodeFormat.extended) !== 0) {
    bytes = await readBytes(area, offset, offset + extendedInodeRecord.size, `inode ${nidText(nid)}`);
  }
  return decodeInode(volume.superblock, bytes, nid, offset);
}

type Fail = (code: "MALFORMED_INODE" | "UNSUPPORTED_LAYOUT", field: string, message: string) => ErofsError;

const failure =
  (nid: number, offset: number): Fail =>
  (code, field, message) =>
    new ErofsError(code, message, { path: `inode ${nidText(nid)}.${field}`, offset, nid });

/** Decodes the inode that `bytes` begins with; 64 bytes where it is extended. */
export function decodeInode(superblock: Superblock, bytes: Uint8Array, nid: number, offset: number): Inode {
  const fail = failure(nid, offset);
  const format = (bytes[0] ?? 0) + 256 * (bytes[1] ?? 0);
  if ((format & ~inodeFormat.all) !== 0) {
    throw fail("UNSUPPORTED_LAYOUT", "format", `the inode has the unknown format 0x${format.toString(16)}`);
  }
  const layout = (format >> inodeFormat.layoutShift) & inodeFormat.layoutMask;
  if (layout > dataLayout.chunkBased) {
    throw fail("UNSUPPORTED_LAYOUT", "format", `the inode has the unknown data layout ${layout}`);
  }
  const extended = (format & inodeFormat.extended) !== 0;
  const view = viewOf(bytes);
  const common = extended ? decodeExtended(view, nid, offset) : decodeCompact(superblock, view);
  const kind = kinds[common.mode & modeType.mask];
  if (kind === undefined) {
    throw fail("MALFORMED_INODE", "mode", `mode 0${common.mode.toString(8)} is of no file type`);
  }
  if (common.mtimeNanoseconds > 999_999_999) {
    throw fail("MALFORMED_INODE", "mtimeNanoseconds", `a second has no ${common.mtimeNanoseconds} nanoseconds`);
  }
  const isDevice = kind === "character-device" || kind === "block-device";
  const hasData = kind === "file" || kind === "directory" || kind === "symlink";
  return {
    nid,
    offset,
    headerBytes: extended ? extendedInodeRecord.size : compactInodeRecord.size,
    xattrBytes: common.xattrCount === 0 ? 0 : 12 + 4 * (common.xattrCount - 1),
    layout: layout as DataLayout,
    kind,
    mode: common.mode & modeType.permissions,
    uid: common.uid,
    gid: common.gid,
    nlink: common.nlink,
    size: common.size,
    mtimeSeconds: common.mtimeSeconds,
    mtimeNanoseconds: common.mtimeNanoseconds,
    device: isDevice ? decodeDevice(common.address) : undefined,
    startBlock: hasData ? startBlockOf(layout, common) : 0,
    chunk: hasData && layout === dataLayout.chunkBased ? chunkOf(superblock, common.address, fail) : undefined,
    dotOmitted: kind === "directory" && (format & inodeFormat.dotOmitted) !== 0,
  };
}

// Walks decode millions of inodes; the records' own `decode` takes four times as long as reading the fields one by one.

function decodeCompact(superblock: Superblock, view: DataView): Common {
  const { offsets } = compactInodeRecord;
  const u16 = (field: keyof typeof offsets) => view.getUint16(offsets[field], true);
  const u32 = (field: keyof typeof offsets) => view.getUint32(offsets[field], true);
  const [format, mode, nlinkOrHigh] = [u16("format"), u16("mode"), u16("nlinkOrHigh")];
  const isDirectory = (mode & modeType.mask) === modeType.directory;
  const oneLink = !isDirectory && (format & inodeFormat.oneLink) !== 0;
  return {
    format,
    xattrCount: u16("xattrCount"),
    mode,
    address: u32("address"),
    uid: u16("uid"),
    gid: u16("gid"),
    size: u32("size"),
    nlink: oneLink ? 1 : nlinkOrHigh,
    high: oneLink ? nlinkOrHigh : undefined,
    mtimeSeconds: superblock.epochSeconds + u32("mtime"),
    mtimeNanoseconds: superblock.record.fixedNanoseconds,
  };
}

function decodeExtended(view: DataView, nid: number, offset: number): Common {
  const { offsets } = extendedInodeRecord;
  const u16 = (field: keyof typeof offsets) => view.getUint16(offsets[field], true);
  const u32 = (field: keyof typeof offsets) => view.getUint32(offsets[field], true);
  const u64 = (field: keyof typeof offsets) => view.getBigUint64(offsets[field], true);
  return {
    format: u16("format"),
    xattrCount: u16("xattrCount"),
    mode: u16("mode"),
    address: u32("address"),
    uid: u32("uid"),
    gid: u32("gid"),
    size: toSafeNumber(u64("size"), `inode ${nid}.size`, offset + offsets.size),
    nlink: u32("nlink"),
    high: u16("high"),
    mtimeSeconds: signedSeconds(u64("mtime"), `inode ${nid}.mtime`, offset + offsets.mtime),
    mtimeNanoseconds: u32("mtimeNanoseconds"),
  };
}

/** Only plain data can be without blocks; with inline data the same number says that there is nothing but the tail. */
function startBlockOf(layout: number, { address, high }: Common): number | null {
  const block = address + (high ?? 0) * 2 ** 32;
  const none = high === undefined ? nullBlock32 : nullBlock48;
  return layout === dataLayout.flatPlain && block === none ? null : block;
}

function chunkOf({ blockBytes }: Superblock, address: number, fail: Fail): ChunkFormat {
  const format = address % 65536;
  if ((format & ~chunkFormat.all) !== 0) {
    throw fail("UNSUPPORTED_LAYOUT", "address", `the inode has the unknown chunk format 0x${format.toString(16)}`);
  }
  return {
    bytes: blockBytes * 2 ** (format & chunkFormat.blocksLog2Mask),
    indexes: (format & chunkFormat.indexes) !== 0,
    wide: (format & chunkFormat.high) !== 0,
  };
}

/** Linux's `new_decode_dev`: the minor's low byte, the major in 12 bits, the rest of the minor. */
function decodeDevice(rdev: number): { major: number; minor: number } {
  return { major: (rdev >>> 8) & 0xfff, minor: (rdev & 0xff) + ((rdev >>> 12) & 0xfff00) };
}

/** Linux's `new_encode_dev`. */
export function encodeDevice(major: number, minor: number): number {
  return (minor & 0xff) + major * 256 + (minor >>> 8) * 2 ** 20;
}
