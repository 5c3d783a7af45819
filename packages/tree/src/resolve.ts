import { TreeError } from "./errors.js";
import { type Name, nameToText } from "./name.js";
import type { LazyNode } from "./types.js";

export interface ResolveOptions {
  /** Whether a symlink at the end of the path is followed, as `stat` does; `lstat` does not. Default true. */
  readonly followLast?: boolean;
}

/** A node and the path that leads to it without symlinks, relative to the root: no leading slash, empty for the root. */
export interface Resolved {
  readonly node: LazyNode;
  readonly path: Name;
}

/** Symlinks on one path before Linux gives up with ELOOP (include/linux/namei.h, MAXSYMLINKS). */
export const maxSymlinks = 40;

/**
 * Follows a path from the root of a lazy tree, reading one directory entry a step. The root is a prison, as for chroot:
 * absolute symlinks start at it, and `..` in it stays. Undefined where nothing stands at the path, and where the path
 * goes through something that is no directory.
 *
 * Throws `TreeError` `LIMIT_SYMLINKS` where more than 40 symlinks are met.
 */
export async function resolvePath(
  root: LazyNode,
  path: Name,
  options: ResolveOptions = {},
): Promise<Resolved | undefined> {
  const { followLast = true } = options;
  const trail: { readonly name: Name; readonly node: LazyNode }[] = [];
  const pending = path.split("/").reverse() as Name[];
  let symlinks = 0;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const here = trail.at(-1)?.node ?? root;
    if (name === "" || name === ".") {
      // "file/" and "file/." name a directory or nothing.
      if (here.kind !== "directory") return undefined;
      continue;
    }
    if (here.kind !== "directory") return undefined;
    if (name === "..") {
      trail.pop();
      continue;
    }
    const node = await here.lookup(name);
    if (node === undefined) return undefined;
    if (node.kind !== "symlink" || (!followLast && pending.length === 0)) {
      trail.push({ name, node });
      continue;
    }
    symlinks += 1;
    if (symlinks > maxSymlinks) {
      throw new TreeError("LIMIT_SYMLINKS", `more than ${maxSymlinks} symlinks on the way`, { path: nameToText(path) });
    }
    const target = await node.readlink();
    // Nothing stands at the empty path: Linux says ENOENT for such a symlink.
    if (target === "") return undefined;
    if (target.startsWith("/")) trail.length = 0;
    pending.push(...(target.split("/").reverse() as Name[]));
  }
  return { node: trail.at(-1)?.node ?? root, path: trail.map((step) => step.name).join("/") as Name };
}
