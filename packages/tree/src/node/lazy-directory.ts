import { type BigIntStats, lstatSync, readdirSync, readlinkSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { deviceNumbers } from "@sextant/bytes/node";
import { TreeError } from "../errors.js";
import { compareNames, type Name, nameFromText, nameToText } from "../name.js";
import type { LazyEntry, LazyNode, NodeKind } from "../types.js";
import { DiskContent } from "./disk-content.js";
import { inDirectory, kindOf, reading, splitTime, textPath } from "./path.js";
import { readXattrs, xattrCalls } from "./xattrs.js";

/**
 * A directory of this machine as a lazy tree: only what is asked for is read, so a whole root file system costs nothing
 * to open. Symlinks are nodes and never followed here; `resolvePath` follows them inside the tree.
 *
 * Throws `TreeError` `MISSING_PATH`, `MISMATCH_KIND` where `path` is no directory, and `UNREADABLE_FILE` where this user
 * may not read, or where xattrs are asked for and the optional package `@napi-rs/xattr` is not here.
 */
export function lazyDirectory(path: string): LazyNode {
  const base = nameFromText(resolve(path));
  return lazyNode(base, checkedRoot(base, path));
}

/** What stands at the path that a caller names, symlinks followed; throws unless it is a directory. */
export function checkedRoot(base: Name, path: string): BigIntStats {
  const stats = reading(base, (disk) => statSync(disk, { bigint: true }));
  if (stats.isDirectory()) return stats;
  throw new TreeError("MISMATCH_KIND", `is a ${kindOf(stats)}, not a directory`, { source: path });
}

function lazyNode(path: Name, stats: BigIntStats): LazyNode {
  const kind = kindOf(stats);
  const only = (needed: NodeKind, what: string) => {
    if (kind !== needed) throw new TypeError(`a ${kind} has no ${what}`);
  };
  const child = (name: Name) => {
    const there = inDirectory(path, name);
    return lazyNode(
      there,
      reading(there, (disk) => lstatSync(disk, { bigint: true })),
    );
  };
  const { seconds, nanoseconds } = splitTime(stats.mtimeNs);
  return {
    kind,
    id: `${stats.dev}:${stats.ino}`,
    mode: Number(stats.mode) & 0o7777,
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    mtimeSeconds: seconds,
    mtimeNanoseconds: nanoseconds,
    nlink: Number(stats.nlink),
    size: kind === "file" || kind === "symlink" ? Number(stats.size) : 0,
    device: kind === "character-device" || kind === "block-device" ? deviceNumbers(stats.rdev) : undefined,
    async xattrs() {
      const calls = await xattrCalls();
      const text = textPath(path);
      if (calls && text !== undefined) return readXattrs(calls, text, () => true);
      const why = calls ? "the name is not UTF-8" : "the package @napi-rs/xattr is not here";
      throw new TreeError("UNREADABLE_FILE", `extended attributes cannot be read: ${why}`, {
        source: nameToText(path),
      });
    },
    async entries() {
      only("directory", "entries");
      const found = reading(path, (disk) => readdirSync(disk, { encoding: "latin1", withFileTypes: true }));
      return found
        .map((entry): LazyEntry => {
          const name = entry.name as Name;
          return { name, kind: kindOf(entry), node: async () => child(name) };
        })
        .sort((a, b) => compareNames(a.name, b.name));
    },
    async lookup(name) {
      only("directory", "entries");
      if (name === "" || name === "." || name === ".." || name.includes("/") || name.includes("\0")) return undefined;
      try {
        return child(name);
      } catch (error) {
        if (error instanceof TreeError && error.code === "MISSING_PATH") return undefined;
        throw error;
      }
    },
    async readlink() {
      only("symlink", "target");
      return reading(path, (disk) => readlinkSync(disk, "latin1")) as Name;
    },
    content() {
      only("file", "content");
      const cut = path.lastIndexOf("/");
      return new DiskContent(path.slice(0, cut + 1) as Name, path.slice(cut + 1) as Name, stats);
    },
  };
}
