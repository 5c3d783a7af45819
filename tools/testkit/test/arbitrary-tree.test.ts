import { checkName, type Directory, isWhiteout, type TreeNode } from "@sextant/tree";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dumpTree } from "../src/dump-tree.js";
import { arbitraryTree, shuffleTree } from "../src/index.js";

function* walk(node: TreeNode): Generator<TreeNode> {
  yield node;
  if (node.kind === "directory") for (const child of node.entries.values()) yield* walk(child);
}

function checkNode(node: TreeNode): void {
  expect(node.mode).toBeLessThanOrEqual(0o7777);
  expect(node.mtimeNanoseconds).toBeLessThan(1e9);
  const keys = node.xattrs.map(({ name }) => name);
  expect(keys).toEqual([...new Set(keys)].sort());
  if (node.kind === "directory") for (const name of node.entries.keys()) checkName(name);
  if (node.kind === "symlink") expect(node.target).toMatch(/^[^\0]{1,4095}$/s);
}

describe("arbitraryTree", () => {
  test("gives well-formed trees in which a directory stands under one name", () => {
    fc.assert(
      fc.property(arbitraryTree({ disk: false }), (tree) => {
        const directories = new Set<TreeNode>();
        for (const node of walk(tree)) {
          checkNode(node);
          if (node.kind !== "directory") continue;
          expect(directories.has(node)).toBe(false);
          directories.add(node);
        }
      }),
      { numRuns: 200, seed: 1 },
    );
  });

  test("reaches its edges", () => {
    const seen = new Set<string>();
    const note = (what: string, is: boolean) => is && seen.add(what);
    for (const tree of fc.sample(arbitraryTree(), { numRuns: 300, seed: 2 })) {
      const nodes = [...walk(tree)];
      note("hard link", new Set(nodes).size < nodes.length);
      for (const node of nodes) {
        note(node.kind, true);
        note("whiteout", isWhiteout(node));
        note("negative time", node.mtimeSeconds < 0 && node.mtimeNanoseconds > 0);
        note("wide owner", node.uid > 65535);
        note("block + 1", node.kind === "file" && node.content.size === 4097);
        note("long target", node.kind === "symlink" && node.target.length === 4095);
        for (const { name, value } of node.xattrs) {
          note(name, true);
          note("empty value", value.length === 0);
        }
        if (node.kind !== "directory") continue;
        for (const name of node.entries.keys()) note(`name of ${name.length}`, true);
        let bytes = 2 * 12 + 3;
        for (const name of node.entries.keys()) bytes += 12 + name.length;
        note(`entries of ${bytes}`, true);
      }
    }
    const edges = ["hard link", "whiteout", "negative time", "wide owner", "block + 1", "long target", "empty value"];
    const kinds = ["directory", "file", "symlink", "character-device", "block-device", "fifo", "socket"];
    const xattrs = ["system.posix_acl_access", "security.capability", "trusted.overlay.opaque"];
    const sizes = ["name of 1", "name of 252", "name of 255", "entries of 4096", "entries of 4097"];
    for (const edge of [...edges, ...kinds, ...xattrs, ...sizes]) expect(seen).toContain(edge);
  });
});

function sameShape(a: Directory, b: Directory): void {
  expect(dumpTree(b)).toBe(dumpTree(a));
}

describe("shuffleTree", () => {
  test("changes nothing but the order in which directories list their entries", () => {
    let moved = 0;
    fc.assert(
      fc.property(arbitraryTree(), fc.integer(), (tree, seed) => {
        const other = shuffleTree(tree, seed);
        sameShape(tree, other);
        if (String([...other.entries.keys()]) !== String([...tree.entries.keys()])) moved++;
      }),
      { numRuns: 100, seed: 3 },
    );
    expect(moved).toBeGreaterThan(20);
  });
});
