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

/** A place in the tree: a directory, and the one that holds it. */
interface Place {
  node: MutableDirectory;
  readonly name: Name;
  readonly above: Place | undefined;
}

interface State {
  root: MutableDirectory;
  /** Directories that this builder made and no tree given out shares. */
  own: Set<TreeNode>;
  readonly parents: Partial<Attributes>;
  readonly followSymlinks: boolean;
}

/** An empty tree to put nodes into. */
export function treeBuilder(options: TreeBuilderOptions = {}): TreeBuilder {
  const { parents = {}, parentSymlinks = "refuse" } = options;
  const root = directory(options.root ?? parents);
  const state: State = { root, own: new Set([root]), parents, followSymlinks: parentSymlinks === "follow" };
  return {
    put: (path, node) => put(state, path, node),
    get: (path) => get(state, path),
    link(path, existing) {
      const node = get(state, existing);
      const about = { path: nameToText(path) };
      if (node === undefined) {
        const message = `the hard link leads to "${nameToText(existing)}", which is not there`;
        throw new TreeError("MISSING_PATH", message, about);
      }
      if (node.kind === "directory") throw new TreeError("MISMATCH_KIND", "directories have no hard links", about);
      put(state, path, node);
    },
    remove(path) {
      const { last, place } = locate(state, path, false);
      if (last === undefined || !place?.node.entries.has(last)) return false;
      return writable(state, place).entries.delete(last);
    },
    whiteout: (path) => put(state, path, whiteout()),
    opaque(path, overlay) {
      const there = get(state, path);
      const base = there?.kind === "directory" ? { ...there, entries: new Map() } : directory(parents);
      put(state, path, withOpaque(base, overlay));
    },
    build() {
      state.own = new Set();
      return state.root;
    },
  };
}

/** A copy of a directory that the builder may change. */
function adopt(state: State, node: Directory, entries: Directory["entries"] = node.entries): MutableDirectory {
  const copy: MutableDirectory = { ...node, entries: new Map(entries) };
  state.own.add(copy);
  return copy;
}

/** The place's directory, made ours to change: copied, and so are those above it, if a tree given out shares it. */
function writable(state: State, place: Place): MutableDirectory {
  if (state.own.has(place.node)) return place.node;
  const copy = adopt(state, place.node);
  place.node = copy;
  if (place.above === undefined) state.root = copy;
  else writable(state, place.above).entries.set(place.name, copy);
  return copy;
}

const rootPlace = (state: State): Place => ({ node: state.root, name: "" as Name, above: undefined });

/** The directory of a path's last name; undefined where it is not there, unless it is to be made. */
function locate(state: State, path: Name, make: boolean) {
  const names = splitPath(path);
  const last = names.pop();
  return { last, place: descend(state, names, path, make) };
}

/** Walks down directories, following symlinks where that is wanted; makes what is missing if `make`. */
function descend(state: State, names: readonly Name[], path: Name, make: boolean): Place | undefined {
  let place = rootPlace(state);
  const pending = [...names].reverse();
  let symlinks = 0;
  let steps = 0;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (name === "" || name === ".") continue;
    if (name === "..") {
      place = place.above ?? place;
      continue;
    }
    checkDepth(++steps, path);
    const there = place.node.entries.get(name);
    if (there?.kind === "directory") {
      place = { node: there as MutableDirectory, name, above: place };
    } else if (there?.kind === "symlink") {
      checkSymlink(state, ++symlinks, path, name);
      if (there.target.startsWith("/")) place = rootPlace(state);
      pending.push(...(there.target.split("/").reverse() as Name[]));
    } else if (!make) {
      return undefined;
    } else if (there) {
      const message = `"${nameToText(name)}" on the way is a ${there.kind}, not a directory`;
      throw new TreeError("MISMATCH_KIND", message, { path: nameToText(path) });
    } else {
      checkName(name, () => nameToText(path));
      const made = adopt(state, directory(state.parents));
      writable(state, place).entries.set(name, made);
      place = { node: made, name, above: place };
    }
  }
  return place;
}

function checkSymlink(state: State, count: number, path: Name, name: Name): void {
  const about = { path: nameToText(path) };
  if (!state.followSymlinks) {
    throw new TreeError("MISMATCH_ESCAPE", `the path goes through the symlink "${nameToText(name)}"`, about);
  }
  if (count > maxSymlinks) throw new TreeError("LIMIT_SYMLINKS", `more than ${maxSymlinks} symlinks on the way`, about);
}

function get(state: State, path: Name): TreeNode | undefined {
  const { last, place } = locate(state, path, false);
  return last === undefined ? place?.node : place?.node.entries.get(last);
}

function put(state: State, path: Name, node: TreeNode): void {
  const { last, place } = locate(state, path, true);
  if (place === undefined) return;
  if (node.kind !== "directory") {
    if (last === undefined) {
      throw new TreeError("MISMATCH_KIND", `the root of a tree is a directory, not a ${node.kind}`);
    }
    writable(state, place).entries.set(last, node);
    return;
  }
  const there = last === undefined ? place.node : place.node.entries.get(last);
  const placed = adopt(state, node, there?.kind === "directory" ? there.entries : new Map());
  if (last === undefined) state.root = placed;
  else writable(state, place).entries.set(last, placed);
  const prefix = path === "" ? "" : `${path}/`;
  for (const [name, child] of node.entries) put(state, `${prefix}${name}` as Name, child);
}
