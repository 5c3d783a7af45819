import type { ByteSource } from "@sextant/bytes";
import { type Extent, nameToBytes } from "@sextant/tree";
import { ErofsError } from "./errors.js";
import type { ErofsPlan } from "./plan.js";
import { runsOf } from "./plan-chunks.js";
import { type PlannedInode, pathOf } from "./plan-inodes.js";
import { unitBytes, unitStart } from "./write-chunks.js";
import type { UnitMemory } from "./write-memory.js";

/**
 * A part of an inode's data; the parts of one inode come in order and without gaps. Of stored data there is the inline end
 * only, as it is stored, which here counts as the end of the data.
 */
export interface Piece {
  readonly inode: PlannedInode;
  readonly start: number;
  readonly end: number;
  /** Where it begins in the image, in bytes, unless it is inline. */
  readonly offset: number;
  /** Undefined: zeros. */
  readonly bytes: Uint8Array | undefined;
}

interface Request extends Omit<Piece, "bytes"> {
  /** Undefined: zeros. */
  readonly source: ByteSource | Uint8Array | undefined;
}

/** Pieces up to this size share memory. */
const smallBytes = 128 << 10;

/** Reads are started ahead of need: this many bytes, this many requests. More would not stay in the processor's caches. */
const aheadBytes = 4 << 20;
const aheadRequests = 64;

/**
 * Reads the data of files, and of symlinks that have blocks, in the order of the inodes. What is larger than a unit is read
 * in pieces that end where units end, so that nobody has to copy them; pieces may be in `memory`, small ones until the next
 * is asked for.
 */
export async function* readContents(plan: ErofsPlan, memory: UnitMemory | undefined): AsyncGenerator<Piece> {
  const { blockBytes, dataBlock } = plan;
  const areaStart = dataBlock * blockBytes;
  const pieceBytes = (offset: number, bytes: number) =>
    bytes <= unitBytes ? bytes : unitStart(areaStart, offset) + unitBytes - offset;
  const isUnit = ({ offset, start: at, end }: Request) =>
    end - at === unitBytes && unitStart(areaStart, offset) === offset;
  const requests = requestsOf(plan, pieceBytes);
  const queue: { readonly request: Request; readonly bytes: Promise<Uint8Array> | Uint8Array | undefined }[] = [];
  let ahead = 0;
  let exhausted = false;
  for (;;) {
    while (!exhausted && ahead < aheadBytes && queue.length < aheadRequests) {
      const { value: request } = requests.next();
      if (request === undefined) exhausted = true;
      else {
        queue.push({ request, bytes: start(request, memory && place(memory, request, isUnit(request))) });
        ahead += request.end - request.start;
      }
    }
    const first = queue.shift();
    if (first === undefined) return;
    const { inode, start: from, end, offset } = first.request;
    const bytes = await first.bytes;
    if (bytes !== undefined && bytes.length !== end - from) {
      throw wrongSize(inode, `${end - from} bytes were asked for, the source gave ${bytes.length}`);
    }
    ahead -= end - from;
    yield { inode, start: from, end, offset, bytes };
    if (bytes) memory?.giveBack(bytes);
  }
}

/** Whole units go out as they are; what is small is copied into units by whoever takes the piece. */
function place(memory: UnitMemory, { source, start: from, end }: Request, isUnit: boolean): Uint8Array | undefined {
  if (source === undefined || source instanceof Uint8Array || !source.readInto) return undefined;
  if (isUnit) return memory.take();
  return end - from <= smallBytes ? memory.carve(end - from) : undefined;
}

function start(
  { source, start: from, end }: Request,
  target: Uint8Array | undefined,
): Promise<Uint8Array> | Uint8Array | undefined {
  if (source === undefined || source instanceof Uint8Array) return source;
  const bytes = target && source.readInto ? source.readInto(from, target).then(() => target) : source.read(from, end);
  // Whoever awaits it gets the error; until then it is nobody's.
  bytes.catch(() => {});
  return bytes;
}

type PieceBytes = (offset: number, bytes: number) => number;

function* requestsOf(
  { inodes, blockBytes, compressed }: ErofsPlan,
  pieceBytes: PieceBytes,
): Generator<Request, undefined> {
  for (const inode of inodes) {
    const { node, size, blocks, startBlock } = inode;
    const offset = startBlock * blockBytes;
    if (node.kind === "symlink" && blocks > 0) {
      yield { inode, start: 0, end: size, offset, source: nameToBytes(node.target) };
    }
    if (inode.stored) {
      const { inline } = inode.stored;
      const start = size - inode.inlineBytes;
      const source = inline && compressed && shifted(compressed.inline, inline.offset - start);
      if (source) yield { inode, start, end: size, offset: 0, source };
      continue;
    }
    const runs = runsOf(inode);
    if (node.kind !== "file" || size === 0 || runs.length === 0) continue;
    const source = node.content.open();
    if (source.size !== size) throw wrongSize(inode, `the tree says ${size} bytes, the source has ${source.size}`);
    const extents = node.content.extents ?? [{ start: 0, end: size }];
    for (const [index, extent] of extents.entries()) checkExtent(inode, extent, extents[index - 1]?.end ?? 0);
    for (const { start: from, end, block } of runs) {
      const shift = offset + block * blockBytes - from;
      for (const part of partsOf(extents, from, end)) {
        for (let at = part.start; at < part.end; ) {
          const bytes = part.isHole ? part.end - at : pieceBytes(shift + at, part.end - at);
          yield { inode, start: at, end: at + bytes, offset: shift + at, source: part.isHole ? undefined : source };
          at += bytes;
        }
      }
    }
  }
  return undefined;
}

/** The source with every position that much farther on. */
function shifted(source: ByteSource, by: number): ByteSource {
  const { readInto } = source;
  return {
    size: source.size - by,
    read: (from, end) => source.read(from + by, end + by),
    ...(readInto && { readInto: (from, target) => readInto(from + by, target) }),
  };
}

/** The holes and extents of a file that lie within `[from, end)`, in order. */
function* partsOf(
  extents: readonly Extent[],
  from: number,
  end: number,
): Generator<Extent & { readonly isHole: boolean }> {
  let at = from;
  for (const extent of extents) {
    if (extent.end <= at) continue;
    if (extent.start >= end) break;
    if (extent.start > at) yield { start: at, end: extent.start, isHole: true };
    const start = Math.max(at, extent.start);
    at = Math.min(end, extent.end);
    yield { start, end: at, isHole: false };
  }
  if (at < end) yield { start: at, end, isHole: true };
}

function checkExtent(inode: PlannedInode, { start: from, end }: Extent, at: number): void {
  if (from >= at && end >= from && end <= inode.size) return;
  throw wrongSize(inode, `the extent [${from}, ${end}) does not fit a file of ${inode.size} bytes`);
}

const wrongSize = (inode: PlannedInode, message: string) =>
  new ErofsError("MISMATCH_SIZE", message, { path: pathOf(inode) });
