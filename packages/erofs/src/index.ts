export { type CheckOptions, type CheckReport, check } from "./check.js";
export type { Finding, FindingCode } from "./check-state.js";
export { dump, formatSpans } from "./dump.js";
export { ErofsError, type ErofsErrorCode } from "./errors.js";
export { type ErofsPlan, type PlanOptions, plan } from "./plan.js";
export { type ErofsImage, type OpenOptions, open } from "./read.js";
export { isErofs } from "./superblock.js";
export type { Device } from "./volume.js";
export { type EmitOptions, emit } from "./write.js";
