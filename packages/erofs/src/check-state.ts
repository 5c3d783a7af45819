import { type Name, type NodeKind, nameToText } from "@sextant/tree";
import type { ClusterReferences } from "./check-clusters.js";
import type { OwnedRange, Ranges } from "./check-extents.js";
import type { ClusterLimits } from "./compressed/configs.js";
import type { ErofsErrorCode } from "./errors.js";
import { nidText } from "./inode.js";

/** What a finding is, for programs: all that reading may throw, and what only the whole walk shows. */
export type FindingCode =
  | ErofsErrorCode
  /** A number that does not fit where it is needed. */
  | "LIMIT_RANGE"
  /** An inode states another count of links than it has names. */
  | "MISMATCH_LINKS"
  /** The superblock states another count of inodes than the tree has. */
  | "MISMATCH_COUNT"
  /** A directory entry states another file type than the inode. */
  | "MISMATCH_TYPE"
  /** `.` or `..` is missing or leads elsewhere. */
  | "MISMATCH_PARENT"
  /** A directory under two names, of which one may be below itself. */
  | "MALFORMED_CYCLE"
  /** Two things stand in the same bytes. */
  | "MALFORMED_OVERLAP";

/** One thing that is wrong with an image. */
export interface Finding {
  readonly code: FindingCode;
  /** The path in the tree, or the field of the superblock. */
  readonly path: string;
  /** Where in the image, in bytes, if there is such a place. */
  readonly offset: number | undefined;
  readonly message: string;
}

/** What the walk remembers of an inode. */
export interface SeenInode {
  readonly kind: NodeKind;
  readonly offset: number;
  /** As the inode states it. */
  readonly nlink: number;
  /** Entries that lead to it. */
  names: number;
  subdirectories: number;
  /** The directory and name under which it was met first; undefined and empty for the root. */
  readonly parent: SeenInode | undefined;
  readonly name: Name;
}

/** The first of an inode's paths, or that of an entry in it. */
export function pathOf(inode: SeenInode, entry?: Name): string {
  const names = entry === undefined ? [] : [nameToText(entry)];
  for (let at: SeenInode | undefined = inode; at?.parent; at = at.parent) names.unshift(nameToText(at.name));
  return `/${names.join("/")}`;
}

export interface CheckState {
  readonly findings: readonly Finding[];
  readonly ranges: Ranges;
  readonly inodes: Map<number, SeenInode>;
  /** Inodes without a name that others depend on, and what they are. */
  readonly unnamed: Map<number, string>;
  readonly clusters: ClusterReferences;
  /** What kernels make room for; undefined where the superblock does not say it well. */
  limits: ClusterLimits | undefined;
  /** Inodes whose data is compressed. */
  compressed: number;
  /** Bytes that the indexes of inodes take. */
  indexBytes: number;
  /** Extents of clusters that are remembered at most. */
  readonly maxExtents: number;
  decodedClusters: number;
  decodedBytes: number;
  readonly maxDecodedBytes: number;
  skippedClusters: number;
  /** Memory for what a cluster holds, until the next one. */
  scratch(bytes: number): Uint8Array;
  isFull(): boolean;
  report(code: FindingCode, path: string, message: string, offset?: number): void;
  /** Does the work; what is wrong with the image becomes a finding and the result undefined. */
  attempt<T>(path: () => string, work: () => Promise<T> | T): Promise<T | undefined>;
}

/** The first of the paths of an inode by its number, or what it is. */
export function pathOfNid({ inodes, unnamed }: CheckState, nid: number): string {
  const inode = inodes.get(nid);
  return inode === undefined ? (unnamed.get(nid) ?? "/") : pathOf(inode);
}

/** A range in words. */
export function describeRange({ inodes, unnamed }: CheckState, { owner, of }: OwnedRange): string {
  if (of < 0) return "the superblock or device table";
  if (owner === "shared xattr") return `shared xattr ${of}`;
  const inode = inodes.get(of);
  const path = inode === undefined ? unnamed.get(of) : pathOf(inode);
  const whose = `inode ${nidText(of)}${path === undefined ? "" : ` (${path})`}`;
  return owner === "metadata" ? whose : `data of ${whose}`;
}
