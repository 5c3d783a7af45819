import type { objectTypes } from "./layout.js";

/** Versions of symbols that a file wants of a library. */
export interface NeededVersions {
  /** The library's soname: `libc.so.6`. */
  readonly soname: string;
  /** `GLIBC_2.38`; without those that may be missing. */
  readonly versions: readonly string[];
}

/** What of an ELF file decides where it runs. Names are byte strings, a character a byte. */
export interface ElfFile {
  readonly bits: 32 | 64;
  readonly littleEndian: boolean;
  readonly type: (typeof objectTypes)[keyof typeof objectTypes] | "other";
  /** `e_machine` */
  readonly machine: number;
  /** systemd's name for the machine; undefined where it has none. */
  readonly architecture: string | undefined;
  /** The program that loads this one; undefined for libraries and static programs. */
  readonly interpreter: string | undefined;
  /** Whether there is a dynamic section: else it needs nothing. */
  readonly dynamic: boolean;
  /** Whether it says that it is a program though it is of type `shared`. */
  readonly pie: boolean;
  readonly soname: string | undefined;
  /** Sonames, or paths, in the order in which they are loaded. */
  readonly needed: readonly string[];
  /** Directories to look for libraries in: DT_RUNPATH, or where that is missing DT_RPATH; `$ORIGIN` as it is. */
  readonly runpath: readonly string[];
  readonly neededVersions: readonly NeededVersions[];
  /** Versions that it provides, without the one that names the file. */
  readonly providedVersions: readonly string[];
}
