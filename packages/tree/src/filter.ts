import { compileGlobs } from "./glob.js";
import { mapTree } from "./map.js";
import type { Name } from "./name.js";
import type { Directory, TreeNode } from "./types.js";
import { checkDepth, joinPath, sortedEntries } from "./walk.js";

/**
 * The part of a tree for which `keep` holds, and the directories on the way to it. Each path is asked about by itself:
 * one name of a hard link may go while another stays. The root always stays.
 */
export function filterTree(root: Directory, keep: (path: Name, node: TreeNode) => boolean): Directory {
  const filtered = (node: Directory, path: Name, depth: number): Directory => {
    checkDepth(depth, path);
    const entries = new Map<Name, TreeNode>();
    for (const [name, child] of sortedEntries(node.entries)) {
      const childPath = joinPath(path, name);
      const kept = child.kind === "directory" ? filtered(child, childPath, depth + 1) : child;
      const hasKept = kept.kind === "directory" && kept.entries.size > 0;
      if (hasKept || keep(childPath, child)) entries.set(name, kept);
    }
    return { ...node, entries };
  };
  return filtered(root, "" as Name, 0);
}

export interface PathSelection {
  /** Patterns (`compileGlob`) of what to take; all that lies below a directory that fits comes too. Default: everything. */
  readonly include?: readonly string[];
  /** Patterns of what to leave out, with all that lies below. They win over `include`. */
  readonly exclude?: readonly string[];
}

/** The part of a tree that patterns select; the directories on the way to it stay. */
export function selectPaths(root: Directory, { include, exclude = [] }: PathSelection): Directory {
  const included = include && compileGlobs(include);
  const excluded = compileGlobs(exclude);
  return filterTree(root, (path, node) => {
    const isDirectory = node.kind === "directory";
    return (included === undefined || included(path, isDirectory)) && !excluded(path, isDirectory);
  });
}

/** The tree with every node owned by root: uid and gid 0. */
export function allRoot(root: Directory): Directory {
  return mapTree(root, (node) => (node.uid === 0 && node.gid === 0 ? node : { ...node, uid: 0, gid: 0 }));
}

/** The tree with no time later than this, in seconds since 1970: what makes builds reproducible (SOURCE_DATE_EPOCH). */
export function clampTimes(root: Directory, seconds: number): Directory {
  return mapTree(root, (node) => {
    const { mtimeSeconds, mtimeNanoseconds } = node;
    const late = mtimeSeconds > seconds || (mtimeSeconds === seconds && mtimeNanoseconds > 0);
    return late ? { ...node, mtimeSeconds: seconds, mtimeNanoseconds: 0 } : node;
  });
}
