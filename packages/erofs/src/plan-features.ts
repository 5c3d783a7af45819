import { viewOf } from "@sextant/bytes";
import {
  algorithm,
  configSize,
  deflateConfigRecord,
  lz4ConfigRecord,
  zstdConfigRecord,
  zstdWindowLog2Base,
} from "./compressed/layout.js";
import { featureIncompat } from "./features.js";
import type { PlannedInode } from "./plan-inodes.js";
import { type CompressedContent, clusterAlgorithms, noCluster, type WriteAlgorithm } from "./stored.js";

/** What the superblock says of compressed data. */
export interface PlannedCompression {
  /** In the order of their numbers. */
  readonly algorithms: readonly WriteAlgorithm[];
  /** Whether each says, behind the superblock, what it needs. Without it there is LZ4, in clusters of one block. */
  readonly hasConfigs: boolean;
  /** Bytes of these. */
  readonly configBytes: number;
  /** Of the largest cluster of LZ4: kernels make room for it in advance. */
  readonly lz4Blocks: number;
  /** For each cluster 1 where it has more than one reference. */
  readonly shared: Uint8Array;
  /** Whether there is such a cluster, or an extent that is a part of one. */
  readonly isDeduped: boolean;
}

const configRecords = { lz4: lz4ConfigRecord, deflate: deflateConfigRecord, zstd: zstdConfigRecord };

/** Finds out what is used of `content`, whose files are those of `inodes`. */
export function planCompression(inodes: readonly PlannedInode[], content: CompressedContent): PlannedCompression {
  const { count, firstBlock, algorithm: codes } = content.clusters;
  const used = new Set<string>();
  let maxBlocks = 1;
  let lz4Blocks = 1;
  for (let cluster = 0; cluster < count; cluster++) {
    const name = clusterAlgorithms[codes[cluster] ?? 0] ?? "stored";
    if (name === "stored") continue;
    used.add(name);
    const blocks = (firstBlock[cluster + 1] ?? 0) - (firstBlock[cluster] ?? 0);
    maxBlocks = Math.max(maxBlocks, blocks);
    if (name === "lz4") lz4Blocks = Math.max(lz4Blocks, blocks);
  }
  for (const { stored } of inodes) if (stored?.inline) used.add(stored.inline.algorithm);
  const algorithms = (["lz4", "deflate", "zstd"] as const).filter((name) => used.has(name));
  const hasConfigs = maxBlocks > 1 || algorithms.some((name) => name !== "lz4");
  const configBytes = algorithms.reduce((sum, name) => sum + configSize.size + configRecords[name].size, 0);
  return {
    algorithms,
    hasConfigs,
    configBytes: hasConfigs ? configBytes : 0,
    lz4Blocks,
    ...findReferences(inodes, content),
  };
}

/** The features that a reader needs, as bits: exactly what is used. */
export function incompatibleFeatures(
  inodes: readonly PlannedInode[],
  content: CompressedContent | undefined,
  compression: PlannedCompression | undefined,
  wide: boolean,
): number {
  const has = (test: (inode: PlannedInode) => unknown) => inodes.some(test);
  let bits = 0;
  if (has(({ chunks }) => chunks)) bits |= featureIncompat.chunkedFile;
  if (wide || has(({ map }) => map?.form === "extents")) bits |= featureIncompat.layout48;
  if (content === undefined || compression === undefined) return bits;
  if (has(({ map }) => map)) bits |= featureIncompat.lz4ZeroPadding;
  if (compression.hasConfigs) bits |= featureIncompat.compressionConfigs;
  if (has(({ map }) => map?.hasHead2)) bits |= featureIncompat.deviceTable;
  if (has(({ map, stored }) => map && stored?.inline)) bits |= featureIncompat.ztailpacking;
  if (content.packed !== undefined || compression.isDeduped) bits |= featureIncompat.fragments;
  return bits;
}

/** Finds clusters that have more than one reference, and whether any extent is only a part of its cluster. */
function findReferences(inodes: readonly PlannedInode[], { clusters: { count, decodedBytes } }: CompressedContent) {
  const seen = new Uint8Array(count);
  const shared = new Uint8Array(count);
  let isDeduped = false;
  for (const { stored } of inodes) {
    if (stored?.kind !== "compressed") continue;
    const { starts, clusters, extentsEnd } = stored;
    for (let index = 0; index < clusters.length; index++) {
      const cluster = clusters[index] ?? noCluster;
      if (cluster === noCluster) continue;
      const bytes = (starts[index + 1] ?? extentsEnd) - (starts[index] ?? 0);
      const isAgain = seen[cluster] === 1;
      isDeduped ||= isAgain || bytes < (decodedBytes[cluster] ?? 0);
      if (isAgain) shared[cluster] = 1;
      seen[cluster] = 1;
    }
  }
  return { shared, isDeduped };
}

/** The bits of `available_compr_algs`, or the farthest match of LZ4. */
export function compressionField({ algorithms, hasConfigs }: PlannedCompression): number {
  if (!hasConfigs) return algorithms.length > 0 ? lz4Distance : 0;
  return algorithms.reduce((bits, name) => bits + 2 ** algorithm[name], 0);
}

/** What LZ4 blocks can say. */
const lz4Distance = 65535;
const deflateWindowLog2 = 15;

/** The configurations that stand behind the superblock. */
export function encodeConfigs(compression: PlannedCompression, content: CompressedContent): Uint8Array {
  const bytes = new Uint8Array(compression.configBytes);
  const view = viewOf(bytes);
  let at = 0;
  for (const name of compression.hasConfigs ? compression.algorithms : []) {
    const config = encodeConfig(name, compression, content);
    configSize.set(view, at, config.length);
    bytes.set(config, at + configSize.size);
    at += configSize.size + config.length;
  }
  return bytes;
}

function encodeConfig(name: WriteAlgorithm, { lz4Blocks }: PlannedCompression, content: CompressedContent): Uint8Array {
  switch (name) {
    case "lz4":
      return lz4ConfigRecord.encode({
        maxDistance: lz4Distance,
        maxClusterBlocks: lz4Blocks,
        reserved: new Uint8Array(10),
      });
    case "deflate":
      return deflateConfigRecord.encode({ windowLog2: deflateWindowLog2, reserved: new Uint8Array(5) });
    case "zstd": {
      const windowLog2 = Math.max(0, content.zstdWindowLog2 - zstdWindowLog2Base);
      return zstdConfigRecord.encode({ format: 0, windowLog2, reserved: new Uint8Array(4) });
    }
  }
}
