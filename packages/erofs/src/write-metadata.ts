import { viewOf } from "@sextant/bytes";
import { encodeMap, type PlannedMap } from "./compressed/write-map.js";
import { inodeSlotBytes } from "./layout.js";
import type { ErofsPlan } from "./plan.js";
import { shapeDirectory } from "./plan-directories.js";
import type { PlannedInode } from "./plan-inodes.js";
import { headBytes, nodeBytes, spansBlocks } from "./plan-layout.js";
import { slotsPerBlock } from "./plan-slots.js";
import { mapInput } from "./plan-stored.js";
import { sharedXattrBytes } from "./plan-xattrs.js";
import { writeChunkList, writeDirentBlock, writeInode, writeText, writeXattr, writeXattrBody } from "./write-inode.js";
import { prefixTableBytes, writePrefixTable } from "./xattr-prefixes.js";

/** Writes metadata blocks in order, each as soon as the file tails in it are known. */
export interface MetadataWriter {
  /** Puts a part of a file's inline tail in its place, `at` bytes into the tail; undefined bytes are zeros. */
  putTail(inode: PlannedInode, at: number, bytes: Uint8Array | undefined): void;
  /** Says that a tail is complete. */
  endTail(inode: PlannedInode): void;
  /** Hands on every block that is complete and whose predecessors are, but block 0. */
  advance(): void;
  /** Block 0, when all tails are there. */
  firstBlock(): Uint8Array;
}

interface OpenBlock {
  readonly bytes: Uint8Array;
  /** File tails still to come. */
  missing: number;
}

/** A run of blocks that no inode shares. */
interface Run {
  readonly start: number;
  readonly blocks: number;
  write(append: (offset: number, bytes: Uint8Array) => void): void;
}

const blockOf = (inode: PlannedInode) => Math.floor(inode.nid / slotsPerBlock);
const tailOffset = (inode: PlannedInode) => inode.nid * inodeSlotBytes + headBytes(inode);
const hasFileTail = ({ node, inlineBytes }: PlannedInode) => node.kind === "file" && inlineBytes > 0;

/** Blocks go to `append` in ascending order. */
export function metadataWriter(plan: ErofsPlan, append: (offset: number, bytes: Uint8Array) => void): MetadataWriter {
  const { blockBytes, dataBlock } = plan;
  const byNid = [...plan.inodes].sort((a, b) => a.nid - b.nid);
  const blocks = openBlocks(plan, byNid);
  const runs = runsOf(plan, byNid);
  let next = 0;
  let nextRun = 0;
  let first: Uint8Array | undefined;
  return {
    putTail(inode, at, bytes) {
      if (bytes === undefined) return;
      const offset = tailOffset(inode);
      blocks.get(Math.floor(offset / blockBytes)).bytes.set(bytes, (offset % blockBytes) + at);
    },
    endTail(inode) {
      blocks.get(Math.floor(tailOffset(inode) / blockBytes)).missing -= 1;
    },
    advance() {
      while (next < dataBlock) {
        const run = runs[nextRun];
        if (run?.start === next) {
          run.write(append);
          next += run.blocks;
          nextRun += 1;
          continue;
        }
        if (next === 0 || blocks.isUsed(next)) {
          const { bytes, missing } = blocks.get(next);
          if (missing > 0) return;
          blocks.close(next);
          if (next === 0) first = bytes;
          else append(next * blockBytes, bytes);
        }
        next += 1;
      }
    },
    firstBlock() {
      if (first === undefined || next < dataBlock) throw new Error("block 0 is asked for before all tails are there");
      return first;
    },
  };
}

