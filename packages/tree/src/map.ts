import { directory, splitPath } from "./build.js";
import { TreeError } from "./errors.js";
import { type Name, nameToText } from "./name.js";
import type { Attributes, Directory, TreeNode } from "./types.js";
import { checkDepth, joinPath, sortedEntries } from "./walk.js";

/**
 * A tree with every node changed. `change` sees each inode once, children before their directory (which it gets with the
 * changed entries), with its first path in byte order, and returns the node itself, another one, or undefined to leave it
 * out under all its names. Hard links stay together. What does not change is shared with the old tree.
 *
 * Throws `TypeError` where `change` makes the root anything but a directory.
 */
export function mapTree(root: Directory, change: (node: TreeNode, path: Name) => TreeNode | undefined): Directory {
  const done = new Map<TreeNode, TreeNode | undefined>();
  const visit = (node: TreeNode, path: Name, depth: number): TreeNode | undefined => {
    if (node.kind === "directory") return change(mapEntries(node, path, depth), path);
    if (done.has(node)) return done.get(node);
    const changed = change(node, path);
    done.set(node, changed);
    return changed;
  };
  const mapEntries = (node: Directory, path: Name, depth: number): Directory => {
    checkDepth(depth, path);
    const entries = new Map<Name, TreeNode>();
    let same = true;
    for (const [name, child] of sortedEntries(node.entries)) {
      const changed = visit(child, joinPath(path, name), depth + 1);
      same &&= changed === child;
      if (changed) entries.set(name, changed);
    }
    return same ? node : { ...node, entries };
  };
  const changed = visit(root, "" as Name, 0);
  if (changed?.kind !== "directory") throw new TypeError("the root of a tree stays a directory");
  return changed;
}

/** The same node with other attributes. A directory keeps its entries, a file its content. */
export function withAttributes<N extends TreeNode>(node: N, attributes: Partial<Attributes>): N {
  return { ...node, ...attributes };
}

/**
 * A tree with this node at a path, made or replaced; directories that are missing on the way are made with mode 0755,
 * owner 0:0 and time 0. Only the directories on the way are copied. Throws `TreeError` `MISMATCH_KIND` where the way leads
 * through something that is no directory, `MISMATCH_ESCAPE` for `..` in the path, and `TypeError` for an empty path and a
 * node that is no directory.
 */
export function withNode(root: Directory, path: Name, node: TreeNode): Directory {
  const names = splitPath(path);
  const place = (parent: Directory, depth: number): Directory => {
    const name = names[depth];
    if (name === undefined) throw new TypeError("the root of a tree stays a directory");
    const there = parent.entries.get(name) ?? directory();
    if (depth < names.length - 1 && there.kind !== "directory") {
      const way = nameToText(names.slice(0, depth + 1).join("/") as Name);
      throw new TreeError("MISMATCH_KIND", `"${way}" is a ${there.kind}, not a directory`, { path: nameToText(path) });
    }
    const child = depth === names.length - 1 || there.kind !== "directory" ? node : place(there, depth + 1);
    return { ...parent, entries: new Map(parent.entries).set(name, child) };
  };
  if (names.length === 0 && node.kind === "directory") return node;
  checkDepth(names.length, path);
  return place(root, 0);
}
