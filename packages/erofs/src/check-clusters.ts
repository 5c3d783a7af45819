import type { ByteSource } from "@sextant/bytes";
import { addRange } from "./check-extents.js";
import { type CheckState, pathOfNid } from "./check-state.js";
import { codeOf, decodeExtent } from "./compressed/clusters.js";
import { type ClusterLimits, zstdWindow } from "./compressed/configs.js";
import { skipPadding } from "./compressed/decode.js";
import type { DataExtent } from "./compressed/extents.js";
import { algorithmNames } from "./compressed/layout.js";
import { ErofsError } from "./errors.js";
import { featureIncompat, hasFeature } from "./features.js";
import { nidText } from "./inode.js";
import type { Located } from "./locate.js";
import type { Volume } from "./volume.js";

/** References to physical clusters, in columns: an image may have millions. */
export interface ClusterReferences {
  readonly sources: ByteSource[];
  /** Index of `sources`. */
  readonly source: number[];
  readonly from: number[];
  readonly storedBytes: number[];
  /** Where in its inode's data the extent begins, and how long it is. */
  readonly start: number[];
  readonly bytes: number[];
  readonly nid: number[];
  /** Number of the algorithm, 255: stored; 256 more: the cluster may hold more; 512 more: interlaced; 1024 more: inline. */
  readonly form: number[];
}

const storedForm = 255;
const partialForm = 256;
const interlacedForm = 512;
const inlineForm = 1024;

export function noReferences(): ClusterReferences {
  return { sources: [], source: [], from: [], storedBytes: [], start: [], bytes: [], nid: [], form: [] };
}

/** Remembers an extent. Throws `LIMIT_CLUSTER` where there are too many. */
export function addReference(
  { clusters: references, maxExtents }: CheckState,
  nid: number,
  { extent, source, from }: Located,
): void {
  if (references.nid.length >= maxExtents) {
    const path = `inode ${nidText(nid)}.data`;
    throw new ErofsError("LIMIT_CLUSTER", `there are more than ${maxExtents} extents of clusters`, { path, nid });
  }
  if (!references.sources.includes(source)) references.sources.push(source);
  const { algorithm } = extent;
  references.source.push(references.sources.indexOf(source));
  references.from.push(from);
  references.storedBytes.push(extent.storedBytes);
  references.start.push(extent.start);
  references.bytes.push(extent.end - extent.start);
  references.nid.push(nid);
  references.form.push(
    (algorithm === "stored" ? storedForm : algorithmNames.indexOf(algorithm)) +
      (extent.partial ? partialForm : 0) +
      (extent.interlaced ? interlacedForm : 0) +
      (extent.kind === "inline" ? inlineForm : 0),
  );
}

/** A cluster and all that refer to it. */
interface Shared {
  /** Number of the reference that wants most of it. */
  readonly largest: number;
  readonly exact: boolean;
  readonly end: number;
}

/** Clusters are fetched together up to so many bytes. */
const requestBytes = 1024 * 1024;

/**
 * Judges clusters by all that refer to them, and decompresses each once. One may be shared where the superblock has the
 * feature for it; who has all of it must agree how much that is, and nobody can have more.
 */
export async function checkClusters(volume: Volume, state: CheckState): Promise<void> {
  const { clusters: references } = state;
  const { source, from, storedBytes } = references;
  const order = Uint32Array.from(source.keys()).sort(
    (a, b) =>
      (source[a] ?? 0) - (source[b] ?? 0) ||
      (from[a] ?? 0) - (from[b] ?? 0) ||
      (storedBytes[a] ?? 0) - (storedBytes[b] ?? 0) ||
      a - b,
  );
  let batch: Shared[] = [];
  for (let index = 0; index < order.length && !state.isFull(); ) {
    const group = order.subarray(index, groupEnd(references, order, index));
    index += group.length;
    const shared = judge(volume, state, group);
    const [first] = batch;
    const previous = batch.at(-1);
    const fits =
      first !== undefined &&
      previous !== undefined &&
      source[first.largest] === source[shared.largest] &&
      previous.end === from[shared.largest] &&
      shared.end - (from[first.largest] ?? 0) <= requestBytes;
    if (!fits) {
      await decodeBatch(volume, state, batch);
      batch = [];
    }
    batch.push(shared);
  }
  await decodeBatch(volume, state, batch);
}

function groupEnd({ source, from, storedBytes }: ClusterReferences, order: Uint32Array, index: number): number {
  const first = order[index] ?? 0;
  let end = index + 1;
  for (; end < order.length; end++) {
    const next = order[end] ?? 0;
    const same = (column: readonly number[]) => column[next] === column[first];
    if (!same(source) || !same(from) || !same(storedBytes)) break;
  }
  return end;
}

