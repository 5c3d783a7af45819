import { CodedError } from "@sextant/bytes";

/** The codes of `ReleaseError`. */
export type ReleaseErrorCode =
  /** A NUL byte in a release file: systemd cannot read such a file at all. */
  | "MALFORMED_NUL"
  /** An assignment whose key or value is not UTF-8 as systemd understands it: the whole file is lost. */
  | "MALFORMED_UTF8"
  /** More bytes than systemd reads of one file. */
  | "LIMIT_SIZE"
  /** A name that no image can have. */
  | "MALFORMED_NAME"
  /** ID is missing, empty or more than one word. */
  | "MALFORMED_ID"
  /** A key that the parser would not give back. */
  | "MALFORMED_KEY"
  /** A value that the parser would not give back, or that no host can have. */
  | "MALFORMED_VALUE"
  /** A scope list that is empty or has words that systemd doesn't know. */
  | "MALFORMED_SCOPE"
  /** A unit name that systemd would skip. */
  | "MALFORMED_UNIT"
  /** An architecture that is not spelled as systemd spells it. */
  | "UNSUPPORTED_ARCHITECTURE";

/** Everything that goes wrong with release files: reading one, and writing one that systemd would never accept. */
export class ReleaseError extends CodedError<ReleaseErrorCode> {}
