import type { LazyEntry, LazyNode, Name } from "@sextant/tree";

/**
 * A lazy tree with another one in the place of one of its top directories, as a mount puts it there. Node ids of the two
 * may be equal for different inodes, so those of the mounted tree get a mark.
 */
export function mountAt(root: LazyNode, name: Name, mounted: LazyNode): LazyNode {
  const child = marked(mounted, name);
  return {
    ...root,
    async lookup(wanted) {
      return wanted === name ? child : root.lookup(wanted);
    },
    async entries() {
      const others = (await root.entries()).filter((entry) => entry.name !== name);
      const own: LazyEntry = { name, kind: child.kind, node: async () => child };
      return [...others, own].sort((a, b) => (a.name < b.name ? -1 : 1));
    },
  };
}

function marked(node: LazyNode, mark: string): LazyNode {
  return {
    ...node,
    id: `${mark}:${node.id}`,
    async lookup(name) {
      const found = await node.lookup(name);
      return found && marked(found, mark);
    },
    async entries() {
      const entries = await node.entries();
      return entries.map((entry) => ({ ...entry, node: async () => marked(await entry.node(), mark) }));
    },
  };
}
