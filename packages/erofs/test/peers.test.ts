import { join } from "node:path";
import { describeWithMounts, describeWithPeers, withLoopMount } from "@sextant/peers";
import { arbitraryTree, compareTreeWithDirectory, withTemporaryDirectory } from "@sextant/testkit";
import type { Directory, TreeNode, Xattr } from "@sextant/tree";
import fc from "fast-check";
import { expect, test } from "vitest";
import { packFile } from "./helpers.js";
import { zoo } from "./zoo.js";

const trees: readonly (readonly [string, Directory])[] = [
  ["the zoo", zoo()],
  ...fc.sample(arbitraryTree(), { seed: 4, numRuns: 20 }).map((tree, index) => [`tree ${index}`, tree] as const),
];

describeWithMounts("what the kernel mounts", ["erofs"], () => {
  test.each(trees)("%s", async (_, tree) => {
    await withTemporaryDirectory(async (folder) => {
      const path = join(folder, "image");
      await packFile(tree, path);
      await withLoopMount(path, "erofs", async (mounted) => {
        expect(await compareTreeWithDirectory(tree, mounted)).toEqual([]);
      });
    });
  });
});

/**
 * What `fsck.erofs` 1.9 cannot extract: it stops at an empty value, changes owners after it has set capabilities, which
 * drops them, and lets new files inherit the default ACL of the directory that it has just made. The disk it extracts to
 * does not take what is large. (The kernel shows all of it, see above.)
 */
function extractable({ name, value }: Xattr): boolean {
  if (name === "system.posix_acl_default" || name === "security.capability") return false;
  return value.length > 0 && value.length < 2000 && !name.startsWith("user.many-");
}

function keepXattrs(tree: Directory, keep: (xattr: Xattr) => boolean): Directory {
  const copies = new Map<TreeNode, TreeNode>();
  const copy = <N extends TreeNode>(node: N): N => {
    const known = copies.get(node) as N | undefined;
    if (known) return known;
    const made = { ...node, xattrs: node.xattrs.filter(keep) };
    copies.set(node, made);
    if (node.kind !== "directory") return made;
    return Object.assign(made, { entries: new Map([...node.entries].map(([name, child]) => [name, copy(child)])) });
  };
  return copy(tree);
}

describeWithPeers("what fsck.erofs extracts", ["fsck.erofs"], ({ "fsck.erofs": fsck }) => {
  test.each(trees)("%s", async (_, tree) => {
    await withTemporaryDirectory(async (folder) => {
      const [path, target] = [join(folder, "image"), join(folder, "extracted")];
      const expected = keepXattrs(tree, extractable);
      await packFile(expected, path);
      const { exitCode, stderr } = await fsck.run(["--xattrs", `--extract=${target}`, path]);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
      expect(await compareTreeWithDirectory(expected, target)).toEqual([]);
    });
  });
});
