import { randomBytes } from "node:crypto";
import { chmodSync, lstatSync, readdirSync, renameSync, rmdirSync, unlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** Files and directories that exist only until an output is complete. */
const alive = new Set<string>();

/** A hidden name next to `path` that nobody else has: outputs grow under it and are renamed when they are whole. */
export function temporaryName(path: string): string {
  // 60 characters are at most 180 bytes, so that no name grows past 255.
  return join(dirname(path), `.${basename(path).slice(0, 60)}.${randomBytes(6).toString("hex")}.tmp`);
}

/** Remembers a temporary file or directory until the returned function is called. */
export function trackTemporary(path: string): () => void {
  alive.add(path);
  return () => void alive.delete(path);
}

/**
 * Removes every temporary file and directory of outputs that are neither committed nor aborted yet. For a program's
 * handlers of SIGINT and SIGTERM, right before it exits: what is being written is lost.
 */
export function removeTemporaries(): void {
  for (const path of alive) {
    alive.delete(path);
    removeTree(path);
  }
}

/**
 * Removes a file, or a directory with all that is in it; nothing happens where there is none. Unlike `fs.rm`, it also gets
 * rid of directories whose mode does not allow to change them, and of those that are nested deeper than a path can be long.
 * Symlinks are removed, not followed.
 */
export function removeTree(path: string): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isDirectory()) {
    unlinkSync(path);
    return;
  }
  emptyDirectory(path);
  rmdirSync(path);
}

/** Removes all that is in a directory, as `removeTree` does. */
export function emptyDirectory(path: string): void {
  chmodSync(path, 0o700);
  // Directories are moved up and then emptied, so that no path gets long. By bytes: names need not be UTF-8.
  const inside = (...names: Uint8Array[]) =>
    Buffer.concat([Buffer.from(path), ...names.flatMap((name) => [slash, name])]);
  const prefix = randomBytes(6).toString("hex");
  let moved = 0;
  for (let names = readdirSync(path, "buffer"); names.length > 0; names = readdirSync(path, "buffer")) {
    for (const name of names) {
      if (!lstatSync(inside(name)).isDirectory()) {
        unlinkSync(inside(name));
        continue;
      }
      chmodSync(inside(name), 0o700);
      for (const child of readdirSync(inside(name), "buffer")) {
        const at = inside(name, child);
        if (!lstatSync(at).isDirectory()) {
          unlinkSync(at);
          continue;
        }
        // Moving a directory changes its "..", which its mode may forbid.
        chmodSync(at, 0o700);
        renameSync(at, inside(Buffer.from(`${prefix}.${moved++}`)));
      }
      rmdirSync(inside(name));
    }
  }
}

const slash = Buffer.from("/");
