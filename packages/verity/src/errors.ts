import { CodedError } from "@sextant/bytes";

export type VerityErrorCode =
  /** No superblock there, or one that contradicts itself. */
  | "MALFORMED_SUPERBLOCK"
  /** The hash area ends before its tree does. */
  | "MALFORMED_HASH_AREA"
  /** A superblock version, hash type, algorithm or block size that this program does not do. */
  | "UNSUPPORTED_VERSION"
  | "UNSUPPORTED_HASH_TYPE"
  | "UNSUPPORTED_ALGORITHM"
  | "UNSUPPORTED_BLOCK_SIZE"
  /** The data are shorter than what the tree covers. */
  | "MISMATCH_DATA_SIZE"
  /** The root hash is not the digest of the top of the tree. */
  | "MISMATCH_ROOT_HASH"
  /** A block of the tree, or of the data, has another digest than the tree above it says. */
  | "MISMATCH_TREE_BLOCK"
  | "MISMATCH_DATA_BLOCK"
  /** The tree is larger than `maxTreeBytes`, or its sizes pass 2^53. */
  | "LIMIT_TREE_BYTES";

/** Everything that is wrong with a hash area, or with data under it. */
export class VerityError extends CodedError<VerityErrorCode> {}
