import { CodedError, type ErrorContext } from "@sextant/bytes";
import { TreeError } from "@sextant/tree";

/** What can be wrong with an archive, or with a tree that is to become one. */
export type ArchiveErrorCode =
  /** The archive ends in the middle of what it announced. */
  | "MALFORMED_TRUNCATED"
  /** A header that is none, or not of this format. */
  | "MALFORMED_HEADER"
  /** A field or record that does not hold what it must: no number, no path, no time. */
  | "MALFORMED_FIELD"
  /** A map of a sparse file that overlaps, runs backwards or does not fit its data. */
  | "MALFORMED_SPARSE"
  /** A name that no directory can have. */
  | "MALFORMED_NAME"
  /** An OCI image layout that is not as its specification wants it. */
  | "MALFORMED_OCI"
  /** A checksum differs. */
  | "MISMATCH_CHECKSUM"
  /** A path that leads out of the archive's tree, or through a symlink in it. */
  | "MISMATCH_ESCAPE"
  /** A hard link to something that is not there. */
  | "MISMATCH_LINK"
  /** A path through something that is no directory. */
  | "MISMATCH_KIND"
  /** A package without one of its parts. */
  | "MISSING_MEMBER"
  /** None of the archive formats. */
  | "UNSUPPORTED_FORMAT"
  /** A member of a kind that cannot be taken, such as a part of a multi-volume archive. */
  | "UNSUPPORTED_MEMBER"
  /** Something in a tree that the format cannot hold. */
  | "UNSUPPORTED_NODE"
  /** More than the named limit. */
  | "LIMIT_ENTRIES"
  | "LIMIT_HEADER"
  | "LIMIT_CONTENT"
  | "LIMIT_DEPTH"
  /** A value in a tree that does not fit the format's field. */
  | "LIMIT_FIELD";

/**
 * Everything that goes wrong between an archive and a tree. `context.offset` is an offset in the archive as it is parsed, that
 * is after decompression; `context.member` is the path of the member.
 */
export class ArchiveError extends CodedError<ArchiveErrorCode> {}

/** Something in an archive that was left out or taken another way than it says. */
export interface ArchiveWarning {
  readonly code: /** The end of the archive is not marked as it should be. */
    | "UNMARKED_END"
    /** Members that hold no files, such as a volume's label. */
    | "IGNORED_MEMBER"
    /** Attributes that trees don't have or that can't be told. */
    | "IGNORED_ATTRIBUTE"
    /** A member of a type that nobody defined, taken for a file. */
    | "UNKNOWN_TYPE"
    /** What follows the archive's end. */
    | "IGNORED_TRAILING";
  /** What is the matter, in a sentence. */
  readonly message: string;
  /** The member's path, as people read it. */
  readonly member?: string | undefined;
  /** Offset of the member in the archive. */
  readonly offset: number;
}

/** Is told each warning as it arises. */
export type WarningHandler = (warning: ArchiveWarning) => void;

const treeCodes: Readonly<Partial<Record<string, ArchiveErrorCode>>> = {
  MALFORMED_NAME: "MALFORMED_NAME",
  MISMATCH_ESCAPE: "MISMATCH_ESCAPE",
  MISMATCH_KIND: "MISMATCH_KIND",
  MISSING_PATH: "MISMATCH_LINK",
  LIMIT_SYMLINKS: "MISMATCH_ESCAPE",
  LIMIT_DEPTH: "LIMIT_DEPTH",
};

/** Runs what puts a member into a tree; what the tree refuses becomes an error of the archive, with this context. */
export function placing<T>(context: () => ErrorContext, place: () => T): T {
  try {
    return place();
  } catch (error) {
    const code = error instanceof TreeError ? treeCodes[error.code] : undefined;
    if (!(error instanceof TreeError) || code === undefined) throw error;
    throw new ArchiveError(code, error.message, { ...error.context, ...context() }, { cause: error });
  }
}
