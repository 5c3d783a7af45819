import type { ByteSource } from "@sextant/bytes";
import type { Name } from "./name.js";

/** An extended attribute; `name` with its namespace, such as `user.mime_type` or `security.capability`. */
export interface Xattr {
  readonly name: Name;
  readonly value: Uint8Array;
}

/** What every node has. */
export interface Attributes {
  /** Permission bits with set-uid, set-gid and sticky: 0…0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970, may be negative. */
  readonly mtimeSeconds: number;
  /** 0…999,999,999 */
  readonly mtimeNanoseconds: number;
  /** In byte order of their names, each name once. */
  readonly xattrs: readonly Xattr[];
}

/** What a regular file holds. */
export interface FileContent {
  /** Bytes. */
  readonly size: number;
  /** Equal identities mean equal bytes, so that nobody has to read both. Different ones mean nothing. */
  readonly identity?: string | undefined;
  /** The parts that hold data, in order and apart; the rest is zeros. Undefined: no holes are known. */
  readonly extents?: readonly Extent[] | undefined;
  open(): ByteSource;
}

/** Bytes `[start, end)` of a file. */
export interface Extent {
  readonly start: number;
  readonly end: number;
}

/** A directory and what is in it. */
export interface Directory extends Attributes {
  readonly kind: "directory";
  /** Any order; writers sort by name bytes. */
  readonly entries: ReadonlyMap<Name, TreeNode>;
}

/** A regular file. */
export interface RegularFile extends Attributes {
  readonly kind: "file";
  readonly content: FileContent;
}

/** A symlink; its target is bytes and need not exist. */
export interface Symlink extends Attributes {
  readonly kind: "symlink";
  readonly target: Name;
}

/** A device node. A character device 0:0 is an overlayfs whiteout (`isWhiteout`). */
export interface Device extends Attributes {
  readonly kind: "character-device" | "block-device";
  /** 0…4095 */
  readonly major: number;
  /** 0…1,048,575 */
  readonly minor: number;
}

/** A fifo or a socket: a name without content. */
export interface Special extends Attributes {
  readonly kind: "fifo" | "socket";
}

/**
 * A node of a file tree. A node that stands under several names *is* one inode: hard links are the same object, and so
 * keep together through every copy that uses `mapTree`. A directory stands under one name only.
 */
export type TreeNode = Directory | RegularFile | Symlink | Device | Special;

/** What a node can be. */
export type NodeKind = TreeNode["kind"];

/** A directory entry of a lazy tree; its kind is known without reading the inode. */
export interface LazyEntry {
  readonly name: Name;
  readonly kind: NodeKind;
  node(): Promise<LazyNode>;
}

/**
 * A node of a tree that is read as it is asked for: what filesystem images give. Each method reads only what it needs;
 * one that does not apply to the kind of node throws `TypeError`.
 */
export interface LazyNode {
  readonly kind: NodeKind;
  /** Unique within the tree; equal for hard links. */
  readonly id: string | number | bigint;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  /** Names of this inode, as the image states it. */
  readonly nlink: number;
  /** Bytes of a file or a symlink's target; what the image states for a directory; else 0. */
  readonly size: number;
  /** Of device nodes. */
  readonly device?: { readonly major: number; readonly minor: number } | undefined;
  xattrs(): Promise<readonly Xattr[]>;
  /** Of a directory: its entries in byte order of their names, without `.` and `..`. */
  entries(): Promise<readonly LazyEntry[]>;
  /** Of a directory: one entry, reading no more blocks than it takes to find it. */
  lookup(name: Name): Promise<LazyNode | undefined>;
  /** Of a symlink. */
  readlink(): Promise<Name>;
  /** Of a regular file. */
  content(): FileContent;
}
