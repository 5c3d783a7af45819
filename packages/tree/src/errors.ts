import { CodedError } from "@sextant/bytes";

/** What a `TreeError` can say. */
export type TreeErrorCode =
  /** A name that no directory can have: empty, `.`, `..`, with a slash or NUL, or longer than 255 bytes. */
  | "MALFORMED_NAME"
  /** Two nodes that cannot both be there: a file where a directory is needed, or a name taken. */
  | "MISMATCH_KIND"
  /** Two names that the target takes for one, such as `a` and `A` where case makes no difference. */
  | "MISMATCH_NAME"
  /** A path that leads out of the tree or of the target directory. */
  | "MISMATCH_ESCAPE"
  /** Too many symlinks on one path, or a tree too deep. */
  | "LIMIT_SYMLINKS"
  | "LIMIT_DEPTH"
  /** Nothing stands at that path. */
  | "MISSING_PATH"
  /** A file, directory or attribute of this machine cannot be read or written. */
  | "UNREADABLE_FILE"
  | "UNWRITABLE_FILE"
  /** This machine or user cannot make such a node. */
  | "UNSUPPORTED_NODE"
  /** The override map is not well formed. */
  | "MALFORMED_OVERRIDE"
  /** A tree that no file system could hold: a directory in itself, a name that stands twice, an inode of two kinds. */
  | "MALFORMED_TREE"
  /** More names than the caller allows. */
  | "LIMIT_ENTRIES"
  /** A file changed while it was read. */
  | "MISMATCH_CHANGED";

/** Everything that goes wrong between a file tree and its source or target. */
export class TreeError extends CodedError<TreeErrorCode> {}
