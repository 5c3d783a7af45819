import { viewOf } from "@sextant/bytes";
import { compressedMapper, type DataExtent, type ExtentMapper } from "./compressed/extents.js";
import { ErofsError } from "./errors.js";
import { bodyOffset, type ChunkFormat, type Inode, isCompressed, metadataOf, nidText } from "./inode.js";
import { chunkBlockBytes, chunkIndexRecord, dataLayout, nullBlock32, nullBlock48 } from "./layout.js";
import { deviceCount, readBytes, type Volume } from "./volume.js";

/** What finds the extents of an inode, whatever its layout is. */
export function extentMapper(volume: Volume, inode: Inode): ExtentMapper {
  if (isCompressed(inode.layout)) return compressedMapper(volume, inode);
  return {
    async map(start, end) {
      if (start >= end) return [];
      return inode.chunk === undefined
        ? mapFlat(volume, inode, start, end)
        : mapChunks(volume, inode, inode.chunk, start, end);
    },
  };
}

/**
 * Where bytes `[start, end)` of an inode's data are stored: see `ExtentMapper.map`. Reads metadata only: of compressed
 * inodes the map header and the indexes on the way.
 */
export function mapExtents(volume: Volume, inode: Inode, start = 0, end = inode.size): Promise<DataExtent[]> {
  return extentMapper(volume, inode).map(start, end);
}

type Stored = Pick<DataExtent, "start" | "end" | "kind" | "address" | "device">;

function stored({ start, end, kind, address, device }: Stored): DataExtent {
  const storedBytes = kind === "hole" ? 0 : end - start;
  return { start, end, kind, address, storedBytes, device, algorithm: "stored", interlaced: false, partial: false };
}

function mapFlat({ superblock }: Volume, inode: Inode, start: number, end: number): DataExtent[] {
  const { blockBytes } = superblock;
  if (inode.startBlock === null) return [stored({ start, end, kind: "hole", address: 0, device: 0 })];
  const base = inode.startBlock * blockBytes;
  if (inode.layout !== dataLayout.flatInline) {
    return [stored({ start, end, kind: "blocks", address: base + start, device: 0 })];
  }
  const tailStart = (Math.ceil(inode.size / blockBytes) - 1) * blockBytes;
  const tail = bodyOffset(inode);
  if ((tail % blockBytes) + inode.size - tailStart > blockBytes) {
    throw new ErofsError("MALFORMED_DATA", `the inline data of inode ${nidText(inode.nid)} crosses a block`, {
      path: `inode ${nidText(inode.nid)}.data`,
      offset: tail,
      nid: inode.nid,
    });
  }
  const extents: DataExtent[] = [];
  if (start < tailStart) {
    const blocksEnd = Math.min(end, tailStart);
    extents.push(stored({ start, end: blocksEnd, kind: "blocks", address: base + start, device: 0 }));
  }
  if (end > tailStart) {
    const from = Math.max(start, tailStart);
    extents.push(stored({ start: from, end, kind: "inline", address: tail + from - tailStart, device: 0 }));
  }
  return extents;
}

/** Bytes of one index, and where the first one stands. */
export function chunkIndexArea(inode: Inode, chunk: ChunkFormat): { readonly unit: number; readonly offset: number } {
  const unit = chunk.indexes ? chunkIndexRecord.size : chunkBlockBytes;
  return { unit, offset: Math.ceil(bodyOffset(inode) / unit) * unit };
}

/** Indexes decoded in one step: what a malicious size can make us hold. */
const indexesPerStep = 16384;

async function mapChunks(
  volume: Volume,
  inode: Inode,
  chunk: ChunkFormat,
  start: number,
  end: number,
): Promise<DataExtent[]> {
  const { unit, offset } = chunkIndexArea(inode, chunk);
  const area = await metadataOf(volume, inode);
  const extents: DataExtent[] = [];
  const first = Math.floor(start / chunk.bytes);
  const last = Math.floor((end - 1) / chunk.bytes);
  for (let index = first; index <= last; index += indexesPerStep) {
    const upTo = Math.min(last + 1, index + indexesPerStep);
    const path = `inode ${nidText(inode.nid)}.chunks`;
    const bytes = await readBytes(area, offset + unit * index, offset + unit * upTo, path);
    for (let number = index; number < upTo; number++) {
      const { block, device } = decodeChunk(bytes, (number - index) * unit, chunk, deviceMask(volume));
      const chunkStart = number * chunk.bytes;
      const from = Math.max(start, chunkStart);
      const address = block === null ? 0 : block * volume.superblock.blockBytes + from - chunkStart;
      const kind = block === null ? "hole" : "blocks";
      join(extents, { start: from, end: Math.min(end, chunkStart + chunk.bytes), kind, address, device });
    }
  }
  return extents;
}

/** Device ids have as many bits as the count of devices needs; writers may use the others. */
function deviceMask({ superblock }: Volume): number {
  return 2 ** Math.ceil(Math.log2(deviceCount(superblock) + 1)) - 1;
}

function decodeChunk(
  bytes: Uint8Array,
  at: number,
  chunk: ChunkFormat,
  mask: number,
): { block: number | null; device: number } {
  if (!chunk.indexes) {
    const block = viewOf(bytes).getUint32(at, true);
    return { block: block === nullBlock32 ? null : block, device: 0 };
  }
  const index = chunkIndexRecord.decode(bytes, at);
  const block = index.startBlockLow + (chunk.wide ? index.startBlockHigh * 2 ** 32 : 0);
  return block === (chunk.wide ? nullBlock48 : nullBlock32)
    ? { block: null, device: 0 }
    : { block, device: index.device & mask };
}

/** Appends an extent, or lets the last one grow where it goes on. */
function join(extents: DataExtent[], next: Stored): void {
  const last = extents.at(-1);
  const goesOn =
    last !== undefined &&
    last.kind === next.kind &&
    last.device === next.device &&
    (last.kind === "hole" || last.address + last.storedBytes === next.address);
  if (goesOn) extents[extents.length - 1] = stored({ ...last, end: next.end });
  else extents.push(stored(next));
}
