export { check, type DdiReport } from "./check.js";
export type { CheckOptions, SetReport } from "./check-set.js";
export { dump } from "./dump.js";
export { DdiError, type DdiErrorCode } from "./errors.js";
export type { DdiFinding } from "./finding.js";
export { formatGuid, type Guid, parseGuid } from "./guid.js";
export { attributeBit, type GptEntry, type GptHeader, sectorSizes, signaturePartitionBytes } from "./layout.js";
export {
  architectureAliases,
  designatorOf,
  type PartitionArchitecture,
  type PartitionKind,
  type PartitionRole,
  type PartitionType,
  partitionArchitecture,
  partitionArchitectures,
  partitionKinds,
  partitionType,
  partitionTypes,
  typeOfGuid,
} from "./partition-types.js";
export {
  attachSignature,
  type DdiContent,
  type DdiLayout,
  type DdiPlan,
  type LayoutOptions,
  layoutDdi,
  type PlannedPartition,
  type PlanOptions,
  plan,
  planDdi,
  rootHashUuid,
  type Slot,
  type TableLayout,
  type VerityMode,
} from "./plan.js";
export { type Ddi, defaultHeadBytes, looksLikeDdi, type OpenOptions, open, type Partition } from "./read.js";
export { fromSeed, type SeedDerivations, seedBytes } from "./seed.js";
export { type ChooseOptions, chooseSets, type PartitionSet, partitionSets } from "./sets.js";
export {
  decodeSignature,
  encodeSignature,
  type RootHashSignature,
  readSignature,
  signedContent,
  signRootHash,
} from "./signature.js";
export {
  openTrusted,
  TrustError,
  type TrustErrorCode,
  type TrustedFilesystem,
  type TrustOptions,
} from "./trust.js";
export type { Warning, WarningCode } from "./warning.js";
export { type EncodedTables, emit, emitPartition, emitTables, encodeTables, type TableContent } from "./write.js";
