export type { FileRange, JobOptions } from "./node/digests.js";
export { type CheckFileOptions, checkFile, type HashFileOptions, hashFile } from "./node/file.js";
