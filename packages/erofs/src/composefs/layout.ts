/**
 * What composefs puts into an EROFS image beyond EROFS: its header, the xattrs that overlayfs reads, and its limits.
 * Source: composefs 1.0.8, `libcomposefs/lcfs-erofs.h`, `lcfs-internal.h` and `lcfs-writer.h`, read for facts;
 * Documentation/filesystems/overlayfs.rst of Linux for the xattrs.
 */
import { bytesField, record, u32le } from "@sextant/bytes";
import type { Name } from "@sextant/tree";

/** LCFS_EROFS_MAGIC */
export const composefsMagic = 0xd078629a;
/** LCFS_EROFS_VERSION: of the header itself. */
export const composefsHeaderVersion = 1;

/** `struct lcfs_erofs_header_s`, at the start of the image. */
export const composefsHeaderRecord = record("composefs", {
  magic: u32le,
  version: u32le,
  flags: u32le,
  /** composefs_version: the version of the layout, see `composefsVersions`. */
  layoutVersion: u32le,

  unused: bytesField(16),
});

/** LCFS_EROFS_FLAGS_HAS_ACL: some inode has a POSIX ACL. */
export const composefsHasAcl = 1;

/** 0: the first one. 1: directories with whiteouts say so in the way that overlayfs of Linux 6.8 wants it. */
export const composefsVersions = { least: 0, most: 1 } as const;

/** Its block size on every machine. */
export const blockBytes = 4096;

/** File content up to this size goes into the image, when it is made of a tree (LCFS_RECOMMENDED_INLINE_CONTENT_MAX). */
export const inlineBytes = 64;
/** The same where a dump says it (LCFS_INLINE_CONTENT_MAX). */
export const maxInlineBytes = 5000;
/** LCFS_INODE_EXTERNAL_XATTR_MAX, in bytes as `xattrCost` counts them. */
export const maxXattrCost = 32767;
/** Longest path of an object, and longest symlink target: PATH_MAX − 1. */
export const maxPayloadBytes = 4095;
/** Shared xattrs that one inode refers to. */
export const maxSharedPerInode = 128;

/** Of every object, and of the digest that names it: fs-verity with SHA-256. */
export const digestBytes = 32;

const overlay = "trusted.overlay.";
const escaped = "trusted.overlay.overlay.";
/** For an overlay on top, and for one with the option `userxattr`. */
const forUpper = (name: string) => [`${escaped}${name}` as Name, `user.overlay.${name}` as Name] as const;

/** The xattrs of overlayfs. Escaped ones are what an overlay on top of the one that composefs mounts shall see. */
export const overlayXattrs = {
  prefix: overlay,
  escapedPrefix: escaped,
  /** The digest that the object has to have (`struct ovl_metacopy`). */
  metacopy: `${overlay}metacopy` as Name,
  /** The object's path in the object store. */
  redirect: `${overlay}redirect` as Name,
  opaque: `${overlay}opaque` as Name,
  /** Of what is a whiteout to the overlay on top. */
  whiteout: forUpper("whiteout"),
  /** Of a directory with such whiteouts. */
  hasWhiteouts: forUpper("whiteouts"),
  /** The same as of layout version 1, with the value `x`. */
  whiteoutsOpaque: forUpper("opaque"),
} as const;

/** `struct ovl_metacopy` before the digest: version 0, bytes in all, no flags, FS_VERITY_HASH_ALG_SHA256. */
export const metacopyHead = [0, 4 + digestBytes, 0, 1] as const;