/** The blocks that inodes share, made when they are first needed. */
function openBlocks(plan: ErofsPlan, byNid: readonly PlannedInode[]) {
  const firstOfBlock = indexBlocks(byNid, plan.dataBlock);
  const large = largeInodes(plan, byNid);
  const sharedBlock = sharedAreaBytes(plan) === 0 ? -1 : Math.floor(plan.sharedOffset / plan.blockBytes);
  const open = new Map<number, OpenBlock>();
  const make = (block: number): OpenBlock => {
    const made = { bytes: new Uint8Array(plan.blockBytes), missing: 0 };
    const view = viewOf(made.bytes);
    for (let index = firstOfBlock[block] ?? 0; index < (firstOfBlock[block + 1] ?? 0); index++) {
      const inode = byNid[index];
      if (inode === undefined || spansBlocks(inode)) continue;
      writeAll(plan, made.bytes, view, (inode.nid % slotsPerBlock) * inodeSlotBytes, inode, index + 1);
      if (hasFileTail(inode)) made.missing += 1;
    }
    made.missing += large.write(block, made.bytes);
    if (block === sharedBlock) writeShared(made.bytes, plan.sharedOffset % plan.blockBytes, plan);
    return made;
  };
  return {
    isUsed: (block: number) =>
      block === sharedBlock || large.isIn(block) || firstOfBlock[block] !== firstOfBlock[block + 1],
    get(block: number): OpenBlock {
      let found = open.get(block);
      if (found === undefined) {
        found = make(block);
        open.set(block, found);
      }
      return found;
    },
    close: (block: number) => void open.delete(block),
  };
}

/** Inodes that stand in several blocks and share these with others. */
function largeInodes(plan: ErofsPlan, byNid: readonly PlannedInode[]) {
  const { blockBytes } = plan;
  const parts = new Map<number, LargeInode[]>();
  for (const [index, inode] of byNid.entries()) {
    if (!spansBlocks(inode)) continue;
    const start = inode.nid * inodeSlotBytes;
    const tail = tailOffset(inode);
    const large = { inode, serial: index + 1, start, end: tail + inode.inlineBytes, tail, head: undefined };
    for (let block = Math.floor(start / blockBytes); block * blockBytes < large.end; block++) {
      const others = parts.get(block);
      if (others) others.push(large);
      else parts.set(block, [large]);
    }
  }
  return {
    isIn: (block: number) => parts.has(block),
    /** Writes what of them stands in a block; gives the number of tails that are missing there. */
    write(block: number, bytes: Uint8Array): number {
      const [from, to] = [block * blockBytes, (block + 1) * blockBytes];
      let missing = 0;
      for (const large of parts.get(block) ?? []) {
        large.head ??= encodeHead(plan, large);
        const part = large.head.subarray(Math.max(0, from - large.start), Math.max(0, to - large.start));
        bytes.set(part, Math.max(0, large.start - from));
        if (large.tail >= from && large.tail < to && large.end > large.tail) missing += 1;
        if (large.end <= to) large.head = undefined;
      }
      return missing;
    },
  };
}

interface LargeInode {
  readonly inode: PlannedInode;
  readonly serial: number;
  /** In bytes from the start of the image, as are these. */
  readonly start: number;
  readonly tail: number;
  readonly end: number;
  /** All but the tail, from the first of its blocks to the last. */
  head: Uint8Array | undefined;
}

function encodeHead(plan: ErofsPlan, { inode, serial }: LargeInode): Uint8Array {
  const bytes = new Uint8Array(headBytes(inode));
  writeAll(plan, bytes, viewOf(bytes), 0, inode, serial);
  return bytes;
}

/** For each block the index of the first inode that stands in it or behind it. */
function indexBlocks(byNid: readonly PlannedInode[], blocks: number): Uint32Array {
  const firstOfBlock = new Uint32Array(blocks + 1);
  let index = 0;
  for (let block = 0; block <= blocks; block++) {
    for (let inode = byNid[index]; inode !== undefined && blockOf(inode) < block; inode = byNid[index]) index += 1;
    firstOfBlock[block] = index;
  }
  return firstOfBlock;
}

