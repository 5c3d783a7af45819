export { type CheckOptions, type CheckReport, check } from "./check.js";
export type { Finding, FindingCode } from "./check-state.js";
export { type ChunkMap, type FileChunks, type FindChunksOptions, findChunks, holeChunk } from "./chunks.js";
export { parseComposefsDump } from "./composefs/dump-format.js";
export { emitComposefs } from "./composefs/emit.js";
export { composefsTree, objectPath } from "./composefs/from-tree.js";
export { type FsVerityOptions, fsVerityDigest } from "./composefs/fs-verity.js";
export type { ComposefsEntry, ComposefsNode } from "./composefs/node.js";
export type { OverlayEntry, OverlayNode } from "./composefs/overlay.js";
export { type ComposefsOptions, type ComposefsPlan, type PlacedNode, planComposefs } from "./composefs/plan.js";
export type { PlacedXattr, XattrParts } from "./composefs/plan-xattrs.js";
export { type Compressed, type CompressOptions, compress, type Fragments } from "./compress/compress.js";
export {
  type Compression,
  type CompressionMethod,
  compressionLevels,
  defaultClusterBytes,
  maxClusterBytes,
} from "./compress/compression.js";
export {
  type FeatureChoice,
  type FittedChoice,
  fitKernel,
  isKernelAtLeast,
  type KernelVersion,
  oldestKernel,
  parseKernelVersion,
  type WriteFeature,
  writeFeatures,
} from "./compress/fit-kernel.js";
export type { Order, ProfileEntry } from "./compress/order.js";
export { workOn as compressionWork } from "./compress/runner.js";
export type { AlgorithmStats, CompressStats } from "./compress/stats.js";
export type { CompressionResult, CompressionTask } from "./compress/task.js";
export type { ClusterStats } from "./compressed/cache.js";
export type { DataExtent } from "./compressed/extents.js";
export type { IndexForm, PlannedMap } from "./compressed/write-map.js";
export { dump, formatSpans } from "./dump.js";
export { ErofsError, type ErofsErrorCode } from "./errors.js";
export {
  defaultFingerprintName,
  type FingerprintOptions,
  type Fingerprints,
  fingerprintFiles,
} from "./fingerprints.js";
export { type NeededFeature, type NeededKernel, namedAlgorithms, neededKernel } from "./kernel.js";
export type { OpenOptions } from "./open-volume.js";
export { type ErofsPlan, type PlanOptions, plan } from "./plan.js";
export type { ChunkPlace, DataRun, PlannedChunks } from "./plan-chunks.js";
export type { PlannedCompression } from "./plan-features.js";
export type { PlannedEntries, PlannedInode } from "./plan-inodes.js";
export type { Time } from "./plan-times.js";
export type { PlannedXattr } from "./plan-xattrs.js";
export { type ErofsImage, open } from "./read.js";
export type {
  ClusterAlgorithm,
  ClusterTable,
  CompressedContent,
  CompressedFile,
  FlatFile,
  InlineCluster,
  WriteAlgorithm,
} from "./stored.js";
export { isErofs } from "./superblock.js";
export type { Device } from "./volume.js";
export { type EmitOptions, emit } from "./write.js";
export type { PlannedPrefix } from "./xattr-prefixes.js";
