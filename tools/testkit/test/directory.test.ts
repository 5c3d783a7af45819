import { join } from "node:path";
import { describeAsRoot, describeWithMounts, describeWithPeers, withLoopMount } from "@sextant/peers";
import { type Directory, directory, file, type Name, nameFromText, type TreeNode } from "@sextant/tree";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { withTemporaryDirectory } from "../src/folders.js";
import { arbitraryTree, compareTrees, compareTreeWithDirectory, shuffleTree, treeToDirectory } from "../src/index.js";

const name = nameFromText;
const bytes = (text: string) => new TextEncoder().encode(text);

function treeOf(entries: Readonly<Record<string, TreeNode>>): Directory {
  return { ...directory(), entries: new Map(Object.entries(entries) as [Name, TreeNode][]) };
}

describe("compareTrees", () => {
  const twice = file(bytes("ab"));
  const base = treeOf({ a: file(bytes("ab")), l: twice, m: twice });
  const rows: [what: string, other: Directory, differences: string[]][] = [
    ["nothing", shuffleTree(base, 1), []],
    [
      "content",
      treeOf({ ...Object.fromEntries(base.entries), a: file(bytes("aX")) }),
      ["./a: content differs from byte 1 on"],
    ],
    ["size", treeOf({ ...Object.fromEntries(base.entries), a: file(bytes("abc")) }), ["./a: size is 3, not 2"]],
    [
      "mode",
      treeOf({ ...Object.fromEntries(base.entries), a: file(bytes("ab"), { mode: 0o600 }) }),
      ["./a: mode is 0600, not 0644"],
    ],
    [
      "owner",
      treeOf({ ...Object.fromEntries(base.entries), a: file(bytes("ab"), { gid: 7 }) }),
      ["./a: owner is 0:7, not 0:0"],
    ],
    [
      "mtime",
      treeOf({ ...Object.fromEntries(base.entries), a: file(bytes("ab"), { mtimeNanoseconds: 1 }) }),
      ["./a: mtime is 0 s 000000001 ns, not 0 s 000000000 ns"],
    ],
    [
      "xattrs",
      treeOf({
        ...Object.fromEntries(base.entries),
        a: file(bytes("ab"), { xattrs: [{ name: name("user.a"), value: bytes("v") }] }),
      }),
      ["./a: xattrs is user.a=0x76, not none"],
    ],
    ["kind", treeOf({ ...Object.fromEntries(base.entries), a: directory() }), ["./a: is a directory, not a file"]],
    [
      "a broken link",
      treeOf({ a: file(bytes("ab")), l: twice, m: file(bytes("ab")) }),
      ["./m: is the same inode as ./m, not as ./l"],
    ],
    ["names", treeOf({ b: file(bytes("ab")), l: twice, m: twice }), ["./a: missing", "./b: unexpected"]],
  ];
  test.each(rows)("finds %s", async (_, other, differences) => {
    expect(await compareTrees(base, other)).toEqual(differences);
  });
});

describeWithPeers("trees on this machine's disk", ["getfattr", "setfattr"], () => {
  describeAsRoot("trees on this machine's disk", () => {
    test("come back as they were", async () => {
      await withTemporaryDirectory(async (folder) => {
        let run = 0;
        await fc.assert(
          fc.asyncProperty(arbitraryTree(), async (tree) => {
            const place = join(folder, String(run++));
            await treeToDirectory(tree, place);
            expect(await compareTreeWithDirectory(tree, place)).toEqual([]);
          }),
          { numRuns: 30, seed: 4 },
        );
      });
    });
  });
});

describeWithPeers("trees and mkfs.erofs", ["getfattr", "setfattr", "mkfs.erofs"], (peers) => {
  describeWithMounts("and the kernel", ["erofs"], () => {
    test("agree on everything", async () => {
      await withTemporaryDirectory(async (folder) => {
        let run = 0;
        await fc.assert(
          fc.asyncProperty(arbitraryTree(), async (tree) => {
            const place = join(folder, String(run++));
            await treeToDirectory(tree, place);
            expect(await peers["mkfs.erofs"].run([`${place}.erofs`, place])).toMatchObject({ exitCode: 0 });
            // mkfs.erofs marks directories that hold whiteouts.
            const ignoreXattr = (xattr: Name) => xattr === "trusted.overlay.origin";
            const compare = (at: string) => compareTreeWithDirectory(tree, at, { ignoreXattr });
            expect(await withLoopMount(`${place}.erofs`, "erofs", compare)).toEqual([]);
          }),
          { numRuns: 20, seed: 5 },
        );
      });
    });
  });
});
