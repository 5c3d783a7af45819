import { type Name, nameToText } from "@sextant/tree";
import { readExtents } from "./compressed/clusters.js";
import type { ExtentMapper } from "./compressed/extents.js";
import { type BlockPlace, type Dirent, decodeDirentBlock, malformedDirectory } from "./dirents.js";
import { type Inode, isBoxed } from "./inode.js";
import { dataLayout } from "./layout.js";
import { extentMapper } from "./map-data.js";
import type { Volume } from "./volume.js";

/** A directory block as it is stored, cut off at the directory's size. */
export interface StoredBlock {
  readonly place: BlockPlace;
  readonly bytes: Uint8Array;
}

/** Directory data read in one request when all of it is wanted. */
const bytesPerStep = 65536;

/** All blocks of a directory in order, whatever is in them. */
export async function* storedBlocks(volume: Volume, inode: Inode): AsyncGenerator<StoredBlock> {
  const { blockBytes } = volume.superblock;
  const mapper = extentMapper(volume, inode);
  for (let start = 0; start < inode.size; start += Math.max(bytesPerStep, blockBytes)) {
    const end = Math.min(inode.size, start + Math.max(bytesPerStep, blockBytes));
    const { bytes, addressOf } = await readDirectory(volume, inode, mapper, start, end);
    for (let at = start; at < end; at += blockBytes) {
      const place = { nid: inode.nid, block: at / blockBytes, offset: addressOf(at) };
      yield { place, bytes: bytes.subarray(at - start, at - start + blockBytes) };
    }
  }
}

/**
 * The entries of a directory, block by block. Names ascend from block to block too: what kernels search by halving must
 * be sorted, and a small image cannot name the same block over and over.
 */
export async function* direntBlocks(volume: Volume, inode: Inode): AsyncGenerator<readonly Dirent[]> {
  let last: Name | undefined;
  for await (const { place, bytes } of storedBlocks(volume, inode)) {
    const dirents = decodeDirentBlock(bytes, place);
    checkBlockOrder(place, last, dirents);
    last = dirents.at(-1)?.name;
    yield dirents;
  }
}

/** Throws `MALFORMED_DIRECTORY` unless a block's names are behind the last name of the block before it. */
export function checkBlockOrder(place: BlockPlace, last: Name | undefined, [first]: readonly Dirent[]): void {
  if (last === undefined || first === undefined || first.name > last) return;
  const names = `"${nameToText(first.name)}" follows "${nameToText(last)}"`;
  throw malformedDirectory(place, `${names}, which is not byte order`);
}

/** The entry of that name, or undefined. Reads one block for each halving, inline blocks first because they cost nothing. */
export async function findDirent(volume: Volume, inode: Inode, name: Name): Promise<Dirent | undefined> {
  const { blockBytes } = volume.superblock;
  const mapper = extentMapper(volume, inode);
  let low = 0;
  let high = Math.ceil(inode.size / blockBytes);
  const inlineBlock = inode.layout === dataLayout.flatInline ? high - 1 : -1;
  while (low < high) {
    const probe =
      inlineBlock >= low && inlineBlock < high ? inlineBlock : mostAligned(low, high, inode.startBlock || 1);
    const start = probe * blockBytes;
    const end = Math.min(inode.size, start + blockBytes);
    const { bytes, addressOf } = await readDirectory(volume, inode, mapper, start, end);
    const dirents = decodeDirentBlock(bytes, { nid: inode.nid, block: probe, offset: addressOf(start) });
    const [first] = dirents;
    const last = dirents.at(-1);
    if (first && name < first.name) high = probe;
    else if (last && name > last.name) low = probe + 1;
    else return dirents.find((dirent) => dirent.name === name);
  }
  return undefined;
}

/**
 * Of the blocks `[low, high)` of a directory that begins at block `base`, the one whose number in the image has the most
 * trailing zero bits. There is only one, and on both sides of it are fewer, so a search that goes on like this halves as
 * well as one that takes the middle (log2 n + 2 blocks at most). Unlike the middle it does not depend on
 * the directory's size, so a writer can shift a directory until the block that matters most is the first one probed.
 */
export function mostAligned(low: number, high: number, base: number): number {
  let step = 1;
  while (Math.ceil((base + low) / (2 * step)) * 2 * step < base + high) step *= 2;
  return Math.ceil((base + low) / step) * step - base;
}

/** Directory data comes through the page cache, whose pages it shares with inodes and other lookups. */
async function readDirectory(volume: Volume, inode: Inode, mapper: ExtentMapper, start: number, end: number) {
  const extents = await mapper.map(start, end);
  return {
    bytes: await readExtents({ ...volume, source: volume.pages }, inode, extents, start, end),
    /** Where a byte of these stands in the image; undefined where it is compressed. */
    addressOf(at: number): number | undefined {
      const extent = extents.find((one) => at >= one.start && at < one.end);
      const isThere = extent?.kind === "blocks" || (extent?.kind === "inline" && !isBoxed(inode.nid));
      return isThere && extent.algorithm === "stored" ? extent.address + at - extent.start : undefined;
    },
  };
}
