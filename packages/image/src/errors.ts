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
  /** The image has more release files than anybody reads. */
  | "LIMIT_RELEASE_FILES"
  /** A host profile is not one. */
  | "MALFORMED_HOST_PROFILE";

/** What keeps an image or a host from being read. */
export class ImageError extends CodedError<ImageErrorCode> {}
