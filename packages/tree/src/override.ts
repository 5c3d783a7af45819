import { sortXattrs } from "./build.js";
import { compileGlob } from "./glob.js";
import { mapTree, withNode } from "./map.js";
import { type Name, nameFromEscaped } from "./name.js";
import type { Override } from "./override-parse.js";
import type { Attributes, Directory, TreeNode, Xattr } from "./types.js";
import { linkedPaths } from "./walk.js";

/** A tree with overrides applied, and those that fitted nothing: most likely mistyped. */
export interface Overridden {
  readonly root: Directory;
  readonly unused: readonly Override[];
}

/**
 * Applies overrides in order, later ones over earlier ones. An inode with several names is changed where a pattern fits
 * one of them, under all of them. Throws `TreeError` `MISMATCH_KIND` where a device would stand below something that is no
 * directory, and `TypeError` where it would take the root's place.
 */
export function applyOverrides(root: Directory, overrides: readonly Override[]): Overridden {
  const groups = linkedPaths(root);
  const rules = overrides.map((override) => ({ override, matches: compileGlob(override.pattern), used: false }));
  let changed = mapTree(root, (node, path) => {
    const paths = groups.get(node) ?? [path];
    let after = node;
    for (const rule of rules) {
      if (!paths.some((one) => rule.matches(one, node.kind === "directory"))) continue;
      rule.used = true;
      after = override(after, rule.override);
    }
    return after;
  });
  for (const rule of rules) {
    const path = plainPath(rule.override.pattern);
    if (rule.used || rule.override.device === undefined || path === undefined) continue;
    rule.used = true;
    changed = withNode(changed, path, override({ kind: "fifo", ...blank }, rule.override));
  }
  return { root: changed, unused: rules.filter((rule) => !rule.used).map((rule) => rule.override) };
}

const blank: Attributes = { mode: 0o600, uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanoseconds: 0, xattrs: [] };

/** The path that a pattern without wildcards means. */
function plainPath(pattern: string): Name | undefined {
  if (!pattern.startsWith("/") || /[*?[]/.test(pattern)) return undefined;
  return nameFromEscaped(pattern.slice(1).replace(/\\([^x\\])/g, "$1"));
}

function override(node: TreeNode, change: Override): TreeNode {
  const attributes = {
    mode: node.kind === "symlink" ? node.mode : (change.mode ?? node.mode),
    uid: change.uid ?? node.uid,
    gid: change.gid ?? node.gid,
    mtimeSeconds: change.mtime?.seconds ?? node.mtimeSeconds,
    mtimeNanoseconds: change.mtime?.nanoseconds ?? node.mtimeNanoseconds,
    xattrs: change.xattrs ? overrideXattrs(node.xattrs, change.xattrs) : node.xattrs,
  };
  return change.device ? { ...attributes, ...change.device } : { ...node, ...attributes };
}

function overrideXattrs(xattrs: readonly Xattr[], changes: NonNullable<Override["xattrs"]>): Xattr[] {
  const values = new Map(xattrs.map(({ name, value }) => [name, value]));
  for (const { name, value } of changes) {
    if (value) values.set(name, value);
    else values.delete(name);
  }
  return sortXattrs([...values].map(([name, value]) => ({ name, value })));
}
