import { maxDepth } from "./build.js";
import { TreeError } from "./errors.js";
import { type Name, nameToText } from "./name.js";
import type { Directory, TreeNode } from "./types.js";

/** A node and one of its places in a tree. */
export interface WalkEntry {
  /** From the root, without a leading slash: `usr/bin/env`; empty for the root itself. */
  readonly path: Name;
  /** The last name of the path. */
  readonly name: Name;
  readonly node: TreeNode;
  /** The directory that it stands in; undefined for the root. */
  readonly parent: Directory | undefined;
}

/** The path of an entry of a directory, where the root's own path is empty. */
export function joinPath(path: Name, name: Name): Name {
  return (path === "" ? name : `${path}/${name}`) as Name;
}

/** The entries of a directory in byte order of their names. */
export function sortedEntries<T>(entries: ReadonlyMap<Name, T>): [Name, T][] {
  return [...entries].sort((a, b) => (a[0] < b[0] ? -1 : 1));
}

/**
 * Every path of a tree, parents before children, in byte order of the names within each directory; the root comes first.
 * A node with several names comes once for each. Throws `TreeError` `LIMIT_DEPTH` below `maxDepth` directories, which is
 * where a tree that contains itself ends too.
 */
export function* walkTree(root: Directory): Generator<WalkEntry, void> {
  yield { path: "" as Name, name: "" as Name, node: root, parent: undefined };
  const open = [{ path: "" as Name, node: root, entries: sortedEntries(root.entries), next: 0 }];
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const entry = top.entries[top.next++];
    if (entry === undefined) {
      open.pop();
      continue;
    }
    const [name, node] = entry;
    const path = joinPath(top.path, name);
    yield { path, name, node, parent: top.node };
    if (node.kind !== "directory") continue;
    checkDepth(open.length, path);
    open.push({ path, node, entries: sortedEntries(node.entries), next: 0 });
  }
}

/** Throws `TreeError` `LIMIT_DEPTH` for a directory that lies deeper than `maxDepth`. */
export function checkDepth(depth: number, path: Name): void {
  if (depth <= maxDepth) return;
  const shown = nameToText(path.slice(0, 100) as Name);
  throw new TreeError("LIMIT_DEPTH", `directories are nested deeper than ${maxDepth}`, { path: `${shown}…` });
}

/**
 * The names of every inode that has several: paths in byte order of the walk. Whatever is missing here has one name;
 * directories always do.
 */
export function linkedPaths(root: Directory): Map<TreeNode, Name[]> {
  const first = new Map<TreeNode, Name>();
  const groups = new Map<TreeNode, Name[]>();
  for (const { node, path } of walkTree(root)) {
    if (node.kind === "directory") continue;
    const before = first.get(node);
    if (before === undefined) {
      first.set(node, path);
      continue;
    }
    const group = groups.get(node);
    if (group) group.push(path);
    else groups.set(node, [before, path]);
  }
  return groups;
}

/** How many names every inode has that has more than one. */
export function countLinks(root: Directory): Map<TreeNode, number> {
  const seen = new Set<TreeNode>();
  const counts = new Map<TreeNode, number>();
  for (const { node } of walkTree(root)) {
    if (node.kind === "directory") continue;
    if (seen.has(node)) counts.set(node, (counts.get(node) ?? 1) + 1);
    else seen.add(node);
  }
  return counts;
}
