import { type ByteSource, checkRange, viewOf } from "@sextant/bytes";
import { ErofsError } from "./errors.js";
import { bodyOffset, type ChunkFormat, type Inode, isCompressed } from "./inode.js";
import { chunkBlockBytes, chunkIndexRecord, dataLayout, nullBlock32, nullBlock48 } from "./layout.js";
import { deviceCount, readBytes, type Volume } from "./volume.js";

/** A run of an inode's data and where it is. */
export interface Segment {
  /** Within the data, in bytes. */
  readonly start: number;
  readonly end: number;
  /** Where `start` is on the device, in bytes; undefined: nowhere, these are zeros. */
  readonly address: number | undefined;
  /** 0: the primary device, or wherever the one address space leads; n: device n of the table. */
  readonly device: number;
  /** Inline data, which stands among the metadata. */
  readonly inline: boolean;
}

/** Throws `UNSUPPORTED_COMPRESSION` where the data is in compressed clusters. */
export function checkUncompressed(inode: Inode): void {
  if (!isCompressed(inode.layout)) return;
  const form = inode.layout === dataLayout.compressedFull ? "full" : "compact";
  throw new ErofsError("UNSUPPORTED_COMPRESSION", `the data of inode ${inode.nid} is compressed (${form} indexes)`, {
    path: `inode ${inode.nid}.data`,
    offset: inode.offset,
    nid: inode.nid,
  });
}

/** Where bytes `[start, end)` of an uncompressed inode are, in order and without gaps. */
export async function mapData(volume: Volume, inode: Inode, start: number, end: number): Promise<Segment[]> {
  checkUncompressed(inode);
  if (start >= end) return [];
  return inode.chunk === undefined
    ? mapFlat(volume, inode, start, end)
    : mapChunks(volume, inode, inode.chunk, start, end);
}

