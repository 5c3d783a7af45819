export { type BuildOptions, buildVerity, treeFromDigests, type VerityTree, type WorkOptions } from "./build.js";
export { type CheckOptions, type CheckReportOptions, checkDigests, checkVerity } from "./check.js";
export { dumpHashArea } from "./dump.js";
export { VerityError, type VerityErrorCode } from "./errors.js";
export { type HashType, hashTypes, type SuperblockRecord, superblock } from "./layout.js";
export { type VerityOptions, type VerityParams, verityParams } from "./params.js";
export {
  bareHashArea,
  decodeSuperblock,
  type OpenOptions,
  openHashArea,
  type VerityHashArea,
  type VeritySuperblock,
} from "./read.js";
export type { Damage, VerityReport } from "./report.js";
export { type LevelShape, type TreeShape, treeOffsetAfter, treeShape } from "./shape.js";
export { type VerifiedOptions, verifiedSource } from "./verified.js";
export { emitHashArea, emitTree, encodeSuperblock, type HashAreaOptions, hashAreaBytes } from "./write.js";
