import {
  chunkBlockBytes,
  compactInodeRecord,
  extendedInodeRecord,
  inodeSlotBytes,
  modeType,
  superblockRecord,
  superOffset,
} from "../layout.js";
import { shapeDirectory } from "../plan-directories.js";
import type { Time } from "../plan-times.js";
import { blockBytes, composefsVersions } from "./layout.js";
import { type ComposefsNode, chunksOf, typeOf } from "./node.js";
import { hasWhiteouts, type OverlayNode, overlayNodes } from "./overlay.js";
import { type PlacedXattr, type XattrParts, xattrTable } from "./plan-xattrs.js";

export interface ComposefsOptions {
  /** The layout version that the image has at least: 0 (default) or 1. */
  readonly leastVersion?: number | undefined;
  /** That it has at most; 1 (default) is taken where the tree has whiteouts of its own. */
  readonly mostVersion?: number | undefined;
}

/** An inode and its place. */
export interface PlacedNode {
  readonly node: OverlayNode;
  /** Where it stands in the image, in bytes. */
  readonly offset: number;
  readonly serial: number;
  readonly isCompact: boolean;
  /** As the inode states it. */
  readonly size: number;
  readonly xattrs: XattrParts;
  /** Of what stands behind the inode: the end of its data, or its chunks. */
  readonly tailBytes: number;
  /** Blocks with the rest. */
  readonly blocks: number;
  /** Where these begin; 0 where there are none. */
  readonly startBlock: number;
  /** Of a file whose content is elsewhere: its chunks, none of which has a block. */
  readonly chunks: { readonly blocksLog2: number; readonly count: number } | undefined;
}

/** A composefs image, decided to the last byte. Made by `planComposefs`, written by `emitComposefs`. */
export interface ComposefsPlan {
  /** Bytes of the image. */
  readonly sizeBytes: number;
  readonly layoutVersion: number;
  /** The time of compact inodes: the earliest of the tree. */
  readonly baseTime: Time;
  /** In the order in which they stand. */
  readonly nodes: readonly PlacedNode[];
  readonly sharedXattrs: readonly PlacedXattr[];
  /** Where inodes end and shared xattrs begin, in bytes. */
  readonly sharedOffset: number;
  /** Where blocks of data begin. */
  readonly dataBlock: number;
}

/**
 * Lays a tree out as `mkcomposefs` 1.0 does, to the byte: the header of composefs before the superblock, inodes level by
 * level right behind it, then shared xattrs, then directories and symlinks that need blocks of their own. Content of files
 * is not in the image, apart from what nodes have as `content`: overlayfs takes it from the object store.
 *
 * Throws `ErofsError` `MALFORMED_TREE` and `LIMIT_XATTR` with the path; `RangeError` for versions.
 */
export function planComposefs(root: ComposefsNode, options: ComposefsOptions = {}): ComposefsPlan {
  if (root.entries === undefined) throw new TypeError("the root of a tree is a directory");
  const layoutVersion = chooseVersion(root, options);
  const nodes = overlayNodes(root, layoutVersion);
  const baseTime = earliestTime(nodes);
  const table = xattrTable(nodes);
  const shapes = nodes.map((node) => shapeOf(node, baseTime, table.partsOf(node)));
  let at = superOffset + superblockRecord.size;
  const placed = shapes.map((shape) => {
    const place = placeShape(shape, roundUp(at, inodeSlotBytes));
    at = place.offset + headBytes(place) + place.tailBytes;
    return place;
  });
  const sharedOffset = roundUp(at, inodeSlotBytes);
  let sharedBytes = 0;
  for (const { bytes } of table.shared) sharedBytes += bytes;
  const dataBlock = Math.ceil((sharedOffset + sharedBytes) / blockBytes);
  let next = dataBlock;
  const withBlocks = placed.map((place, serial): PlacedNode => {
    const startBlock = place.blocks > 0 ? next : 0;
    next += place.blocks;
    return { ...place, serial, startBlock };
  });
  return {
    sizeBytes: next * blockBytes,
    layoutVersion,
    baseTime,
    nodes: withBlocks,
    sharedXattrs: table.shared,
    sharedOffset,
    dataBlock,
  };
}

const roundUp = (value: number, unit: number) => Math.ceil(value / unit) * unit;

