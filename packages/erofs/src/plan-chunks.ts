import { type ChunkMap, type FileChunks, holeChunk } from "./chunks.js";
import { chunkBlockBytes } from "./layout.js";
import { type PlannedInode, pathOf } from "./plan-inodes.js";
import { blockBytes } from "./plan-slots.js";

/** Data whose chunks stand here and there. */
export interface PlannedChunks {
  /** log2 of the blocks in a chunk. */
  readonly blocksLog2: number;
  /** Where each chunk begins; undefined: it is a hole. */
  readonly places: readonly (ChunkPlace | undefined)[];
  /** What of the data stands in the inode's own blocks, in order. */
  readonly runs: readonly DataRun[];
}

/** A block, counted from the first one that an inode brings. */
export interface ChunkPlace {
  readonly inode: PlannedInode;
  readonly block: number;
}

/** A part of a file, in bytes, and the block where it begins, counted from the inode's first. */
export interface DataRun {
  readonly start: number;
  readonly end: number;
  readonly block: number;
}

/** Bytes of chunk numbers that follow an inode and its xattrs. */
export function chunkListBytes({ chunks }: PlannedInode): number {
  return chunks === undefined ? 0 : chunkBlockBytes * chunks.places.length;
}

/** Parts of the data that the inode brings itself; what of them is inline comes last. */
export function runsOf({ chunks, blocksOf, size, inlineBytes }: PlannedInode): readonly DataRun[] {
  if (chunks) return chunks.runs;
  if (!blocksOf) return [{ start: 0, end: size, block: 0 }];
  return inlineBytes === 0 ? [] : [{ start: size - inlineBytes, end: size, block: 0 }];
}

/**
 * Lets files whose identities are equal have one copy of their blocks. Takes inodes in the order of their data, with
 * `inlineBytes` and `blocks` as they are without sharing.
 */
export function shareIdentical(inodes: readonly PlannedInode[]): void {
  const first = new Map<string, PlannedInode>();
  for (const inode of inodes) {
    if (inode.node.kind !== "file" || inode.blocks === 0 || inode.stored) continue;
    const { identity, size } = inode.node.content;
    if (identity === undefined) continue;
    const key = `${size} ${identity}`;
    if (!copyBlocks(inode, first.get(key))) first.set(key, inode);
  }
}

/**
 * The end of a file may stand behind one inode and not behind its equal, which then has a block more. They go apart: to
 * readers who check, two files that overlap in part are damage.
 */
function copyBlocks(inode: PlannedInode, equal: PlannedInode | undefined): boolean {
  if (equal === undefined || equal.blocks !== inode.blocks) return false;
  inode.blocksOf = equal;
  return true;
}

/** What inodes so far have brought. */
interface Brought {
  readonly chunkBlocks: number;
  /** Who brings a chunk, by its number, and at which of its blocks. */
  readonly owners: (PlannedInode | undefined)[];
  readonly blocks: Uint32Array;
  /** By the number of the whole. */
  readonly wholes: Map<number, PlannedInode>;
}

/**
 * Lets files refer to blocks that files before them bring, and to none for holes, wherever that makes the image smaller. A
 * file that equals another as a whole refers to its blocks without chunks, which every kernel reads; the first of several
 * stays as it is. Takes the same as `shareIdentical`. Throws `TypeError` for chunks of another tree.
 */
export function shareChunks(inodes: readonly PlannedInode[], { chunkBytes, count, files }: ChunkMap): void {
  const brought: Brought = {
    chunkBlocks: chunkBytes / blockBytes,
    owners: new Array<PlannedInode | undefined>(count).fill(undefined),
    blocks: new Uint32Array(count),
    wholes: new Map(),
  };
  for (const inode of inodes) {
    if (inode.node.kind !== "file" || inode.blocks === 0 || inode.stored) continue;
    const found = files.get(inode.node.content);
    if (found === undefined && inode.size > blockBytes)
      throw new TypeError(`the chunks of ${pathOf(inode)} are not known`);
    if (found === undefined || copyBlocks(inode, brought.wholes.get(found.whole))) continue;
    if (!bringNew(inode, found, brought)) bringAll(inode, found, brought);
  }
}

/** The file stays in one piece; whole chunks of it are for others to refer to. */
function bringAll(
  inode: PlannedInode,
  { numbers, whole }: FileChunks,
  { chunkBlocks, owners, blocks, wholes }: Brought,
) {
  wholes.set(whole, inode);
  const end = inode.blocks * blockBytes;
  for (const [index, number] of numbers.entries()) {
    if (Math.min(inode.size, (index + 1) * chunkBlocks * blockBytes) > end) break;
    if (number === holeChunk || owners[number] !== undefined) continue;
    owners[number] = inode;
    blocks[number] = index * chunkBlocks;
  }
}

/** Brings what is new of the file and refers to the rest, if that takes fewer blocks and fewer bytes. */
function bringNew(inode: PlannedInode, { numbers }: FileChunks, { chunkBlocks, owners, blocks }: Brought): boolean {
  const fresh: number[] = [];
  const places: (ChunkPlace | undefined)[] = [];
  const runs: DataRun[] = [];
  const chunkBytes = chunkBlocks * blockBytes;
  let next = 0;
  for (const [index, number] of numbers.entries()) {
    const owner = owners[number];
    if (number === holeChunk || owner !== undefined) {
      places.push(owner && { inode: owner, block: blocks[number] ?? 0 });
      continue;
    }
    owners[number] = inode;
    blocks[number] = next;
    fresh.push(number);
    places.push({ inode, block: next });
    const start = index * chunkBytes;
    const end = Math.min(inode.size, start + chunkBytes);
    const last = runs.at(-1);
    if (last?.end === start) runs[runs.length - 1] = { ...last, end };
    else runs.push({ start, end, block: next });
    next += Math.ceil((end - start) / blockBytes);
  }
  const chunks = joinChunks({ blocksLog2: Math.log2(chunkBlocks), places, runs });
  if (next < inode.blocks) {
    const bytes = next * blockBytes + chunkBlockBytes * chunks.places.length;
    if (bytes < inode.blocks * blockBytes + inode.inlineBytes) {
      Object.assign(inode, { chunks, inlineBytes: 0, blocks: next });
      return true;
    }
  }
  for (const number of fresh) owners[number] = undefined;
  return false;
}

/** Makes chunks larger as long as neighbours stand next to each other: fewer numbers, and longer reads for kernels. */
function joinChunks({ blocksLog2, places, runs }: PlannedChunks): PlannedChunks {
  let joined = places;
  let log2 = blocksLog2;
  while (
    joined.length > 1 &&
    joined.every((place, index) => index % 2 === 0 || follows(joined[index - 1], place, 2 ** log2))
  ) {
    joined = joined.filter((_, index) => index % 2 === 0);
    log2 += 1;
  }
  return { blocksLog2: log2, places: joined, runs };
}

function follows(before: ChunkPlace | undefined, place: ChunkPlace | undefined, blocks: number): boolean {
  if (before === undefined || place === undefined) return before === place;
  return before.inode === place.inode && before.block + blocks === place.block;
}
