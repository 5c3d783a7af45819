export { ElfError, type ElfErrorCode } from "./errors.js";
export type { ElfFile, NeededVersions } from "./file.js";
export { architectureOf } from "./machine.js";
export { isElf, readElf } from "./read.js";
