import type { ByteSource } from "@sextant/bytes";
import { type Extent, nameToBytes } from "@sextant/tree";
import { ErofsError } from "./errors.js";
import type { ErofsPlan } from "./plan.js";
import { type PlannedInode, pathOf } from "./plan-inodes.js";
import { unitBytes, unitStart } from "./write-chunks.js";
import type { UnitMemory } from "./write-memory.js";

/** A part of an inode's data; the parts of one inode come in order and without gaps. */
export interface Piece {
  readonly inode: PlannedInode;
  readonly start: number;
  readonly end: number;
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
export async function* readContents(
  { inodes, blockBytes, dataBlock }: ErofsPlan,
  memory: UnitMemory | undefined,
): AsyncGenerator<Piece> {
  const areaStart = dataBlock * blockBytes;
  const pieceEnd = ({ startBlock }: PlannedInode, at: number, end: number) => {
    if (end - at <= unitBytes) return end;
    const offset = startBlock * blockBytes;
    return unitStart(areaStart, offset + at) + unitBytes - offset;
  };
  const isUnit = ({ inode, start: at, end }: Request) => {
    const offset = inode.startBlock * blockBytes + at;
    return end - at === unitBytes && unitStart(areaStart, offset) === offset;
  };
  const requests = requestsOf(inodes, pieceEnd);
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
    const { inode, start: from, end } = first.request;
    const bytes = await first.bytes;
    if (bytes !== undefined && bytes.length !== end - from) {
      throw wrongSize(inode, `${end - from} bytes were asked for, the source gave ${bytes.length}`);
    }
    ahead -= end - from;
    yield { inode, start: from, end, bytes };
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

function* requestsOf(
  inodes: readonly PlannedInode[],
  pieceEnd: (inode: PlannedInode, at: number, end: number) => number,
): Generator<Request, undefined> {
  for (const inode of inodes) {
    const { node, size, blocks } = inode;
    if (node.kind === "symlink" && blocks > 0) {
      yield { inode, start: 0, end: size, source: nameToBytes(node.target) };
    }
    if (node.kind !== "file" || size === 0) continue;
    const source = node.content.open();
    if (source.size !== size) throw wrongSize(inode, `the tree says ${size} bytes, the source has ${source.size}`);
    let at = 0;
    for (const extent of node.content.extents ?? [{ start: 0, end: size }]) {
      checkExtent(inode, extent, at);
      if (extent.start > at) yield { inode, start: at, end: extent.start, source: undefined };
      for (at = extent.start; at < extent.end; ) {
        const end = pieceEnd(inode, at, extent.end);
        yield { inode, start: at, end, source };
        at = end;
      }
    }
    if (at < size) yield { inode, start: at, end: size, source: undefined };
  }
  return undefined;
}

function checkExtent(inode: PlannedInode, { start: from, end }: Extent, at: number): void {
  if (from >= at && end >= from && end <= inode.size) return;
  throw wrongSize(inode, `the extent [${from}, ${end}) does not fit a file of ${inode.size} bytes`);
}

const wrongSize = (inode: PlannedInode, message: string) =>
  new ErofsError("MISMATCH_SIZE", message, { path: pathOf(inode) });
