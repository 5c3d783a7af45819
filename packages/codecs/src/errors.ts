import { CodedError } from "@sextant/bytes";

/** What can be wrong with compressed data. */
export type CodecErrorCode =
  /** The input ends in the middle of what it announced. */
  | "MALFORMED_TRUNCATED"
  /** A header says what the format does not allow, or is not that format's. */
  | "MALFORMED_HEADER"
  /** Compressed data that no compressor of that format makes. */
  | "MALFORMED_DATA"
  /** After the end of the compressed data comes something else. */
  | "MALFORMED_TRAILING"
  /** A checksum over header, index or content differs. */
  | "MISMATCH_CHECKSUM"
  /** A stated size differs from what was there. */
  | "MISMATCH_SIZE"
  /** A known format or feature that this package does not decode. */
  | "UNSUPPORTED_FORMAT"
  | "UNSUPPORTED_FEATURE"
  /** The content is larger than the caller's limit. */
  | "LIMIT_OUTPUT"
  /** The stream wants a larger history window than the caller's limit. */
  | "LIMIT_WINDOW"
  /** A number or a header is larger than this program handles. */
  | "LIMIT_RANGE";

/** Everything that goes wrong in decompression. `context.offset` is an offset in the compressed input. */
export class CodecError extends CodedError<CodecErrorCode> {}
