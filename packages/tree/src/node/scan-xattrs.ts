import type { Name } from "../name.js";
import type { TreeNode, Xattr } from "../types.js";
import { textPath } from "./path.js";
import type { ReadDirectoryOptions } from "./scan.js";
import type { WarningList } from "./warnings.js";
import { readXattrs, readXattrsByProgram, type XattrCalls, xattrCalls } from "./xattrs.js";

const noXattrs: readonly Xattr[] = [];

/** How the xattrs of the nodes below a directory are found. */
export interface XattrReader {
  /** `disk` is the path on this machine, `path` the one from the root, `.` for the root itself. */
  at(disk: Name, path: Name): readonly Xattr[];
  /** The paths that `at` could not read and gave nothing for. */
  readonly missed: Name[];
}

/** Finds out how xattrs can be read here. */
export async function xattrReader(
  base: Name,
  options: ReadDirectoryOptions,
  warnings: WarningList,
): Promise<XattrReader> {
  const { xattrs = true, wantXattr = () => true } = options;
  const missed: Name[] = [];
  if (!xattrs) return { at: () => noXattrs, missed };
  const calls: XattrCalls | undefined = await xattrCalls();
  if (calls) {
    const at = (disk: Name, path: Name) => {
      const text = textPath(disk);
      if (text !== undefined) return readXattrs(calls, text, wantXattr);
      // The package takes paths as text only.
      missed.push(path);
      return noXattrs;
    };
    return { at, missed };
  }
  const all = await readXattrsByProgram(base);
  if (all === undefined) warnings.add("XATTRS_UNREAD");
  return { at: (_, path) => all?.get(path)?.filter(({ name }) => wantXattr(name)) ?? noXattrs, missed };
}

/** Gives the nodes at these paths the xattrs that only the program can read, or warns. */
export async function addMissedXattrs(
  base: Name,
  missed: ReadonlyMap<Name, TreeNode>,
  options: ReadDirectoryOptions,
  warnings: WarningList,
): Promise<void> {
  if (missed.size === 0) return;
  const { wantXattr = () => true } = options;
  const all = await readXattrsByProgram(base);
  for (const [path, node] of missed) {
    if (all === undefined) warnings.add("XATTRS_UNREAD", path);
    // Nobody else has seen the node yet, so it may still change.
    else Object.assign(node, { xattrs: all.get(path)?.filter(({ name }) => wantXattr(name)) ?? noXattrs });
  }
}
