import { checkName, directory, type MutableDirectory, splitPath, whiteout } from "./build.js";
import { TreeError } from "./errors.js";
import { type Name, nameToText } from "./name.js";
import { type OverlayOptions, withOpaque } from "./overlay.js";
import { maxSymlinks } from "./resolve.js";
import type { Attributes, Directory, TreeNode } from "./types.js";
import { checkDepth } from "./walk.js";

export interface TreeBuilderOptions {
  /** Of directories that paths need and nobody puts. Default: mode 0755, owner 0:0, time 0. */
  readonly parents?: Partial<Attributes>;
  /** Attributes of the root, until a directory is put at the empty path. Default: those of `parents`. */
  readonly root?: Partial<Attributes>;
  /**
   * What to do where a path goes through a symlink that was put: `refuse` (default) throws `MISMATCH_ESCAPE`; `follow`
   * goes where it leads within the tree, as installing a package with `bin/x` does where `bin` is a link to `usr/bin`.
   */
  readonly parentSymlinks?: "refuse" | "follow";
}

/**
 * A tree that grows path by path, as archives tell it. Paths are relative to the root; a slash at either end and `.` mean
 * nothing; `..` throws `TreeError` `MISMATCH_ESCAPE`, and names that no directory can hold `MALFORMED_NAME`.
 */
export interface TreeBuilder {
  /**
   * Puts a node in its place and makes the directories on the way. A directory put over a directory gives it new
   * attributes and adds its entries; anything else replaces what is there, with all that is below.
   * Throws `MISMATCH_KIND` where the way leads through something that is no directory.
   */
  put(path: Name, node: TreeNode): void;
  /** Gives what stands at `existing` another name. Throws `MISSING_PATH`, and `MISMATCH_KIND` for a directory. */
  link(path: Name, existing: Name): void;
  /** Removes a name, with all that is below. False where there is none. */
  remove(path: Name): boolean;
  /** What stands at a path; the last name is not followed. */
  get(path: Name): TreeNode | undefined;
  /** Puts an overlayfs whiteout. */
  whiteout(path: Name): void;
  /** Makes a directory opaque for overlayfs; makes it first where it is missing. */
  opaque(path: Name, options?: OverlayOptions): void;
  /** The tree so far. The builder may go on; a tree given out does not change any more. */
  build(): Directory;
}

/** A place in the tree: a directory that is still growing, and the one that holds it. */
interface Place {
  node: MutableDirectory;
  readonly name: Name;
  readonly above: Place | undefined;
}

/** An empty tree to put nodes into. */
export function treeBuilder(options: TreeBuilderOptions = {}): TreeBuilder {
  const { parents = {}, parentSymlinks = "refuse" } = options;
  let root = directory(options.root ?? parents);
  /** Directories that this builder made and no tree given out shares. */
  let own = new Set<TreeNode>([root]);

  const adopt = (node: Directory): MutableDirectory => {
    const copy: MutableDirectory = { ...node, entries: new Map(node.entries) };
    own.add(copy);
    return copy;
  };

  /** The place's directory, made ours to change: copied, and so are those above it, if a tree given out shares it. */
  const writable = (place: Place): MutableDirectory => {
    if (own.has(place.node)) return place.node;
    const copy = adopt(place.node);
    place.node = copy;
    if (place.above === undefined) root = copy;
    else writable(place.above).entries.set(place.name, copy);
    return copy;
  };
  const rootPlace = (): Place => ({ node: root, name: "" as Name, above: undefined });

  /** Walks down directories, following symlinks where that is wanted; makes what is missing if `make`. */
  const descend = (names: readonly Name[], path: Name, make: boolean): Place | undefined => {
    let place = rootPlace();
    const pending = [...names].reverse();
    let symlinks = 0;
    let depth = 0;
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      if (name === "" || name === ".") continue;
      if (name === "..") {
        place = place.above ?? place;
        continue;
      }
      checkDepth(++depth, path);
      const there = place.node.entries.get(name);
      if (there?.kind === "directory") {
        place = { node: there as MutableDirectory, name, above: place };
      } else if (there?.kind === "symlink") {
        symlinks += 1;
        checkSymlink(symlinks, path, name, parentSymlinks);
        if (there.target.startsWith("/")) place = rootPlace();
        pending.push(...(there.target.split("/").reverse() as Name[]));
      } else if (there) {
        if (make) throw notDirectory(path, name, there);
        return undefined;
      } else if (make) {
        checkName(name, nameToText(path));
        const made = adopt(directory(parents));
        writable(place).entries.set(name, made);
        place = { node: made, name, above: place };
      } else return undefined;
    }
    return place;
  };

  const locate = (path: Name, make: boolean) => {
    const names = splitPath(path);
    const last = names.pop();
    return { last, place: descend(names, path, make) };
  };

  const put = (path: Name, node: TreeNode) => {
    const { last, place } = locate(path, true);
    if (place === undefined) return;
    const there = last === undefined ? place.node : place.node.entries.get(last);
    const both = node.kind === "directory" && there?.kind === "directory";
    const placed =
      node.kind !== "directory"
        ? node
        : adopt(both ? { ...node, entries: there.entries } : { ...node, entries: new Map() });
    if (last !== undefined) writable(place).entries.set(last, placed);
    else if (placed.kind === "directory") root = placed as MutableDirectory;
    else throw new TreeError("MISMATCH_KIND", `the root of a tree is a directory, not a ${node.kind}`);
    if (node.kind !== "directory") return;
    const prefix = path === "" ? "" : `${path}/`;
    for (const [name, child] of node.entries) put(`${prefix}${name}` as Name, child);
  };

  const get = (path: Name) => {
    const { last, place } = locate(path, false);
    return last === undefined ? place?.node : place?.node.entries.get(last);
  };

  return {
    put,
    get,
    link(path, existing) {
      const node = get(existing);
      const about = { path: nameToText(path) };
      if (node === undefined) {
        throw new TreeError(
          "MISSING_PATH",
          `the hard link leads to "${nameToText(existing)}", which is not there`,
          about,
        );
      }
      if (node.kind === "directory") throw new TreeError("MISMATCH_KIND", "directories have no hard links", about);
      put(path, node);
    },
    remove(path) {
      const { last, place } = locate(path, false);
      if (last === undefined || !place?.node.entries.has(last)) return false;
      return writable(place).entries.delete(last);
    },
    whiteout: (path) => put(path, whiteout()),
    opaque(path, overlay) {
      const there = get(path);
      put(
        path,
        withOpaque(there?.kind === "directory" ? { ...there, entries: new Map() } : directory(parents), overlay),
      );
    },
    build() {
      own = new Set();
      return root;
    },
  };
}

function checkSymlink(count: number, path: Name, name: Name, parentSymlinks: "refuse" | "follow"): void {
  const about = { path: nameToText(path) };
  if (parentSymlinks === "refuse") {
    throw new TreeError("MISMATCH_ESCAPE", `the path goes through the symlink "${nameToText(name)}"`, about);
  }
  if (count > maxSymlinks) throw new TreeError("LIMIT_SYMLINKS", `more than ${maxSymlinks} symlinks on the way`, about);
}

const notDirectory = (path: Name, name: Name, there: TreeNode) =>
  new TreeError("MISMATCH_KIND", `"${nameToText(name)}" on the way is a ${there.kind}, not a directory`, {
    path: nameToText(path),
  });
