import { mostAligned } from "./directory.js";
import { compactInodeRecord, extendedInodeRecord, inodeSlotBytes, superblockRecord, superOffset } from "./layout.js";
import { chunkListBytes } from "./plan-chunks.js";
import { blockOfName, shapeDirectory } from "./plan-directories.js";
import type { Front } from "./plan-front.js";
import type { PlannedInode } from "./plan-inodes.js";
import { blockBytes, type SlotAllocator, slotAllocator, slotsPerBlock } from "./plan-slots.js";
import type { PlannedXattr } from "./plan-xattrs.js";

export interface LayoutOptions {
  /** Says which inodes refer to blocks of others. */
  share(inodes: readonly PlannedInode[]): void;
  /** Blocks of stored data, and bytes that stand behind the superblock. */
  readonly stored: { readonly blocks: number; readonly configBytes: number };
}

/** Where everything that has no inode number stands. */
export interface Layout {
  /** Offset of the shared xattrs in the image, in bytes. */
  readonly sharedOffset: number;
  /** Metadata stands before this block, file data from here on. */
  readonly dataBlock: number;
  /** Blocks in all. */
  readonly blocks: number;
}

/** Bytes of an inode and its xattrs. */
export function nodeBytes({ extended, xattrBytes }: PlannedInode): number {
  return (extended ? extendedInodeRecord.size : compactInodeRecord.size) + xattrBytes;
}

/** The same with the numbers of its chunks or the map of its extents: all but inline data. */
export function headBytes(inode: PlannedInode): number {
  return nodeBytes(inode) + chunkListBytes(inode) + (inode.map?.bytes ?? 0);
}

const slotsOf = (inode: PlannedInode) => Math.ceil((headBytes(inode) + inode.inlineBytes) / inodeSlotBytes);

/** Whether stored data makes an inode so large that it shares several blocks with others. */
export function spansBlocks(inode: PlannedInode): boolean {
  return inode.stored !== undefined && slotsOf(inode) > slotsPerBlock;
}

/** Splits an inode's data into the tail that stands behind the inode, if a block takes both, and whole blocks. */
function splitData(inode: PlannedInode): void {
  if (inode.stored) {
    inode.inlineBytes = inode.stored.inline?.size ?? 0;
    inode.blocks = inode.stored.kind === "flat" ? Math.ceil((inode.size - inode.inlineBytes) / blockBytes) : 0;
    return;
  }
  const tail = inode.size % blockBytes;
  inode.inlineBytes = tail > 0 && headBytes(inode) + tail <= blockBytes ? tail : 0;
  inode.blocks = Math.ceil((inode.size - inode.inlineBytes) / blockBytes);
}

/**
 * Places inodes and data. Block 0 takes what `front` wants first, or as much of it as fits. Then come the other inodes in
 * the order given, the data of directories, and the data of files in that same order. `share` is asked, once it is known
 * what data takes by itself, which inodes refer to blocks of others. Stored data comes before other data of files.
 */
export function layOut(
  inodes: readonly PlannedInode[],
  front: Front,
  shared: readonly Pick<PlannedXattr, "bytes">[],
  { share, stored }: LayoutOptions,
): Layout {
  for (const inode of inodes) splitData(inode);
  share(inodes);
  for (const directory of front.directories.keys()) keepOutOfLine(directory);
  const firstSlot = Math.ceil((superOffset + superblockRecord.size + stored.configBytes) / inodeSlotBytes);
  const slots = slotAllocator(firstSlot);
  const placed = new Set<PlannedInode>();
  const place = (inode: PlannedInode) => {
    if (placed.has(inode)) return;
    inode.nid = spansBlocks(inode)
      ? slots.placeAcross(headBytes(inode), inode.inlineBytes)
      : slots.place(slotsOf(inode));
    placed.add(inode);
  };
  for (const inode of fittingBlockZero(front, slotsPerBlock - firstSlot)) place(inode);
  // The superblock has 16 bits for the root's number, so nothing large comes before it.
  for (const root of inodes.slice(0, 1)) place(root);
  for (const [directory, childIndex] of front.directories) placeProbedFirst(slots, directory, childIndex);
  for (const inode of front.inodes) place(inode);
  const sharedOffset = placeShared(slots, shared);
  for (const inode of inodes) place(inode);
  placeDirectoryData(slots, inodes);
  const dataBlock = slots.end();
  return { sharedOffset, dataBlock, blocks: placeFileData(inodes, dataBlock, stored.blocks) };
}

function placeDirectoryData(slots: SlotAllocator, inodes: readonly PlannedInode[]): void {
  for (const inode of inodes) {
    const isPlaced = inode.startBlock > 0;
    if (inode.entries !== undefined && inode.blocks > 0 && !isPlaced) inode.startBlock = slots.takeBlocks(inode.blocks);
  }
}

function placeFileData(inodes: readonly PlannedInode[], dataBlock: number, storedBlocks: number): number {
  let next = dataBlock + storedBlocks;
  for (const inode of inodes) {
    if (inode.stored?.kind === "flat") inode.startBlock = dataBlock + inode.stored.firstBlock;
    if (inode.stored) continue;
    if (inode.entries !== undefined || inode.blocks === 0) continue;
    inode.startBlock = inode.blocksOf?.startBlock ?? next;
    if (!inode.blocksOf) next += inode.blocks;
  }
  return next;
}

/**
 * Those of the front's inodes that block 0 takes, in the front's order. The way to the first file of each directory comes
 * before the other files, since whoever asks for those needs it too; among equals the smallest come first.
 */
function fittingBlockZero(front: Front, room: number): PlannedInode[] {
  const way = new Set<PlannedInode | undefined>(front.directories.keys());
  for (const [directory, index] of front.directories) way.add(directory.entries?.inodes[index]);
  const rank = (inode: PlannedInode) => slotsOf(inode) + (way.has(inode) ? 0 : slotsPerBlock);
  let free = room;
  const fitting = new Set<PlannedInode>();
  for (const inode of [...front.inodes].sort((a, b) => rank(a) - rank(b))) {
    const slots = slotsOf(inode);
    if (slots > free) continue;
    free -= slots;
    fitting.add(inode);
  }
  return front.inodes.filter((inode) => fitting.has(inode));
}

/** The shared xattrs stand between inodes where one block takes them, else in blocks of their own. */
function placeShared(slots: SlotAllocator, shared: readonly Pick<PlannedXattr, "bytes">[]): number {
  let bytes = 0;
  for (const xattr of shared) bytes += xattr.bytes;
  return bytes === 0 ? 0 : slots.place(Math.ceil(bytes / inodeSlotBytes)) * inodeSlotBytes;
}

/** A directory on the way to the front that is too large to stand behind its inode keeps all its data in blocks. */
function keepOutOfLine(directory: PlannedInode): void {
  if (directory.blocks === 0) return;
  directory.inlineBytes = 0;
  directory.blocks = Math.ceil(directory.size / blockBytes);
}

/** Places such data so that the block with the entry on the way is the first that a lookup probes (see `mostAligned`). */
function placeProbedFirst(slots: SlotAllocator, directory: PlannedInode, childIndex: number): void {
  if (directory.blocks === 0 || directory.entries === undefined) return;
  const wanted = blockOfName(shapeDirectory(directory.entries.names, blockBytes), childIndex);
  let start = slots.end();
  while (mostAligned(0, directory.blocks, start) !== wanted) start += 1;
  directory.startBlock = start;
  slots.reserve(start, directory.blocks);
}
