import { join } from "node:path";
import { compareTrees, withTemporaryDirectory } from "@sextant/testkit";
import { type Directory, type FileContent, mapTree, type RegularFile, type TreeNode } from "@sextant/tree";
import { lazyDirectory, readDirectoryTree } from "@sextant/tree/node";
import { expect } from "vitest";
import { n } from "./helpers.js";

/** What stands at a path of a tree. */

export const at = (root: Directory, path: string): TreeNode => {
  const node = path
    .split("/")
    .reduce<TreeNode | undefined>(
      (here, name) => (here?.kind === "directory" ? here.entries.get(n(name)) : undefined),
      root,
    );
  if (node === undefined) throw new Error(`${path} is not there`);
  return node;
};
export const contentAt = (root: Directory, path: string): FileContent => (at(root, path) as RegularFile).content;
export const all = (content: FileContent) => content.open().read(0, content.size);

/** Fills a folder, and reads it both ways. */
export async function inFolder(
  make: (path: (name: string) => string) => unknown,
  look: (root: Directory, path: (name: string) => string) => unknown,
) {
  await withTemporaryDirectory(async (folder) => {
    const path = (name: string) => join(folder, name);
    make(path);
    const { root, warnings } = await readDirectoryTree(folder);
    expect(warnings).toEqual([]);
    expect(await compareTrees(root, lazyDirectory(folder))).toEqual([]);
    await look(root, path);
  });
}

/** Times that Node can set: whole microseconds, and whole seconds before 1970 and from 2242 on. */
export function settableTimes(root: Directory): Directory {
  return mapTree(root, (node) => {
    const unit = node.mtimeSeconds < 0 || node.mtimeSeconds >= 2 ** 33 ? 1_000_000_000 : 1000;
    return { ...node, mtimeNanoseconds: node.mtimeNanoseconds - (node.mtimeNanoseconds % unit) };
  });
}
