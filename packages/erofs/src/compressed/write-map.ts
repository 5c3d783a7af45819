import type { CompressedContent, CompressedFile } from "../stored.js";
import { clusterAlgorithms, noCluster } from "../stored.js";
import {
  advise,
  algorithm,
  clusterIndexRecord,
  compactIndexOffset,
  extentRecordBytes,
  extentSizeShift,
  extentsOffset,
  fullIndexOffset,
  mapHeaderOffset,
  mapHeaderRecord,
  wholeFragmentBit,
} from "./layout.js";
import { type CompactShape, compactShape, encodeCompact } from "./write-compact.js";
import { encodeFull } from "./write-full.js";
import { type LogicalClusters, logicalClusters, type MappedExtent } from "./write-lclusters.js";
import { encodeRecords, type RecordShape, recordShape } from "./write-records.js";

/** How the extents of a file are told. */
export type PlannedMap = MapSize &
  (
    | { readonly form: "fragment" | "full" }
    | { readonly form: "compact"; readonly narrow: boolean; readonly shape: CompactShape }
    | { readonly form: "extents"; readonly shape: RecordShape }
  );

interface MapSize {
  /** All that follows inode and xattrs, but for inline data. */
  readonly bytes: number;
  /** Blocks that the clusters take, for `stat`. */
  readonly blocks: number;
  /** Heads of two kinds: with indexes, a file of two algorithms. */
  readonly hasHead2: boolean;
}

/** How the extents of files are told; see `PlanOptions.indexes`. */
export type IndexForm = "compact" | "full" | "extents";

/** A file as it is to be told. */
export interface MapInput {
  readonly file: CompressedFile;
  readonly content: CompressedContent;
  /** For each cluster whether it has more than one reference. */
  readonly shared: Uint8Array;
  /** Bytes of the file. */
  readonly size: number;
  readonly blockBytes: number;
  /** Where inode and xattrs end, in bytes from the inode on. */
  readonly bodyEnd: number;
}

export interface MapChoice {
  /** `compact`: full ones only where compact ones cannot tell it. `extents`: records wherever they are smaller than both. */
  readonly form: IndexForm;
  /** Whether records may be used where nothing else can tell it. */
  readonly allowExtents: boolean;
  /** The data area begins at this block at the latest. */
  readonly maxDataBlock: number;
}

/** Chooses the form of a file's map. Undefined where no form that is allowed can tell it. */
export function planMap(input: MapInput, { form, allowExtents, maxDataBlock }: MapChoice): PlannedMap | undefined {
  const { file, size, blockBytes, bodyEnd } = input;
  if (file.extentsEnd === 0) {
    return { form: "fragment", bytes: compactIndexOffset(bodyEnd) - bodyEnd, blocks: 0, hasHead2: false };
  }
  const extents = mappedExtents(input, 0);
  const blocks = extents.reduce((sum, extent) => sum + extent.blocks, 0);
  const isNear = extents.every(
    ({ kind, address, blocks }) => kind !== "cluster" || maxDataBlock + address + blocks <= 0xffffffff,
  );
  const clusters = isNear ? logicalClusters(extents, size, blockBytes) : undefined;
  const indexes = clusters && { ...planIndexes(input, clusters, form === "full"), blocks };
  if (!allowExtents || (indexes !== undefined && form !== "extents")) return indexes;
  const shape = recordShape(extents, { size, blockBytes, maxDataBlock });
  if (shape === undefined) return indexes;
  const bytes = extentsOffset(bodyEnd, shape.recordBytes) - bodyEnd + shape.bytes;
  return indexes !== undefined && indexes.bytes <= bytes
    ? indexes
    : { form: "extents", bytes, blocks, hasHead2: false, shape };
}

function planIndexes({ bodyEnd }: MapInput, clusters: LogicalClusters, onlyFull: boolean) {
  const hasHead2 = clusters.algorithms.length > 1;
  for (const narrow of onlyFull ? [] : [true, false]) {
    const shape = compactShape(clusters.count, bodyEnd, narrow);
    if (encodeCompact(clusters, shape) === undefined) continue;
    const bytes = compactIndexOffset(bodyEnd) - bodyEnd + shape.bytes;
    return { form: "compact", hasHead2, narrow, shape, bytes } as const;
  }
  const bytes = fullIndexOffset(bodyEnd) - bodyEnd + clusterIndexRecord.size * clusters.count;
  return { form: "full", hasHead2, bytes } as const;
}

