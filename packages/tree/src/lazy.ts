import type { Name } from "./name.js";
import type { Directory, LazyEntry, LazyNode, NodeKind, TreeNode } from "./types.js";
import { countLinks, sortedEntries } from "./walk.js";

/** A tree in memory as a lazy one, so that what reads images reads it too. Ids are numbers in the order of asking. */
export function lazyTree(root: Directory): LazyNode {
  const nodes = new Map<TreeNode, LazyNode>();
  let links: Map<TreeNode, number> | undefined;
  const linksOf = (node: TreeNode) => {
    links ??= countLinks(root);
    return links.get(node) ?? 1;
  };
  const lazy = (node: TreeNode): LazyNode => {
    const before = nodes.get(node);
    if (before) return before;
    const made = lazyNode(node, nodes.size + 1, lazy, linksOf);
    nodes.set(node, made);
    return made;
  };
  return lazy(root);
}

function lazyNode(
  node: TreeNode,
  id: number,
  lazy: (node: TreeNode) => LazyNode,
  linksOf: (node: TreeNode) => number,
): LazyNode {
  const { kind, mode, uid, gid, mtimeSeconds, mtimeNanoseconds } = node;
  const isDevice = node.kind === "character-device" || node.kind === "block-device";
  return {
    kind,
    id,
    mode,
    uid,
    gid,
    mtimeSeconds,
    mtimeNanoseconds,
    get nlink() {
      return node.kind === "directory" ? 2 + countDirectories(node) : linksOf(node);
    },
    size: node.kind === "file" ? node.content.size : node.kind === "symlink" ? node.target.length : 0,
    device: isDevice ? { major: node.major, minor: node.minor } : undefined,
    async xattrs() {
      return node.xattrs;
    },
    async entries() {
      if (node.kind !== "directory") throw wrongKind(kind, "entries");
      return sortedEntries(node.entries).map(
        ([name, child]): LazyEntry => ({ name, kind: child.kind, node: async () => lazy(child) }),
      );
    },
    async lookup(name: Name) {
      if (node.kind !== "directory") throw wrongKind(kind, "entries");
      const child = node.entries.get(name);
      return child && lazy(child);
    },
    async readlink() {
      if (node.kind !== "symlink") throw wrongKind(kind, "target");
      return node.target;
    },
    content() {
      if (node.kind !== "file") throw wrongKind(kind, "content");
      return node.content;
    },
  };
}

const wrongKind = (kind: NodeKind, what: string) => new TypeError(`a ${kind} has no ${what}`);

function countDirectories({ entries }: Directory): number {
  let count = 0;
  for (const child of entries.values()) if (child.kind === "directory") count += 1;
  return count;
}
