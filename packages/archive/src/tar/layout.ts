import { bytesField, record, textField } from "@sextant/bytes";

// Tape archives. Sources: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Header Block"; the GNU tar manual, "Basic
// Tar Format" and "Storing Sparse Files"; tar(5) of libarchive for v7 and star. Everything is in blocks of 512 bytes.

export const blockBytes = 512;

/** Numbers are text, octal, or binary (see `number.ts`); they stay bytes here. */
export const tarHeader = record("tar.header", {
  /** ends with NUL if there is room */
  name: textField(100),
  mode: bytesField(8),
  uid: bytesField(8),
  gid: bytesField(8),
  size: bytesField(12),
  mtime: bytesField(12),
  /** sum of all bytes of the header, these eight being spaces */
  checksum: bytesField(8),
  typeflag: textField(1),
  linkname: textField(100),
  /** "ustar\0" for POSIX, "ustar " for GNU, nothing in v7 */
  magic: bytesField(6),
  version: bytesField(2),
  uname: textField(32),
  gname: textField(32),
  devmajor: bytesField(8),
  devminor: bytesField(8),
  /** POSIX only: what stands before the name, and a slash */
  prefix: textField(155),
  padding: bytesField(12),
});

/** What GNU headers have instead of a prefix. */
export const gnuFields = {
  sparse: 386,
  sparseEntries: 4,
  isExtended: 482,
  realSize: 483,
} as const;

/** A block of more entries of an old GNU sparse map. */
export const gnuSparseBlock = { entries: 21, isExtended: 504 } as const;
/** Each entry: offset and length, 12 bytes each. */
export const gnuSparseEntryBytes = 24;
export const numberBytes = 12;

/** star headers end in "tar\0" and have a shorter prefix, with times behind it. */
export const starMagic = { at: 508, prefixBytes: 131 } as const;

export const typeflags = {
  file: "0",
  link: "1",
  symlink: "2",
  characterDevice: "3",
  blockDevice: "4",
  directory: "5",
  fifo: "6",
  contiguous: "7",
  /** pax: records for all that follows, and for the next member */
  global: "g",
  extended: "x",
  /** what Solaris wrote before pax was a standard */
  solarisExtended: "X",
  gnuLongName: "L",
  gnuLongLink: "K",
  gnuSparse: "S",
  gnuDumpDirectory: "D",
  gnuMultiVolume: "M",
  gnuOldNames: "N",
  gnuVolume: "V",
} as const;

/** Longest pax header, in bytes: an xattr may have 64 KiB, a sparse map of form 0.0 some more. */
export const paxLimitBytes = 32 * 1024 * 1024;
/** Longest GNU long name; Linux has no longer paths than 4096 bytes. */
export const longNameLimitBytes = 64 * 1024;
/** Most entries of a sparse map. */
export const sparseLimitEntries = 4 * 1024 * 1024;
/** Most members, unless told otherwise. */
export const defaultMaxMembers = 2 ** 22;
