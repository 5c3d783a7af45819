import { constants, type Dirent } from "node:fs";
import { describeErrno, errnoCode } from "@sextant/bytes/node";
import { TreeError } from "../errors.js";
import { type Name, nameToText } from "../name.js";
import type { NodeKind } from "../types.js";

/** A path as bytes for Node's calls: text where it is ASCII, which is faster and what nearly every path is. */
export function diskPath(path: Name): string | Buffer {
  return /^[\x01-\x7f]*$/.test(path) ? path : Buffer.from(path, "latin1");
}

/** Whether the bytes of a path are UTF-8, so that code which takes paths as text can have it. */
export function textPath(path: Name): string | undefined {
  if (/^[\x01-\x7f]*$/.test(path)) return path;
  try {
    return utf8.decode(Buffer.from(path, "latin1"));
  } catch {
    return undefined;
  }
}
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The path of an entry of a directory of this machine. */
export function inDirectory(directory: Name, name: Name): Name {
  return (directory.endsWith("/") ? directory + name : `${directory}/${name}`) as Name;
}

/** Opens for reading and nothing else: no symlink, and no waiting where a fifo has taken the place of a file. */
export const readFlags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

const second = 1_000_000_000n;

/** A time as trees have it; before 1970 the seconds round down, so that the nanoseconds are never negative. */
export function splitTime(nanoseconds: bigint): { readonly seconds: number; readonly nanoseconds: number } {
  const rest = ((nanoseconds % second) + second) % second;
  return { seconds: Number((nanoseconds - rest) / second), nanoseconds: Number(rest) };
}

/** What kind of node `lstat` or a directory entry tells of. */
export function kindOf(of: KindTests): NodeKind {
  if (of.isFile()) return "file";
  if (of.isDirectory()) return "directory";
  if (of.isSymbolicLink()) return "symlink";
  if (of.isCharacterDevice()) return "character-device";
  if (of.isBlockDevice()) return "block-device";
  return of.isFIFO() ? "fifo" : "socket";
}

type KindTests = Pick<
  Dirent,
  "isFile" | "isDirectory" | "isSymbolicLink" | "isCharacterDevice" | "isBlockDevice" | "isFIFO"
>;

/** The error of a file or directory that cannot be read. */
export function unreadable(path: Name, cause: unknown): TreeError {
  const code = errnoCode(cause);
  const missing = code === "ENOENT" || code === "ENOTDIR" || code === "ENAMETOOLONG";
  const source = nameToText(path);
  const message = `cannot be read: ${describeErrno(cause)}`;
  return new TreeError(missing ? "MISSING_PATH" : "UNREADABLE_FILE", message, { source }, { cause });
}

/** Does something with a path of this machine; what fails becomes a `TreeError`. */
export function reading<T>(path: Name, work: (path: string | Buffer) => T): T {
  try {
    return work(diskPath(path));
  } catch (cause) {
    throw cause instanceof TreeError ? cause : unreadable(path, cause);
  }
}