/** All that follows inode and xattrs, but for inline data. */
export function encodeMap(input: MapInput, map: PlannedMap, dataBlock: number): Uint8Array {
  const { file, size, blockBytes, bodyEnd } = input;
  const bytes = new Uint8Array(map.bytes);
  const view = new DataView(bytes.buffer);
  const header = mapHeaderOffset(bodyEnd) - bodyEnd;
  if (map.form === "fragment") {
    view.setBigUint64(header, BigInt(file.fragmentOffset ?? 0) + wholeFragmentBit, true);
    return bytes;
  }
  const extents = mappedExtents(input, dataBlock);
  if (map.form === "extents") {
    mapHeaderRecord.set(view, header, extentsHeader(file, extents.length, map.shape, blockBytes));
    bytes.set(encodeRecords(extents, map.shape, blockBytes), map.bytes - map.shape.bytes);
    return bytes;
  }
  const clusters = logicalClusters(extents, size, blockBytes);
  const indexes = clusters && (map.form === "compact" ? encodeCompact(clusters, map.shape) : encodeFull(clusters));
  if (clusters === undefined || indexes === undefined) throw new TypeError("the indexes are not those of the plan");
  mapHeaderRecord.set(view, header, indexHeader(file, clusters, map));
  bytes.set(indexes, map.bytes - indexes.length);
  return bytes;
}

function extentsHeader(file: CompressedFile, count: number, shape: RecordShape, blockBytes: number) {
  const isCounted = shape.recordBytes >= extentRecordBytes.logical;
  return {
    low: isCounted ? count : 0,
    advise:
      advise.extents +
      (Math.log2(shape.recordBytes / extentRecordBytes.length) << extentSizeShift) +
      (file.fragmentOffset === undefined ? 0 : advise.fragment),
    algorithms: 0,
    clusterBits: isCounted ? 0 : Math.log2(shape.clusterBytes / blockBytes),
  };
}

/** Heads of full indexes each say for themselves whether their clusters can be big. */
function indexHeader(file: CompressedFile, { isBig, algorithms, fragment }: LogicalClusters, map: PlannedMap) {
  const [first, second] = algorithms.map((name) => (name === "stored" ? 0 : algorithm[name]));
  const isCompact = map.form === "compact";
  let bits = isCompact && map.narrow ? advise.compacted2b : 0;
  if (isBig) bits += advise.bigCluster1;
  if (isBig && (isCompact || second !== undefined)) bits += advise.bigCluster2;
  if (fragment) bits += advise.fragment;
  if (file.inline) bits += advise.inlineCluster;
  return {
    low: fragment ? fragment.offset % 2 ** 32 : (file.inline?.size ?? 0) * 2 ** 16,
    advise: bits,
    algorithms: (first ?? 0) + (second ?? 0) * 2 ** 4,
    clusterBits: 0,
  };
}

/**
 * The extents of a file, with clusters from `dataBlock` on. Stored clusters that are shared come apart into blocks in every
 * form: kernels know clusters by their addresses, and would find the size of one file's in another's.
 */
function mappedExtents({ file, content, shared, size, blockBytes }: MapInput, dataBlock: number): MappedExtent[] {
  const { starts, clusters, inline, extentsEnd, fragmentOffset } = file;
  const { firstBlock, decodedBytes, algorithm: algorithms } = content.clusters;
  const extents: MappedExtent[] = [];
  for (let index = 0; index < starts.length; index++) {
    const start = starts[index] ?? 0;
    const end = starts[index + 1] ?? extentsEnd;
    const cluster = clusters[index] ?? noCluster;
    if (cluster === noCluster) {
      const name = inline?.algorithm ?? "stored";
      extents.push({ start, end, kind: "inline", algorithm: name, address: 0, blocks: 0, partial: false });
      continue;
    }
    const first = firstBlock[cluster] ?? 0;
    const name = clusterAlgorithms[algorithms[cluster] ?? 0] ?? "stored";
    const extent = {
      start,
      end,
      kind: "cluster",
      algorithm: name,
      address: dataBlock + first,
      blocks: (firstBlock[cluster + 1] ?? first) - first,
      partial: name !== "stored" && end - start < (decodedBytes[cluster] ?? 0),
    } as const;
    if (name === "stored" && shared[cluster]) extents.push(...splitStored(extent, blockBytes));
    else extents.push(extent);
  }
  if (fragmentOffset === undefined) return extents;
  const fragment = {
    kind: "fragment",
    algorithm: "stored",
    address: fragmentOffset,
    blocks: 0,
    partial: false,
  } as const;
  return [...extents, { start: extentsEnd, end: size, ...fragment }];
}

function* splitStored(extent: MappedExtent, blockBytes: number): Generator<MappedExtent> {
  let { address } = extent;
  for (let start = extent.start; start < extent.end; start += blockBytes) {
    yield { ...extent, start, end: Math.min(extent.end, start + blockBytes), address, blocks: 1 };
    address += 1;
  }
}
