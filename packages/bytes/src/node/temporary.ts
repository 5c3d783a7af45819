import { randomBytes } from "node:crypto";
import { chmodSync, lstatSync, readdirSync, rmdirSync, unlinkSync } from "node:fs";
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
    removeAll(Buffer.from(path));
  }
}

/**
 * Removes a file, or a directory with all that is in it; nothing happens where there is none. Unlike `fs.rm`, it also gets
 * rid of directories whose mode does not allow to change them. Symlinks are removed, not followed.
 */
export function removeTree(path: string | Uint8Array): void {
  removeAll(Buffer.from(path));
}

/** Removes all that is in a directory, as `removeTree` does. */
export function emptyDirectory(path: string): void {
  for (const name of readdirSync(path, "buffer")) removeAll(Buffer.concat([Buffer.from(path), slash, name]));
}

/** By bytes, because names need not be UTF-8. */
function removeAll(path: Buffer): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isDirectory()) {
    unlinkSync(path);
    return;
  }
  chmodSync(path, 0o700);
  for (const name of readdirSync(path, "buffer")) removeAll(Buffer.concat([path, slash, name]));
  rmdirSync(path);
}

const slash = Buffer.from("/");
