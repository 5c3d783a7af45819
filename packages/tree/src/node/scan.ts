import { type BigIntStats, lstatSync, readdirSync, readlinkSync } from "node:fs";
import { resolve } from "node:path";
import { setImmediate } from "node:timers/promises";
import { deviceNumbers } from "@sextant/bytes/node";
import { TreeError } from "../errors.js";
import { defaultMaxEntries } from "../load.js";
import { type Name, nameFromText, nameToText } from "../name.js";
import type { Attributes, Directory, TreeNode, Xattr } from "../types.js";
import { joinPath } from "../walk.js";
import { DiskContent, scanExtents } from "./disk-content.js";
import { checkedRoot } from "./lazy-directory.js";
import { inDirectory, kindOf, reading, splitTime } from "./path.js";
import { addMissedXattrs, xattrReader } from "./scan-xattrs.js";
import { type TreeWarning, warningList } from "./warnings.js";

export interface ReadDirectoryOptions {
  /** Which xattrs to take. Default: all that this user may see. */
  readonly wantXattr?: (name: Name) => boolean;
  /** Whether xattrs are read at all. Default true. */
  readonly xattrs?: boolean;
  /**
   * `find` (default): files with fewer blocks than their size takes are read once for their zeros, and get extents.
   * `ignore`: no file gets extents.
   */
  readonly holes?: "find" | "ignore";
  /** Names before `TreeError` `LIMIT_ENTRIES`. Default 4,194,304. */
  readonly maxEntries?: number;
}

/** A directory of this machine in memory, but for what is in its files. */
export interface ReadDirectory {
  readonly root: Directory;
  readonly warnings: readonly TreeWarning[];
  /** Names, the root not among them. */
  readonly entryCount: number;
}

/** Less missing than this is no sparse file: rounding, or a file system that keeps small files elsewhere. */
const minHoleBytes = 65_536;
/** Sparse files larger than this are not searched for their holes: at 4 GiB/s that would take minutes. */
const maxSearchedBytes = 2 ** 36;
/** Names between two pauses, so that timers and signals get their turn. */
const namesPerTurn = 5000;

/** A directory whose entries are still to be read. */
interface Pending {
  readonly disk: Name;
  readonly path: Name;
  readonly entries: Map<Name, TreeNode>;
}

/**
 * Reads a directory of this machine: owners, modes, times to the nanosecond, xattrs, hard links, devices, sparse files;
 * names need not be UTF-8. Symlinks are not followed, but for `path` itself. Contents are read when they are asked for; a
 * file that has changed by then is `MISMATCH_CHANGED`.
 *
 * Xattrs come from the optional package `@napi-rs/xattr`, else from one run of `getfattr`; where neither is there, a
 * warning says so. Throws `TreeError`: `MISSING_PATH`, `MISMATCH_KIND` where `path` is no directory, `UNREADABLE_FILE`,
 * `MISMATCH_CHANGED` where a name goes away meanwhile, `LIMIT_ENTRIES`.
 */
export async function readDirectoryTree(path: string, options: ReadDirectoryOptions = {}): Promise<ReadDirectory> {
  const { maxEntries = defaultMaxEntries, holes = "find" } = options;
  // Absolute, because contents are read later, when the working directory may be another one.
  const base = nameFromText(resolve(path));
  const rootStats = checkedRoot(base, path);
  const warnings = warningList();
  const xattrs = await xattrReader(base, options, warnings);
  const linked = new Map<string, TreeNode>();
  const missed = new Map<Name, TreeNode>();

  const entries = new Map<Name, TreeNode>();
  const root: Directory = { kind: "directory", ...attributesOf(rootStats, xattrs.at(base, "." as Name)), entries };
  const pending: Pending[] = [{ disk: base, path: "" as Name, entries }];

  const readNode = (directory: Pending, name: Name): TreeNode => {
    const disk = inDirectory(directory.disk, name);
    const where = joinPath(directory.path, name);
    const stats = statEntry(disk);
    const inode = stats.nlink > 1n && !stats.isDirectory() ? `${stats.dev}:${stats.ino}` : undefined;
    const known = inode === undefined ? undefined : linked.get(inode);
    if (known) return known;
    const attributes = attributesOf(stats, xattrs.at(disk, where));
    const node = nodeOf(stats, attributes, disk, () => {
      const searched = holes === "find" && isSparse(stats);
      if (searched && stats.size > maxSearchedBytes) warnings.add("HOLES_UNREAD", where);
      const extents = searched && stats.size <= maxSearchedBytes ? scanExtents(disk, Number(stats.size)) : undefined;
      return new DiskContent(directory.disk, name, stats, extents);
    });
    if (inode !== undefined) linked.set(inode, node);
    if (xattrs.missed.at(-1) === where) missed.set(where, node);
    return node;
  };

  let entryCount = 0;
  let turnEnds = namesPerTurn;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const names = reading(next.disk, (disk) => readdirSync(disk, "latin1")) as Name[];
    entryCount += names.length;
    if (entryCount > maxEntries) {
      throw new TreeError("LIMIT_ENTRIES", `the directory has more than ${maxEntries} names in it`, { source: path });
    }
    for (const name of names.sort()) {
      const node = readNode(next, name);
      next.entries.set(name, node);
      if (node.kind !== "directory") continue;
      const below = node.entries as Map<Name, TreeNode>;
      pending.push({ disk: inDirectory(next.disk, name), path: joinPath(next.path, name), entries: below });
    }
    if (entryCount < turnEnds) continue;
    turnEnds = entryCount + namesPerTurn;
    await setImmediate();
  }
  await addMissedXattrs(base, missed, options, warnings);
  return { root, warnings: warnings.all(), entryCount };
}

function statEntry(disk: Name): BigIntStats {
  try {
    return reading(disk, (path) => lstatSync(path, { bigint: true }));
  } catch (cause) {
    if (!(cause instanceof TreeError) || cause.code !== "MISSING_PATH") throw cause;
    const source = nameToText(disk);
    throw new TreeError("MISMATCH_CHANGED", "went away while its directory was read", { source }, { cause });
  }
}

/** One shape for all nodes of a kind, and nothing in it that is not needed: trees have half a million of them. */
function nodeOf(stats: BigIntStats, attributes: Attributes, disk: Name, content: () => DiskContent): TreeNode {
  const kind = kindOf(stats);
  switch (kind) {
    case "directory":
      return { kind, ...attributes, entries: new Map() };
    case "file":
      return { kind, ...attributes, content: content() };
    case "symlink":
      return { kind, ...attributes, target: reading(disk, (path) => readlinkSync(path, "latin1")) as Name };
    case "character-device":
    case "block-device":
      return { kind, ...attributes, ...deviceNumbers(stats.rdev) };
    default:
      return { kind, ...attributes };
  }
}

function attributesOf(stats: BigIntStats, xattrs: readonly Xattr[]): Attributes {
  const { seconds, nanoseconds } = splitTime(stats.mtimeNs);
  return {
    mode: Number(stats.mode) & 0o7777,
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    mtimeSeconds: seconds,
    mtimeNanoseconds: nanoseconds,
    xattrs,
  };
}

const isSparse = ({ size, blocks }: BigIntStats) => size - 512n * blocks >= minHoleBytes;
