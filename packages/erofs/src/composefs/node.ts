import type { Name, Xattr } from "@sextant/tree";
import { ErofsError } from "../errors.js";
import { modeType } from "../layout.js";
import { blockBytes, maxXattrCost } from "./layout.js";

/**
 * An inode as composefs knows it: what a line of its dump format tells. Numbers are what `stat` gives, and need not agree
 * with each other: a link count is what was told, a size that of content which is elsewhere.
 */
export interface ComposefsNode {
  /** `st_mode`: type and permissions. */
  readonly mode: number;
  /** Names of the inode. Directories get a count of their own. */
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  /** `st_rdev`, as 32 bits. */
  readonly rdev: number;
  /** Bytes of a file. */
  readonly size: number;
  /** Since 1970, may be negative. */
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  /** The target of a symlink; of a file, the path of its object below the object store. */
  readonly payload: Name | undefined;
  /** Of a file: its bytes, if they go into the image. */
  readonly content: Uint8Array | undefined;
  /** Of a file: the fs-verity digest (SHA-256, blocks of 4096 bytes) that its object must have. */
  readonly digest: Uint8Array | undefined;
  /** In byte order of their names, each name once. */
  readonly xattrs: readonly Xattr[];
  /** Of a directory, in any order. */
  readonly entries: ReadonlyMap<Name, ComposefsEntry> | undefined;
}

/** A name in a directory. */
export interface ComposefsEntry {
  readonly node: ComposefsNode;
  /** Whether this is a further name of an inode that stands elsewhere in the tree. */
  readonly isLink: boolean;
}

export const typeOf = ({ mode }: { readonly mode: number }) => mode & modeType.mask;

const types: ReadonlySet<number> = new Set([
  modeType.fifo,
  modeType.characterDevice,
  modeType.directory,
  modeType.blockDevice,
  modeType.file,
  modeType.symlink,
  modeType.socket,
]);

/** Whether a mode says what the inode is. */
export const hasType = (mode: number) => types.has(mode & modeType.mask);

/** What an xattr counts against `maxXattrCost`, in bytes: its entry with the worst padding. */
export const xattrCost = ({ name, value }: Xattr) => 7 + name.length + value.length;

/** Throws `LIMIT_XATTR` where the xattrs of an inode are more than composefs takes. */
export function checkXattrs(xattrs: readonly Xattr[], pathOf: () => string): void {
  let cost = xattrs.length === 0 ? 0 : 12;
  for (const xattr of xattrs) cost += xattrCost(xattr);
  if (cost <= maxXattrCost) return;
  throw new ErofsError("LIMIT_XATTR", `the xattrs take ${cost} bytes, more than the ${maxXattrCost} of composefs`, {
    path: pathOf(),
  });
}

/** What EROFS_CHUNK_FORMAT_BLKBITS_MASK leaves. 1024 such chunks, whose numbers fill a block, make 2^53 bytes. */
const maxBlocksLog2 = 31;

/** As few chunks as there can be, each as small as it can be. `mkcomposefs` takes no file of more than 1024. */
export function chunksOf(size: number): { readonly blocksLog2: number; readonly count: number } {
  let blocksLog2 = 0;
  while (blockBytes * 2 ** blocksLog2 < size && blocksLog2 < maxBlocksLog2) blocksLog2 += 1;
  return { blocksLog2, count: Math.ceil(size / (blockBytes * 2 ** blocksLog2)) };
}
