import { closeSync, constants, fstatSync, openSync, statSync } from "node:fs";
import { describeErrno } from "@sextant/bytes/node";
import { TreeError } from "../errors.js";
import { type Name, nameFromText, nameToText } from "../name.js";
import { diskPath, inDirectory } from "./path.js";

/**
 * A directory of the target, held open. Node has no `openat`, but on Linux `/proc/self/fd/N/name` is looked up in the
 * open directory itself, wherever it or its parents have been moved to and whatever stands at its old path now. Elsewhere
 * the path has to do.
 */
export interface Place {
  readonly fd: number;
  /** What names are appended to. */
  readonly base: Name;
  /** From the root of the tree, for errors and reports. */
  readonly path: Name;
  /** Whether this extraction made the directory, so that nothing else is in it. */
  readonly made: boolean;
  /** How many need it open. */
  readonly users: { count: number };
}

/** No symlink in place of the directory, whoever put it there. */
const directoryFlags = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0) | (constants.O_NOFOLLOW ?? 0);

/** Opens a directory; `disk` is where it is, `path` is for errors. `closePlace` it in the end. */
export function openPlace(disk: Name, path: Name, made: boolean): Place {
  const fd = writing(path, () => openSync(diskPath(disk), directoryFlags));
  return { fd, base: handlePath(fd) ?? disk, path, made, users: { count: 1 } };
}

/** Keeps a directory open for one more, who is to `closePlace` it too. */
export function keepPlace(place: Place): void {
  place.users.count += 1;
}

/** Closes a directory when nobody needs it any more. */
export function closePlace(place: Place): void {
  place.users.count -= 1;
  if (place.users.count === 0) closeSync(place.fd);
}

/** Opens a directory below another one. */
export function openBelow(place: Place, name: Name, path: Name, made: boolean): Place {
  return openPlace(entryPath(place, name), path, made);
}

/** Where an entry of the directory is. */
export const entryPath = (place: Place, name: Name): Name => inDirectory(place.base, name);

/** The directory itself as a path through which calls that take no descriptor reach it. */
export const ownPath = (place: Place): Name => inDirectory(place.base, "." as Name);

let handlesWork: boolean | undefined;

function handlePath(fd: number): Name | undefined {
  const path = `/proc/self/fd/${fd}`;
  handlesWork ??= sameFile(fd, path);
  return handlesWork ? nameFromText(path) : undefined;
}

function sameFile(fd: number, path: string): boolean {
  const there = statSync(path, { throwIfNoEntry: false, bigint: true });
  const here = fstatSync(fd, { bigint: true });
  return there?.ino === here.ino && there.dev === here.dev;
}

/** Opens the directory of an entry by its path from the root, name by name, so that no symlink is followed. */
export function withParent<T>(root: Place, path: Name, use: (place: Place, name: Name) => T): T {
  const names = path.split("/") as Name[];
  const name = names.pop() ?? ("" as Name);
  let place = root;
  try {
    for (const next of names) {
      const below = openBelow(place, next, path, true);
      if (place !== root) closePlace(place);
      place = below;
    }
    return use(place, name);
  } finally {
    if (place !== root) closePlace(place);
  }
}

/** Does something to the target; what fails becomes a `TreeError` `UNWRITABLE_FILE`. */
export function writing<T>(path: Name, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw cause instanceof TreeError ? cause : unwritable(path, cause);
  }
}

/** The error of a node that cannot be made. */
export function unwritable(path: Name, cause: unknown): TreeError {
  const message = `cannot be written: ${describeErrno(cause)}`;
  return new TreeError("UNWRITABLE_FILE", message, { path: nameToText(path) }, { cause });
}
