import type { Name } from "../name.js";

/** What an extraction could not do: a node, or an attribute of one. */
export type SkippedWhat =
  /** A device that this user may not make, or the caller did not want. */
  | "device"
  /** A fifo, where there is no `mknod`. */
  | "fifo"
  /** Sockets mean nothing without the process that listens. */
  | "socket"
  /** Another name of a node that was skipped. */
  | "link"
  /** The owner, where this user is not root. */
  | "owner"
  /** Set-uid and set-gid bits of a file whose owner could not be set. */
  | "set-id"
  /** An xattr that this user may not set, or the target does not take. */
  | "xattr";

/** One thing that an extraction could not do, and why. */
export interface Skipped {
  readonly path: Name;
  readonly what: SkippedWhat;
  readonly why: string;
}

/** What an extraction did. */
export interface ExtractReport {
  readonly directories: number;
  /** Regular files, each inode once. */
  readonly files: number;
  readonly symlinks: number;
  /** Devices and fifos. */
  readonly specials: number;
  /** Further names of inodes that were made before. */
  readonly links: number;
  /** Bytes of data written; holes do not count. */
  readonly bytes: number;
  /** Times whose last digits were cut: Node sets whole microseconds, and whole seconds before 1970 and from 2242 on. */
  readonly timesCut: number;
  /** The first thousand things that could not be done. */
  readonly skipped: readonly Skipped[];
  /** How many there were in all. */
  readonly skippedCount: number;
}

/** A report that is being written. */
export type OpenReport = { -readonly [K in keyof ExtractReport]: ExtractReport[K] } & { readonly skipped: Skipped[] };

/** An image decides how much there is to skip, so the list is bounded. */
const maxSkippedListed = 1000;

/** An empty report. */
export function openReport(): OpenReport {
  return {
    directories: 0,
    files: 0,
    symlinks: 0,
    specials: 0,
    links: 0,
    bytes: 0,
    timesCut: 0,
    skipped: [],
    skippedCount: 0,
  };
}

/** Notes what was not done. */
export function skip(report: OpenReport, path: Name, what: SkippedWhat, why: string): void {
  report.skippedCount += 1;
  if (report.skipped.length < maxSkippedListed) report.skipped.push({ path, what, why });
}
