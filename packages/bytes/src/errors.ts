/** Where in an input something went wrong. Every member is optional because not every error has all of them. */
export interface ErrorContext {
  /** Field path from the outermost structure inwards, such as `superblock.checksum`. */
  readonly path?: string | undefined;
  /** Absolute offset in the source, in bytes. */
  readonly offset?: number | bigint | undefined;
  /** The source: a file name or URL, as the user wrote it. */
  readonly source?: string | undefined;
  readonly [detail: string]: unknown;
}

/**
 * The base of each package's one error class: a stable `code`, a structured `context`, and a message that says what and
 * why. What it is about belongs to `context`; `describeError` puts the two together for people.
 */
export abstract class CodedError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly context: ErrorContext;

  constructor(code: Code, message: string, context: ErrorContext = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    this.context = context;
  }
}

/** `message (path at offset 0x…, source)`: the one-line form of an error, for people. */
export function describeError(error: CodedError): string {
  const { path, offset, source } = error.context;
  const where: string[] = [];
  if (path !== undefined && offset !== undefined) where.push(`${path} at offset ${offset}`);
  else if (path !== undefined) where.push(path);
  else if (offset !== undefined) where.push(`offset ${offset}`);
  if (source !== undefined) where.push(source);
  return where.length === 0 ? error.message : `${error.message} (${where.join(", ")})`;
}

/** What a `BytesError` can say. */
export type BytesErrorCode =
  /** The input ends before what it announced. */
  | "MALFORMED_TRUNCATED"
  /** A number does not fit where it is needed (2^53, or the size of the source). */
  | "LIMIT_RANGE"
  /** The source gave fewer bytes than it said it had, or answered against its protocol. */
  | "MISMATCH_SOURCE"
  /** The source changed between two reads. */
  | "MISMATCH_CHANGED"
  /** The source cannot be read: missing, forbidden, or the transfer broke. */
  | "UNREADABLE_SOURCE"
  /** The source offers no way to read it, for example a server that sends no length. */
  | "UNSUPPORTED_SOURCE"
  /** The output cannot be made or written: no space, no permission, or something else stands there. */
  | "UNWRITABLE_SINK"
  /** The output cannot take the bytes in this order, such as a stream that would have to go back. */
  | "UNSUPPORTED_SINK";

/** Everything that goes wrong between a byte source and a decoded field. */
export class BytesError extends CodedError<BytesErrorCode> {}
