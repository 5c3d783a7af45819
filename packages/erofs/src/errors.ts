import { CodedError } from "@sextant/bytes";

export type ErofsErrorCode =
  /** No EROFS superblock, or one that contradicts itself. */
  | "MALFORMED_SUPERBLOCK"
  /** The image is shorter than its superblock or an address in it says. */
  | "MALFORMED_TRUNCATED"
  /** An inode that contradicts itself, or an inode number where none can be. */
  | "MALFORMED_INODE"
  /** A directory block with bad offsets, names or order. */
  | "MALFORMED_DIRECTORY"
  | "MALFORMED_XATTR"
  /** Data blocks that lie outside of the image, or inline data that crosses a block. */
  | "MALFORMED_DATA"
  /** Compression indexes or extent records that contradict themselves or lead nowhere. */
  | "MALFORMED_INDEX"
  /** A cluster that does not decompress, or to another length than its extents have. */
  | "MALFORMED_CLUSTER"
  /** A fragment outside of the packed inode, or in an image that has none. */
  | "MALFORMED_FRAGMENT"
  /** The superblock's checksum is wrong. */
  | "MISMATCH_CHECKSUM"
  /** The image needs features that this package does not have; the message names them. */
  | "UNSUPPORTED_FEATURE"
  /** The data is compressed in a way that the format has not defined so far. */
  | "UNSUPPORTED_COMPRESSION"
  /** An inode format or data layout that the format has not defined so far. */
  | "UNSUPPORTED_LAYOUT"
  /** The data is on a device that was not given to `open`. */
  | "MISSING_DEVICE"
  /** A cluster larger than kernels take, or more indexes on the way to one than a writer makes. */
  | "LIMIT_CLUSTER"
  /** A symlink's target is longer than what Linux follows. */
  | "LIMIT_SYMLINK"
  /** A line of a composefs dump that is not of its format, or says what cannot be. */
  | "MALFORMED_DUMP"
  /** A tree that no filesystem can hold: a directory under two names, a name or number out of range. */
  | "MALFORMED_TREE"
  /** A tree that EROFS cannot hold: names, xattrs or sizes beyond its fields. */
  | "LIMIT_NAME"
  | "LIMIT_XATTR"
  | "LIMIT_SIZE"
  /** An xattr whose namespace EROFS does not have. */
  | "UNSUPPORTED_XATTR"
  /** A file whose source gives another size than the tree said. */
  | "MISMATCH_SIZE";

/** Everything that goes wrong between an EROFS image and a file tree. */
export class ErofsError extends CodedError<ErofsErrorCode> {}
