import { ErofsError } from "../errors.js";
import { type Inode, isBoxed, nidText } from "../inode.js";
import { type Located, locateAll } from "../locate.js";
import type { Volume } from "../volume.js";
import { type ClusterCode, decodeCluster } from "./decode.js";
import type { DataExtent } from "./extents.js";

/** Neighbouring clusters are fetched in one request up to so many bytes. */
const requestBytes = 1024 * 1024;

/** What a read wants of one extent. */
interface Part extends Located {
  /** Within the inode's data. */
  readonly start: number;
  readonly end: number;
  /** Of what has to be decoded: its name in the cache, and what is there. */
  readonly key: string | undefined;
  readonly cached: Uint8Array | undefined;
  /** What is to be fetched: the bytes wanted, or all of the cluster. */
  readonly fetchFrom: number;
  readonly fetchEnd: number;
}

/**
 * Bytes `[start, end)` of an inode's data, of which `extents` are the map. Nothing is allocated before every address is
 * known to be in the image.
 */
export async function readExtents(
  volume: Volume,
  inode: Inode,
  extents: readonly DataExtent[],
  start: number,
  end: number,
): Promise<Uint8Array> {
  const parts = (await locateAll(volume, inode, extents)).map((located) => partOf(volume, inode, located, start, end));
  const [only] = parts;
  if (only !== undefined && only.start === start && only.end === end) return readAlone(volume, inode, only);
  const output = new Uint8Array(end - start);
  for (const group of neighbours(parts)) {
    const [first] = group;
    const last = group.at(-1);
    if (first === undefined || last === undefined) continue;
    const bytes =
      first.cached === undefined ? await first.source.read(first.fetchFrom, last.fetchEnd) : new Uint8Array(0);
    for (const part of group) {
      const fetched = bytes.subarray(part.fetchFrom - first.fetchFrom, part.fetchEnd - first.fetchFrom);
      const target = output.subarray(part.start - start, part.end - start);
      if (part.key === undefined) target.set(fetched);
      else fill(volume, inode, part, fetched, target);
    }
  }
  return output;
}

function partOf(volume: Volume, inode: Inode, located: Located, from: number, to: number): Part {
  const { extent, source, from: address } = located;
  const start = Math.max(from, extent.start);
  const end = Math.min(to, extent.end);
  // What is stored as it is need not be read as a whole.
  if (extent.algorithm === "stored" && !extent.interlaced) {
    const fetchFrom = address + start - extent.start;
    return { ...located, start, end, key: undefined, cached: undefined, fetchFrom, fetchEnd: fetchFrom + end - start };
  }
  const area = extent.kind === "inline" && isBoxed(inode.nid) ? "box " : "";
  const key = `${area}${extent.address} ${extent.storedBytes} ${extent.algorithm}`;
  const { clusters } = volume;
  const cached = extent.interlaced ? undefined : clusters.get(key, extent.end - extent.start);
  if (cached !== undefined) clusters.stats.cacheHits += 1;
  return {
    extent,
    source,
    from: address,
    start,
    end,
    key,
    cached,
    fetchFrom: address,
    fetchEnd: address + extent.storedBytes,
  };
}

/** Groups parts whose bytes follow one another. */
function* neighbours(parts: readonly Part[]): Generator<readonly Part[]> {
  let group: Part[] = [];
  for (const part of parts) {
    const [first] = group;
    const last = group.at(-1);
    const joins =
      first !== undefined &&
      last !== undefined &&
      part.cached === undefined &&
      last.cached === undefined &&
      part.source === last.source &&
      part.fetchFrom === last.fetchEnd &&
      part.fetchEnd - first.fetchFrom <= requestBytes;
    if (joins) group.push(part);
    else {
      if (group.length > 0) yield group;
      group = [part];
    }
  }
  if (group.length > 0) yield group;
}

async function readAlone(volume: Volume, inode: Inode, part: Part): Promise<Uint8Array> {
  const { extent, source, start, end, key } = part;
  if (key === undefined) return source.read(part.fetchFrom, part.fetchEnd);
  const decoded = part.cached ?? keep(volume, inode, part, await source.read(part.fetchFrom, part.fetchEnd));
  return decoded.subarray(start - extent.start, end - extent.start);
}

/** Puts what is wanted of a cluster into `target`. */
function fill(volume: Volume, inode: Inode, part: Part, stored: Uint8Array, target: Uint8Array): void {
  const { extent, start, end, cached } = part;
  // A cluster that is wanted as a whole here will hardly be wanted again soon, unless others share it.
  const isWhole = start === extent.start && end === extent.end && !extent.partial;
  if (cached === undefined && isWhole) decode(volume, inode, extent, stored, target);
  else {
    const decoded = cached ?? keep(volume, inode, part, stored);
    target.set(decoded.subarray(start - extent.start, end - extent.start));
  }
}

/** Decodes a cluster as far as its extent goes, and keeps it. */
function keep(volume: Volume, inode: Inode, { extent, key }: Part, stored: Uint8Array): Uint8Array {
  // Another read may have been faster.
  const there =
    key === undefined || extent.interlaced ? undefined : volume.clusters.get(key, extent.end - extent.start);
  if (there !== undefined) return there;
  const decoded = new Uint8Array(extent.end - extent.start);
  decode(volume, inode, extent, stored, decoded);
  if (key !== undefined && !extent.interlaced) volume.clusters.put(key, decoded);
  return decoded;
}

function decode(volume: Volume, inode: Inode, extent: DataExtent, stored: Uint8Array, output: Uint8Array): void {
  const { stats } = volume.clusters;
  stats.clusters += 1;
  stats.storedBytes += stored.length;
  stats.decodedBytes += output.length;
  decodeExtent(volume, inode, extent, stored, output);
}

/**
 * Decodes the stored bytes of a cluster into `output`: the extent's, or more of them where it is `partial`. Throws
 * `MALFORMED_CLUSTER`, `LIMIT_CLUSTER`.
 */
export function decodeExtent(
  volume: Volume,
  inode: Pick<Inode, "nid">,
  extent: DataExtent,
  stored: Uint8Array,
  output: Uint8Array,
): void {
  try {
    decodeCluster(volume.decoder, stored, output, codeOf(volume, extent));
  } catch (error) {
    if (!(error instanceof ErofsError)) throw error;
    const context = {
      path: `inode ${nidText(inode.nid)}.data`,
      offset: extent.address,
      nid: inode.nid,
      start: extent.start,
    };
    throw new ErofsError(error.code, error.message, context, { cause: error.cause });
  }
}

/** How the stored bytes of an extent become its content. */
export function codeOf({ superblock }: Pick<Volume, "superblock">, extent: DataExtent): ClusterCode {
  const { blockBytes, padded } = superblock;
  const { algorithm, partial, interlaced, start, address, storedBytes } = extent;
  const turnedBytes = interlaced ? storedBytes - blockBytes + (start % blockBytes) : 0;
  return { algorithm, padded, partial, turnedBytes, padLimitBytes: blockBytes - (address % blockBytes) };
}