function mapFlat({ superblock }: Volume, inode: Inode, start: number, end: number): Segment[] {
  const { blockBytes } = superblock;
  if (inode.startBlock === null) return [{ start, end, address: undefined, device: 0, inline: false }];
  const base = inode.startBlock * blockBytes;
  if (inode.layout !== dataLayout.flatInline) {
    return [{ start, end, address: base + start, device: 0, inline: false }];
  }
  const tailStart = (Math.ceil(inode.size / blockBytes) - 1) * blockBytes;
  const tail = bodyOffset(inode);
  if ((tail % blockBytes) + inode.size - tailStart > blockBytes) {
    throw new ErofsError("MALFORMED_DATA", `the inline data of inode ${inode.nid} crosses a block`, {
      path: `inode ${inode.nid}.data`,
      offset: tail,
      nid: inode.nid,
    });
  }
  const segments: Segment[] = [];
  if (start < tailStart) {
    segments.push({ start, end: Math.min(end, tailStart), address: base + start, device: 0, inline: false });
  }
  if (end > tailStart) {
    const from = Math.max(start, tailStart);
    segments.push({ start: from, end, address: tail + from - tailStart, device: 0, inline: true });
  }
  return segments;
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
): Promise<Segment[]> {
  const { unit, offset } = chunkIndexArea(inode, chunk);
  const segments: Segment[] = [];
  const first = Math.floor(start / chunk.bytes);
  const last = Math.floor((end - 1) / chunk.bytes);
  for (let index = first; index <= last; index += indexesPerStep) {
    const upTo = Math.min(last + 1, index + indexesPerStep);
    const bytes = await readBytes(
      volume.pages,
      offset + unit * index,
      offset + unit * upTo,
      `inode ${inode.nid}.chunks`,
    );
    for (let number = index; number < upTo; number++) {
      const { block, device } = decodeChunk(bytes, (number - index) * unit, chunk, deviceMask(volume));
      const chunkStart = number * chunk.bytes;
      const from = Math.max(start, chunkStart);
      const address = block === null ? undefined : block * volume.superblock.blockBytes + from - chunkStart;
      join(segments, { start: from, end: Math.min(end, chunkStart + chunk.bytes), address, device, inline: false });
    }
  }
  return segments;
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

/** Appends a segment, or lets the last one grow where it goes on. */
function join(segments: Segment[], next: Segment): void {
  const last = segments.at(-1);
  const goesOn =
    last !== undefined &&
    last.device === next.device &&
    (last.address === undefined
      ? next.address === undefined
      : next.address !== undefined && last.address + last.end - last.start === next.address);
  if (goesOn) segments[segments.length - 1] = { ...last, end: next.end };
  else segments.push(next);
}

/** The device's bytes, and where `address` is in them. */
async function locate(volume: Volume, inode: Inode, segment: Segment, address: number) {
  const { blockBytes } = volume.superblock;
  const count = deviceCount(volume.superblock);
  const path = `inode ${inode.nid}.data`;
  if (segment.device > count) {
    throw new ErofsError("MALFORMED_DATA", `there is no device ${segment.device}, the image has ${count}`, {
      path,
      offset: inode.offset,
      nid: inode.nid,
    });
  }
  if (count === 0 || segment.inline) return { source: volume.source, address };
  const devices = await volume.devices();
  let index = segment.device - 1;
  let at = address;
  if (segment.device === 0) {
    index = devices.findIndex(
      ({ startBlock, blocks }) =>
        startBlock > 0 && at >= startBlock * blockBytes && at < (startBlock + blocks) * blockBytes,
    );
    if (index < 0) return { source: volume.source, address };
    at -= (devices[index]?.startBlock ?? 0) * blockBytes;
  }
  const device = devices[index];
  if (device?.source) return { source: device.source, address: at };
  // Devices may also follow the primary one in the same file, each at its place in the address space.
  const joined = (device?.startBlock ?? 0) * blockBytes + at;
  if (device && device.startBlock > 0 && joined < volume.source.size) return { source: volume.source, address: joined };
  const name = device?.tag ? ` (${JSON.stringify(device.tag)})` : "";
  throw new ErofsError("MISSING_DEVICE", `the data is on device ${index + 1}${name}, which was not given`, {
    path,
    offset: inode.offset,
    nid: inode.nid,
  });
}

/** A segment whose bytes are known to be there. */
export interface Located extends Segment {
  readonly source: ByteSource;
  /** Where they begin in `source`. */
  readonly from: number;
}

/** Finds the device of each segment that has bytes. Throws `MALFORMED_DATA` where it is too short, `MISSING_DEVICE`. */
export async function locateAll(volume: Volume, inode: Inode, segments: readonly Segment[]): Promise<Located[]> {
  const located: Located[] = [];
  for (const segment of segments) {
    if (segment.address === undefined) continue;
    const { source, address } = await locate(volume, inode, segment, segment.address);
    const end = address + segment.end - segment.start;
    if (!(end <= source.size)) {
      throw new ErofsError("MALFORMED_DATA", `data of inode ${inode.nid} ends at byte ${end} of ${source.size}`, {
        path: `inode ${inode.nid}.data`,
        offset: address,
        nid: inode.nid,
        source: source.name,
      });
    }
    located.push({ ...segment, source: segment.inline ? volume.pages : source, from: address });
  }
  return located;
}

/**
 * The data of an inode as a source. A read costs one request for each run of neighbouring blocks, nothing for holes, and
 * nothing for inline data whose page is cached. Throws `UNSUPPORTED_COMPRESSION`.
 */
export function openData(volume: Volume, inode: Inode): ByteSource {
  checkUncompressed(inode);
  const data: ByteSource = {
    size: inode.size,
    name: volume.source.name,
    async read(start, end) {
      checkRange(data, start, end);
      // Nothing is allocated before every address is known to be in the image.
      const parts = await locateAll(volume, inode, await mapData(volume, inode, start, end));
      const [only] = parts;
      if (only && only.start === start && only.end === end) return only.source.read(only.from, only.from + end - start);
      const bytes = new Uint8Array(end - start);
      for (const { source, from, ...part } of parts) {
        bytes.set(await source.read(from, from + part.end - part.start), part.start - start);
      }
      return bytes;
    },
  };
  return data;
}
