import type { LazyNode, Name } from "@sextant/tree";

/** Where a path leads inside a root, as systemd's `chase()` follows it. */
export type Chased =
  /** `path` has no symlinks, no leading slash, and is empty for the root itself. */
  | { readonly is: "found"; readonly node: LazyNode; readonly path: Name }
  /** ENOENT: nothing stands there. */
  | { readonly is: "missing" }
  /** ENOTDIR: the way leads through something that is no directory. */
  | { readonly is: "not-a-directory" }
  /** ELOOP. */
  | { readonly is: "loop" };

/** Symlinks on one path that systemd 262 was seen to follow, many more than Linux itself; of 122 it says ELOOP. */
export const chaseMax = 120;

/**
 * Follows a path below a root that nothing leads out of: absolute symlinks start at it, and `..` in it stays. Unlike
 * `resolvePath` of the tree package it tells ENOENT, ENOTDIR and ELOOP apart, because systemd skips an image for the first
 * and fails as a whole for the others.
 */
export async function chase(root: LazyNode, path: Name): Promise<Chased> {
  const trail: { readonly name: Name; readonly node: LazyNode }[] = [];
  const pending = path.split("/").reverse() as Name[];
  let symlinks = 0;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const here = trail.at(-1)?.node ?? root;
    if (name === "" || name === ".") continue;
    if (name === "..") {
      trail.pop();
      continue;
    }
    if (here.kind !== "directory") return { is: "not-a-directory" };
    const node = await here.lookup(name);
    if (node === undefined) return { is: "missing" };
    if (node.kind !== "symlink") {
      trail.push({ name, node });
      continue;
    }
    symlinks += 1;
    if (symlinks > chaseMax) return { is: "loop" };
    const target = await node.readlink();
    if (target === "") return { is: "missing" };
    if (target.startsWith("/")) trail.length = 0;
    pending.push(...(target.split("/").reverse() as Name[]));
  }
  const path_ = trail.map(({ name }) => name).join("/") as Name;
  return { is: "found", node: trail.at(-1)?.node ?? root, path: path_ };
}