function judge({ superblock, source: primary }: Volume, state: CheckState, group: Uint32Array): Shared {
  const { sources, source, from, storedBytes, bytes, nid, form } = state.clusters;
  let largest = group[0] ?? 0;
  let exact: number | undefined;
  for (const number of group) {
    if ((bytes[number] ?? 0) > (bytes[largest] ?? 0)) largest = number;
    if (((form[number] ?? 0) & partialForm) === 0) exact ??= number;
  }
  const start = from[largest] ?? 0;
  const end = start + (storedBytes[largest] ?? 0);
  const mayShare = hasFeature(superblock.record.featureIncompat, featureIncompat.fragments);
  for (const number of group) {
    const report = (code: "MALFORMED_OVERLAP" | "MALFORMED_CLUSTER", message: string) =>
      state.report(code, pathOfNid(state, nid[number] ?? -1), message, start);
    const whole = ((form[number] ?? 0) & partialForm) === 0;
    if (number !== group[0] && !mayShare) {
      report("MALFORMED_OVERLAP", "the cluster is shared, and the superblock does not say that clusters may be");
    } else if (
      exact !== undefined &&
      (whole ? bytes[number] !== bytes[exact] : (bytes[number] ?? 0) > (bytes[exact] ?? 0))
    ) {
      report("MALFORMED_CLUSTER", `the extent has ${bytes[number]} bytes of a cluster of ${bytes[exact]}`);
    } else if ((form[number] ?? 0) % partialForm !== (form[largest] ?? 0) % partialForm) {
      report("MALFORMED_CLUSTER", "the cluster is compressed in two ways");
    }
  }
  const owned = sources[source[largest] ?? 0] ?? primary;
  const isInline = ((form[largest] ?? 0) & inlineForm) !== 0;
  if (!isInline) addRange(state.ranges, { source: owned, start, end, owner: "data", of: nid[largest] ?? -1 });
  return { largest, exact: exact !== undefined, end };
}

async function decodeBatch(volume: Volume, state: CheckState, batch: readonly Shared[]): Promise<void> {
  const [first] = batch;
  const last = batch.at(-1);
  if (first === undefined || last === undefined) return;
  const { sources, source, from, bytes } = state.clusters;
  const base = from[first.largest] ?? 0;
  const stored = await (sources[source[first.largest] ?? 0] ?? volume.source).read(base, last.end);
  for (const shared of batch) {
    const wanted = bytes[shared.largest] ?? 0;
    if (state.decodedBytes + wanted > state.maxDecodedBytes) state.skippedClusters += 1;
    else {
      state.decodedBytes += wanted;
      state.decodedClusters += 1;
      decodeShared(volume, state, shared, stored.subarray((from[shared.largest] ?? 0) - base, shared.end - base));
    }
  }
}

function paddingOf(volume: Volume, extent: DataExtent, stored: Uint8Array): number {
  const { padded, padLimitBytes } = codeOf(volume, extent);
  return padded ? skipPadding(stored, padLimitBytes) : 0;
}

/** What is wrong with a cluster that decompresses, and that kernels have no room for, as the superblock did not ask for it. */
function beyondLimits(limits: ClusterLimits, { algorithm, storedBytes }: DataExtent, data: Uint8Array) {
  if (algorithm === "lz4" && storedBytes > limits.lz4Bytes) {
    return `a cluster of ${storedBytes} bytes is larger than the superblock says, ${limits.lz4Bytes}`;
  }
  const window = algorithm === "zstd" ? (zstdWindow(data) ?? 0) : 0;
  if (window <= limits.zstdWindowBytes) return undefined;
  return `the frame needs a window of ${window} bytes, the superblock says ${limits.zstdWindowBytes}`;
}

function decodeShared(volume: Volume, state: CheckState, { largest, exact }: Shared, stored: Uint8Array): void {
  const { limits } = state;
  const { from, storedBytes, start, bytes, nid, form } = state.clusters;
  const bits = form[largest] ?? 0;
  const begin = start[largest] ?? 0;
  const wanted = bytes[largest] ?? 0;
  const owner = nid[largest] ?? -1;
  const extent: DataExtent = {
    start: begin,
    end: begin + wanted,
    kind: (bits & inlineForm) === 0 ? "cluster" : "inline",
    address: from[largest] ?? 0,
    storedBytes: storedBytes[largest] ?? 0,
    device: 0,
    algorithm: algorithmNames[bits % partialForm] ?? "stored",
    interlaced: (bits & interlacedForm) !== 0,
    partial: !exact,
  };
  if (extent.algorithm === "stored") return;
  try {
    decodeExtent(volume, { nid: owner }, extent, stored, state.scratch(wanted));
    const problem = limits && beyondLimits(limits, extent, stored.subarray(paddingOf(volume, extent, stored)));
    if (problem !== undefined) throw new ErofsError("MALFORMED_CLUSTER", problem);
  } catch (error) {
    if (!(error instanceof ErofsError)) throw error;
    const message = `${error.message} (bytes ${begin}…${begin + wanted})`;
    state.report(error.code, pathOfNid(state, owner), message, extent.address);
  }
}