/** Writes an inode and what follows it and is known without reading a file. */
function writeAll(plan: ErofsPlan, bytes: Uint8Array, view: DataView, at: number, inode: PlannedInode, serial: number) {
  const { node, inlineBytes, entries } = inode;
  writeInode(view, at, inode, serial, plan.wide);
  const nodeEnd = at + nodeBytes(inode);
  const body = at + headBytes(inode);
  if (inode.xattrs.length > 0) writeXattrBody(bytes, view, nodeEnd - inode.xattrBytes, inode, plan);
  if (inode.chunks) writeChunkList(view, nodeEnd, inode.chunks);
  if (inode.map) bytes.set(encodeMapOf(plan, inode, inode.map), nodeEnd);
  if (inlineBytes === 0) return;
  if (node.kind === "symlink") writeText(bytes, body, node.target);
  if (entries === undefined) return;
  const first = shapeDirectory(entries.names, plan.blockBytes).firstOfBlock.at(-1) ?? 0;
  writeDirentBlock(bytes, view, body, inode, first, entries.names.length);
}

function encodeMapOf(plan: ErofsPlan, inode: PlannedInode, map: PlannedMap): Uint8Array {
  const { compressed: content, compression, dataBlock } = plan;
  if (!content || !compression || inode.stored?.kind !== "compressed") throw new TypeError("a map without extents");
  return encodeMap({ ...mapInput(inode, inode.stored), content, shared: compression.shared }, map, dataBlock);
}

function writeShared(bytes: Uint8Array, start: number, plan: ErofsPlan): void {
  const view = viewOf(bytes);
  for (const xattr of plan.sharedXattrs) writeXattr(bytes, view, start + (xattr.sharedAt ?? 0), xattr);
  writePrefixTable(bytes, view, start + sharedXattrBytes(plan), plan.xattrPrefixes);
}

/** Bytes of the shared xattrs and of the table of prefixes behind them. */
function sharedAreaBytes(plan: ErofsPlan): number {
  return sharedXattrBytes(plan) + prefixTableBytes(plan.xattrPrefixes);
}

/** Directory data, inodes with more xattrs or chunks than a block takes, and shared xattrs beyond one block. */
function runsOf(plan: ErofsPlan, byNid: readonly PlannedInode[]): Run[] {
  const { blockBytes } = plan;
  const runs: Run[] = [];
  for (const [index, inode] of byNid.entries()) {
    const { entries, blocks, startBlock } = inode;
    if (entries !== undefined && blocks > 0) {
      runs.push({ start: startBlock, blocks, write: (append) => writeDirectory(inode, blockBytes, append) });
    }
    const head = headBytes(inode);
    if (head <= blockBytes || spansBlocks(inode)) continue;
    const write: Run["write"] = (append) => {
      const bytes = new Uint8Array(head);
      writeAll(plan, bytes, viewOf(bytes), 0, inode, index + 1);
      append(blockOf(inode) * blockBytes, bytes);
    };
    runs.push({ start: blockOf(inode), blocks: Math.ceil(head / blockBytes), write });
  }
  const sharedBytes = sharedAreaBytes(plan);
  if (sharedBytes > blockBytes) {
    const write: Run["write"] = (append) => {
      const bytes = new Uint8Array(sharedBytes);
      writeShared(bytes, 0, plan);
      append(plan.sharedOffset, bytes);
    };
    runs.push({ start: plan.sharedOffset / blockBytes, blocks: Math.ceil(sharedBytes / blockBytes), write });
  }
  return runs.sort((a, b) => a.start - b.start);
}

function writeDirectory(inode: PlannedInode, blockBytes: number, append: (offset: number, bytes: Uint8Array) => void) {
  const { entries, blocks, startBlock } = inode;
  if (entries === undefined) return;
  const { firstOfBlock } = shapeDirectory(entries.names, blockBytes);
  for (let block = 0; block < blocks; block++) {
    const bytes = new Uint8Array(blockBytes);
    const end = firstOfBlock[block + 1] ?? entries.names.length;
    writeDirentBlock(bytes, viewOf(bytes), 0, inode, firstOfBlock[block] ?? end, end);
    append((startBlock + block) * blockBytes, bytes);
  }
}