function chooseVersion(root: ComposefsNode, { leastVersion, mostVersion }: ComposefsOptions): number {
  const { least, most } = composefsVersions;
  const from = leastVersion ?? least;
  const to = Math.max(from, mostVersion ?? most);
  if (!Number.isInteger(from) || !Number.isInteger(to) || from < least || to > most) {
    throw new RangeError(`composefs has the layout versions ${least} to ${most}, not ${from} to ${to}`);
  }
  return from < 1 && to >= 1 && hasWhiteouts(root) ? 1 : from;
}

function earliestTime(nodes: readonly OverlayNode[]): Time {
  let earliest: Time | undefined;
  for (const { mtimeSeconds: seconds, mtimeNanoseconds: nanoseconds } of nodes) {
    const isEarlier =
      earliest === undefined ||
      seconds < earliest.seconds ||
      (seconds === earliest.seconds && nanoseconds < earliest.nanoseconds);
    if (isEarlier) earliest = { seconds, nanoseconds };
  }
  return earliest ?? { seconds: 0, nanoseconds: 0 };
}

type Shape = Omit<PlacedNode, "offset" | "serial" | "startBlock">;

/** Bytes of an inode and its xattrs. */
export function headBytes({ isCompact, xattrs }: Pick<PlacedNode, "isCompact" | "xattrs">): number {
  return (isCompact ? compactInodeRecord.size : extendedInodeRecord.size) + xattrs.bytes;
}

function shapeOf(node: OverlayNode, baseTime: Time, xattrs: XattrParts): Shape {
  const { size, chunks, ...data } = dataOf(node);
  const isBaseTime = node.mtimeSeconds === baseTime.seconds && node.mtimeNanoseconds === baseTime.nanoseconds;
  // The size that was told decides, also where the inode will not state it.
  const stated = node.entries ? size : node.size;
  const isCompact =
    isBaseTime && node.nlink <= 0xffff && node.uid <= 0xffff && node.gid <= 0xffff && stated <= 0xffffffff;
  return { node, isCompact, size, xattrs, chunks, ...data };
}

/** Up to half a block of data stands behind the inode. */
const maxTailBytes = blockBytes / 2;

function dataOf(node: OverlayNode): Pick<Shape, "size" | "tailBytes" | "blocks" | "chunks"> {
  if (node.entries) {
    const listed = shapeDirectory(
      node.entries.map(({ name }) => name),
      blockBytes,
    );
    const { tailBytes, blocks } = splitData(listed.size);
    return { size: tailBytes + blockBytes * blocks, tailBytes, blocks, chunks: undefined };
  }
  switch (typeOf(node)) {
    case modeType.symlink:
      return { size: node.size, tailBytes: node.size, blocks: 0, chunks: undefined };
    case modeType.file: {
      if (node.size === 0) break;
      if (node.content) return { size: node.size, ...splitData(node.size), chunks: undefined };
      const chunks = chunksOf(node.size);
      return { size: node.size, tailBytes: chunkBlockBytes * chunks.count, blocks: 0, chunks };
    }
  }
  return { size: 0, tailBytes: 0, blocks: 0, chunks: undefined };
}

function splitData(size: number): { readonly tailBytes: number; readonly blocks: number } {
  const rest = size % blockBytes;
  const tailBytes = rest > maxTailBytes ? 0 : rest;
  return { tailBytes, blocks: Math.ceil((size - tailBytes) / blockBytes) };
}

/** Moves an inode so that what stands behind it does not cross a block; what cannot be kept from that gets a block. */
function placeShape(shape: Shape, start: number): Omit<PlacedNode, "serial" | "startBlock"> {
  const head = headBytes(shape);
  const isSymlink = typeOf(shape.node) === modeType.symlink;
  const outOfLine = { ...shape, tailBytes: 0, blocks: shape.blocks + 1 };
  const nextBlock = roundUp(start, blockBytes);
  if (isSymlink) {
    const end = head + shape.tailBytes;
    const crosses = Math.floor(start / blockBytes) !== Math.floor((start + end - 1) / blockBytes);
    return { ...(end >= blockBytes ? outOfLine : shape), offset: crosses ? nextBlock : start };
  }
  const room = (at: number) => blockBytes - ((at + head) % blockBytes);
  if (shape.tailBytes <= room(start)) return { ...shape, offset: start };
  const moved = start + roundUp(room(start), inodeSlotBytes);
  return shape.tailBytes <= room(moved) ? { ...shape, offset: moved } : { ...outOfLine, offset: nextBlock };
}
