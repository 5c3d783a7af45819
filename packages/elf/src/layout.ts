/**
 * ELF on disk: constants and offsets, nothing else.
 * Source: System V ABI, "Object Files" and "Program Loading and Dynamic Linking"; the GNU extensions for symbol versions as
 * in the Linux Standard Base, 10.7 "Symbol Versioning", and glibc's elf.h.
 *
 * A file is of one of four forms, 32 or 64 bits wide and either byte order, so records are tables of offsets by width.
 */

/** `e_ident`: the four magic bytes. */
export const magic = 0x7f454c46;
/** Bytes of `e_ident`, and the places in it that matter. */
export const identification = { size: 16, width: 4, order: 5, version: 6 } as const;

/** A field: its offset from the start of the record and its width in bytes. */
export type Place = readonly [offset: number, width: 2 | 4 | 8];

/** Where things are in the records of one width. */
export interface Layout {
  readonly header: {
    readonly size: number;
    readonly type: Place;
    readonly machine: Place;
    readonly programHeaders: Place;
    readonly programHeaderSize: Place;
    readonly programHeaderCount: Place;
  };
  readonly segment: {
    readonly size: number;
    readonly type: Place;
    readonly offset: Place;
    readonly address: Place;
    readonly fileSize: Place;
  };
  /** Bytes of a dynamic entry: a tag and a value, half of it each. */
  readonly dynamicSize: number;
}

export const layouts: Readonly<Record<32 | 64, Layout>> = {
  32: {
    header: {
      size: 52,
      type: [16, 2],
      machine: [18, 2],
      programHeaders: [28, 4],
      programHeaderSize: [42, 2],
      programHeaderCount: [44, 2],
    },
    segment: { size: 32, type: [0, 4], offset: [4, 4], address: [8, 4], fileSize: [16, 4] },
    dynamicSize: 8,
  },
  64: {
    header: {
      size: 64,
      type: [16, 2],
      machine: [18, 2],
      programHeaders: [32, 8],
      programHeaderSize: [54, 2],
      programHeaderCount: [56, 2],
    },
    segment: { size: 56, type: [0, 4], offset: [8, 8], address: [16, 8], fileSize: [32, 8] },
    dynamicSize: 16,
  },
};

/** `e_type` */
export const objectTypes = { 1: "relocatable", 2: "executable", 3: "shared", 4: "core" } as const;

/** `p_type` */
export const segmentType = { load: 1, dynamic: 2, interpreter: 3 } as const;

/** `d_tag` */
export const tag = {
  end: 0,
  needed: 1,
  stringTable: 5,
  stringTableSize: 10,
  soname: 14,
  rpath: 15,
  runpath: 29,
  flags1: 0x6ffffffb,
  versionDefinitions: 0x6ffffffc,
  versionDefinitionCount: 0x6ffffffd,
  versionsNeeded: 0x6ffffffe,
  versionsNeededCount: 0x6fffffff,
} as const;

/** DF_1_PIE in `flags1`: a shared object that is a program. */
export const flagPie = 0x08000000;

/** `Elf_Verneed` and `Elf_Vernaux`, `Elf_Verdef` and `Elf_Verdaux`: alike in both widths. */
export const versionNeed = { size: 16, count: [2, 2], file: [4, 4], first: [8, 4], next: [12, 4] } as const;
export const versionNeedName = { size: 16, flags: [4, 2], name: [8, 4], next: [12, 4] } as const;
export const versionDefinition = { size: 20, flags: [2, 2], first: [12, 4], next: [16, 4] } as const;
export const versionDefinitionName = { size: 8, name: [0, 4] } as const;
/** VER_FLG_BASE: the definition names the file itself. */
export const versionIsBase = 1;
/** VER_FLG_WEAK: a version that may be missing. */
export const versionIsWeak = 2;
