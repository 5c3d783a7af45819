import { directory, type MutableDirectory } from "./build.js";
import type { Name } from "./name.js";
import type { Directory } from "./types.js";
import { checkDepth, joinPath } from "./walk.js";

/**
 * Trees laid into one another, as when archives are unpacked one after another: a later tree adds to and replaces what
 * is there, and where both have a directory, the later one's attributes count. Nothing hides anything: whiteouts and
 * opaque directories are nodes like others (`overlay` gives them their meaning).
 *
 * The root's attributes are the first tree's. Hard links within one tree stay together.
 */
export function union(trees: readonly Directory[]): Directory {
  const [first, ...rest] = trees;
  if (first === undefined) return directory();
  return rest.reduce((merged, tree) => merge(merged, tree, merged, "" as Name, 0), first);
}

function merge(below: Directory, above: Directory, attributes: Directory, path: Name, depth: number): Directory {
  checkDepth(depth, path);
  const merged: MutableDirectory = { ...attributes, entries: new Map(below.entries) };
  for (const [name, node] of above.entries) {
    const there = below.entries.get(name);
    const both = there?.kind === "directory" && node.kind === "directory";
    merged.entries.set(name, both ? merge(there, node, node, joinPath(path, name), depth + 1) : node);
  }
  return merged;
}
