export { ElfError, type ElfErrorCode } from "./errors.js";
export { architectureOf } from "./machine.js";
export { type ElfFile, isElf, type NeededVersions, readElf } from "./read.js";
