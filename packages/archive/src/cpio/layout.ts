// cpio archives of the "new ASCII" format. Sources: Linux, Documentation/driver-api/early-userspace/buffer-format.rst, and
// cpio(5) of libarchive. A header is text: a magic and 13 numbers of 8 hexadecimal digits each.

export const magicBytes = 6;
export const magics = { newc: "070701", crc: "070702" } as const;
/** Formats that begin alike and are not read. */
export const otherMagics: ReadonlyMap<string, string> = new Map([["070707", "the old ASCII format (odc)"]]);

/** The numbers of a header, in their order. */
export const fieldNames = [
  "ino",
  "mode",
  "uid",
  "gid",
  "nlink",
  "mtime",
  "filesize",
  "devmajor",
  "devminor",
  "rdevmajor",
  "rdevminor",
  /** bytes of the name with its NUL */
  "namesize",
  /** sum of the data's bytes, in the crc format; else 0 */
  "check",
] as const;
export type FieldName = (typeof fieldNames)[number];
export type CpioFields = Readonly<Record<FieldName, number>>;

export const digits = 8;
export const headerBytes = magicBytes + fieldNames.length * digits;
/** Header and name together, and data, are filled up to a multiple of this. */
export const alignment = 4;
export const trailerName = "TRAILER!!!";

/** Linux's PATH_MAX, which its initramfs code holds names and symlinks to. */
export const pathLimitBytes = 4096;
export const largestField = 0xffffffff;

export const fileTypes = {
  fifo: 0o010000,
  "character-device": 0o020000,
  directory: 0o040000,
  "block-device": 0o060000,
  file: 0o100000,
  symlink: 0o120000,
  socket: 0o140000,
} as const;
export const fileTypeMask = 0o170000;

export const aligned = (position: number, to: number = alignment) => Math.ceil(position / to) * to;
