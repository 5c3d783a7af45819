import { type BigIntStats, lstatSync, readdirSync, readlinkSync } from "node:fs";
import { describeErrno, deviceNumbers, errnoCode, openFile } from "@sextant/bytes/node";
import { TreeError } from "../errors.js";
import { type Name, nameFromBytes, nameToBytes, nameToText } from "../name.js";
import type { LazyEntry, LazyNode, NodeKind } from "../types.js";

/**
 * A directory of this machine as a lazy tree: only what is asked for is read, so a whole root file system costs nothing
 * to open. Symlinks are nodes and never followed here; `resolvePath` follows them inside the tree. Xattrs are not read:
 * `readDirectoryTree` has them.
 *
 * Throws `TreeError` `MISSING_PATH`, `MISMATCH_KIND` where `path` is no directory, and `UNREADABLE_FILE` where this user
 * may not read.
 */
export function lazyDirectory(path: string): LazyNode {
  // The slash makes lstat follow a symlink that the caller names.
  const node = lazyNode(Buffer.from(path.endsWith("/") ? path : `${path}/`));
  if (node.kind !== "directory") throw new TreeError("MISMATCH_KIND", "is not a directory", { source: path });
  return node;
}

function lazyNode(path: Buffer): LazyNode {
  const stats = attempt(path, () => lstatSync(path, { bigint: true }));
  const kind = kindOf(stats);
  const only = (needed: NodeKind, what: string) => {
    if (kind !== needed) throw new TypeError(`a ${kind} has no ${what}`);
  };
  const child = (name: Name) => Buffer.concat([path, path.at(-1) === slash ? noBytes : slashBytes, nameToBytes(name)]);
  const device = kind === "character-device" || kind === "block-device" ? deviceNumbers(stats.rdev) : undefined;
  return {
    kind,
    id: `${stats.dev}:${stats.ino}`,
    mode: Number(stats.mode) & 0o7777,
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    mtimeSeconds: Number((stats.mtimeNs - (((stats.mtimeNs % second) + second) % second)) / second),
    mtimeNanoseconds: Number(((stats.mtimeNs % second) + second) % second),
    nlink: Number(stats.nlink),
    size: kind === "file" || kind === "symlink" ? Number(stats.size) : 0,
    device,
    async xattrs() {
      return [];
    },
    async entries() {
      only("directory", "entries");
      const found = attempt(path, () => readdirSync(path, { encoding: "buffer" }));
      const names = found.map((name) => nameFromBytes(name)).sort((a, b) => (a < b ? -1 : 1));
      return names.flatMap((name): LazyEntry[] => {
        const node = existing(child(name));
        return node ? [{ name, kind: node.kind, node: async () => node }] : [];
      });
    },
    async lookup(name) {
      only("directory", "entries");
      if (name === "" || name === "." || name === ".." || name.includes("/") || name.includes("\0")) return undefined;
      return existing(child(name));
    },
    async readlink() {
      only("symlink", "target");
      return nameFromBytes(attempt(path, () => readlinkSync(path, { encoding: "buffer" })));
    },
    content() {
      only("file", "content");
      return { size: Number(stats.size), open: () => openFile(path) };
    },
  };
}

const slash = 0x2f;
const slashBytes = Uint8Array.of(slash);
const noBytes = new Uint8Array(0);
const second = 1_000_000_000n;

/** A name may go away between listing and looking; then it is not there. */
function existing(path: Buffer): LazyNode | undefined {
  try {
    return lazyNode(path);
  } catch (error) {
    if (error instanceof TreeError && error.code === "MISSING_PATH") return undefined;
    throw error;
  }
}

function kindOf(stats: BigIntStats): NodeKind {
  if (stats.isDirectory()) return "directory";
  if (stats.isFile()) return "file";
  if (stats.isSymbolicLink()) return "symlink";
  if (stats.isCharacterDevice()) return "character-device";
  if (stats.isBlockDevice()) return "block-device";
  return stats.isFIFO() ? "fifo" : "socket";
}

function attempt<T>(path: Buffer, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const code = errnoCode(cause);
    const missing = code === "ENOENT" || code === "ENOTDIR" || code === "ENAMETOOLONG";
    const source = nameToText(nameFromBytes(path));
    throw new TreeError(missing ? "MISSING_PATH" : "UNREADABLE_FILE", describeErrno(cause), { source }, { cause });
  }
}
