import { checkName, sortXattrs } from "./build.js";
import { TreeError } from "./errors.js";
import { type Name, nameToText } from "./name.js";
import type { Attributes, Directory, LazyNode, TreeNode } from "./types.js";
import { checkDepth, joinPath } from "./walk.js";

export interface LoadOptions {
  /** Names in the whole tree before `LIMIT_ENTRIES`. Default 4,194,304. */
  readonly maxEntries?: number;
}

/** Names that `loadTree` and `extractTree` take unless told otherwise. */
export const defaultMaxEntries = 2 ** 22;

/**
 * Reads a whole lazy tree into memory, but for the content of files. Nodes of the same id become one node, so hard links
 * stay together.
 *
 * Throws `TreeError`: `MALFORMED_TREE` where a directory stands under two names or in itself, two entries have one name,
 * or nodes of one id differ in kind; `MALFORMED_NAME`; `LIMIT_DEPTH` and `LIMIT_ENTRIES`.
 */
export async function loadTree(root: LazyNode, options: LoadOptions = {}): Promise<Directory> {
  const { maxEntries = defaultMaxEntries } = options;
  const known = new Map<LazyNode["id"], TreeNode>();
  let count = 0;

  const load = async (node: LazyNode, path: Name, depth: number): Promise<TreeNode> => {
    const before = known.get(node.id);
    if (before) return sameInode(before, node, path);
    if (node.kind === "directory") return loadDirectory(node, path, depth);
    const loaded = await loadLeaf(node);
    known.set(node.id, loaded);
    return loaded;
  };

  const loadDirectory = async (node: LazyNode, path: Name, depth: number): Promise<Directory> => {
    checkDepth(depth, path);
    const entries = new Map<Name, TreeNode>();
    const loaded: Directory = { kind: "directory", ...(await attributesOf(node)), entries };
    // Before its entries, so that one of them that is the directory itself is seen.
    known.set(node.id, loaded);
    const listed = await node.entries();
    count += listed.length;
    if (count > maxEntries) {
      throw new TreeError("LIMIT_ENTRIES", `the tree has more than ${maxEntries} names`, { path: nameToText(path) });
    }
    for (const entry of listed) {
      const childPath = joinPath(path, entry.name);
      checkEntry(entry.name, entries, childPath);
      entries.set(entry.name, await load(await entry.node(), childPath, depth + 1));
    }
    return loaded;
  };

  const loaded = await load(root, "" as Name, 0);
  if (loaded.kind !== "directory")
    throw new TreeError("MISMATCH_KIND", `the root is a ${loaded.kind}, not a directory`);
  return loaded;
}

function checkEntry(name: Name, entries: ReadonlyMap<Name, unknown>, path: Name): void {
  checkName(name, () => nameToText(path));
  if (!entries.has(name)) return;
  throw new TreeError("MALFORMED_TREE", "the name stands twice in its directory", { path: nameToText(path) });
}

function sameInode(before: TreeNode, node: LazyNode, path: Name): TreeNode {
  const why =
    node.kind === "directory"
      ? "the directory stands under more than one name, or in itself"
      : before.kind !== node.kind
        ? `the inode is a ${before.kind} under another name and a ${node.kind} here`
        : undefined;
  if (why) throw new TreeError("MALFORMED_TREE", why, { path: nameToText(path) });
  return before;
}

async function attributesOf(node: LazyNode): Promise<Attributes> {
  const { mode, uid, gid, mtimeSeconds, mtimeNanoseconds } = node;
  return { mode, uid, gid, mtimeSeconds, mtimeNanoseconds, xattrs: sortXattrs(await node.xattrs()) };
}

async function loadLeaf(node: LazyNode): Promise<TreeNode> {
  const attributes = await attributesOf(node);
  switch (node.kind) {
    case "file":
      return { kind: "file", ...attributes, content: node.content() };
    case "symlink":
      return { kind: "symlink", ...attributes, target: await node.readlink() };
    case "fifo":
    case "socket":
      return { kind: node.kind, ...attributes };
    case "character-device":
    case "block-device":
      return { kind: node.kind, ...attributes, ...(node.device ?? { major: 0, minor: 0 }) };
    case "directory":
      throw new TypeError("a directory is no leaf");
  }
}
