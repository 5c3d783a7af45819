import { CodedError } from "@sextant/bytes";

export type ImageErrorCode =
  /** The bytes are of no kind of image that we know. */
  | "UNSUPPORTED_IMAGE"
  /** The file system is one that we know by name only. */
  | "UNSUPPORTED_FILESYSTEM"
  /** A partition table without a root or usr partition, or with several that could be meant. */
  | "MALFORMED_LAYOUT"
  /** A file of the image is larger than what it is read for allows. */
  | "LIMIT_FILE_BYTES"
  /** A host profile is not one. */
  | "MALFORMED_HOST_PROFILE";

/** What keeps an image or a host from being read. */
export class ImageError extends CodedError<ImageErrorCode> {}

export type TrustErrorCode =
  /** A certificate was given, and the image has no signature. */
  | "MISMATCH_UNSIGNED"
  /** The signature is not one of the given certificates over this root hash. */
  | "MISMATCH_SIGNATURE"
  /** The image has no hash tree where its signature needs one, or one that does not cover the file system. */
  | "MISMATCH_VERITY"
  /** The partitions' UUIDs are not the halves of the root hash. */
  | "MISMATCH_ROOT_HASH";

/** Why an image is not what a certificate vouches for. */
export class TrustError extends CodedError<TrustErrorCode> {}
