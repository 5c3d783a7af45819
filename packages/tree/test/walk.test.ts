import { arbitraryTree, compareTrees, shuffleTree } from "@sextant/testkit";
import {
  allRoot,
  clampTimes,
  countLinks,
  type Directory,
  directory,
  filterTree,
  linkedPaths,
  mapTree,
  maxDepth,
  type Name,
  selectPaths,
  type TreeNode,
  union,
  walkTree,
  withAttributes,
  withNode,
} from "@sextant/tree";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { errorOf, f, n, paths, tree } from "./helpers.js";

/** A directory in a directory in … */
function nested(depth: number): Directory {
  let root = directory();
  for (let i = 0; i < depth; i++) {
    const above = directory();
    above.entries.set(n("d"), root);
    root = above;
  }
  return root;
}

test("a walk comes by in byte order, parents first", () => {
  const root = tree({ b: "", "a-": "", a: { z: {}, "\xff": "", y: "" }, "a.b": "" });
  expect([...walkTree(root)].map(({ path, name, parent }) => [path, name, parent === root])).toEqual([
    ["", "", false],
    ["a", "a", true],
    ["a/y", "y", false],
    ["a/z", "z", false],
    ["a/\u00c3\u00bf", "\u00c3\u00bf", false],
    ["a-", "a-", true],
    ["a.b", "a.b", true],
    ["b", "b", true],
  ]);
});

test("the depth has a limit, which also ends trees that contain themselves", async () => {
  expect([...walkTree(nested(maxDepth))]).toHaveLength(maxDepth + 1);
  const self = directory();
  self.entries.set(n("self"), self);
  for (const root of [nested(maxDepth + 1), self]) {
    for (const work of [
      () => [...walkTree(root)],
      () => mapTree(root, (node) => node),
      () => filterTree(root, () => true),
      () => union([root, root]),
    ]) {
      expect(await errorOf(work)).toMatchObject({ code: "LIMIT_DEPTH" });
    }
  }
});

test("hard links are counted and named", () => {
  const [twice, thrice, once] = [f("2"), f("3"), f("1")];
  const root = tree({ a: twice, d: { x: thrice, y: thrice, z: once }, e: twice, f: thrice });
  expect([...countLinks(root)]).toEqual([
    [thrice, 3],
    [twice, 2],
  ]);
  expect(linkedPaths(root).get(twice)).toEqual(["a", "e"]);
  expect(linkedPaths(root).get(thrice)).toEqual(["d/x", "d/y", "f"]);
  expect(linkedPaths(root).has(once)).toBe(false);
});

describe("mapTree", () => {
  test("sees each inode once, children first, and keeps hard links together", () => {
    const shared = f("shared");
    const root = tree({ b: shared, a: { c: shared, d: "" } });
    const seen: string[] = [];
    const mapped = mapTree(root, (node, path) => {
      seen.push(path);
      return node.kind === "file" ? withAttributes(node, { uid: 7 }) : node;
    });
    expect(seen).toEqual(["a/c", "a/d", "a", ""]);
    const copy = mapped.entries.get(n("b"));
    expect(copy?.uid).toBe(7);
    expect((mapped.entries.get(n("a")) as Directory).entries.get(n("c"))).toBe(copy);
    expect(shared.uid).toBe(0);
  });

  test("shares what does not change, and drops what is left out under all its names", () => {
    const shared = f("shared");
    const root = tree({ a: { b: {} }, c: { d: shared }, e: shared });
    expect(mapTree(root, (node) => node)).toBe(root);
    const mapped = mapTree(root, (node) => (node === shared ? undefined : node));
    expect(paths(mapped)).toEqual(["a/", "a/b/", "c/"]);
    expect(mapped.entries.get(n("a"))).toBe(root.entries.get(n("a")));
  });

  test("the root stays a directory", () => {
    const root = tree({});
    expect(() => mapTree(root, () => undefined)).toThrow(TypeError);
    expect(() => mapTree(root, () => f())).toThrow(TypeError);
  });

  test("any tree mapped to copies of its nodes is the same tree, whatever its order", async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryTree({ maxFileBytes: 100 }), fc.nat(), async (root, seed) => {
        const copy = mapTree(shuffleTree(root, seed), (node) => ({ ...node }));
        expect(await compareTrees(root, copy)).toEqual([]);
      }),
      { seed: 1, numRuns: 30 },
    );
  });
});

describe("withNode", () => {
  test("makes what is missing on the way and copies nothing else", () => {
    const root = tree({ a: { b: "" }, c: {} });
    const made = withNode(root, n("/a/x/y"), f("new"));
    expect(paths(made)).toEqual(["a/", "a/b", "a/x/", "a/x/y", "c/"]);
    expect(paths(root)).toEqual(["a/", "a/b", "c/"]);
    expect(made.entries.get(n("c"))).toBe(root.entries.get(n("c")));
    expect(paths(withNode(root, n("a"), f()))).toEqual(["a", "c/"]);
    expect(withNode(root, n("/"), made)).toBe(made);
  });

  test.each<[string, string, string]>([
    ["a/b/c", "MISMATCH_KIND", '"a/b" is a file, not a directory'],
    ["a/../b", "MISMATCH_ESCAPE", 'the path has a ".." in it'],
    ["d/".repeat(maxDepth + 1), "LIMIT_DEPTH", `directories are nested deeper than ${maxDepth}`],
  ])("%s is refused", async (path, code, message) => {
    expect(await errorOf(() => withNode(tree({ a: { b: "" } }), n(path), f()))).toMatchObject({ code, message });
  });

  test("the root stays a directory", () => {
    expect(() => withNode(tree({}), n(""), f())).toThrow(TypeError);
  });
});

describe("filters", () => {
  const root = tree({ usr: { bin: { a: "", b: "" }, lib: { c: { d: "" } }, share: {} }, etc: { "a.conf": "" } });

  test("keep the way to what is kept, and nothing else", () => {
    expect(paths(filterTree(root, (path) => path === "usr/lib/c/d"))).toEqual([
      "usr/",
      "usr/lib/",
      "usr/lib/c/",
      "usr/lib/c/d",
    ]);
    expect(paths(filterTree(root, (path) => path === "usr/share"))).toEqual(["usr/", "usr/share/"]);
    expect(paths(filterTree(root, () => false))).toEqual([]);
    expect(paths(filterTree(root, () => true))).toEqual(paths(root));
  });

  test.each<[string, Parameters<typeof selectPaths>[1], readonly string[]]>([
    ["a directory and all below it", { include: ["/usr/lib"] }, ["usr/", "usr/lib/", "usr/lib/c/", "usr/lib/c/d"]],
    ["a name anywhere", { include: ["a*"] }, ["etc/", "etc/a.conf", "usr/", "usr/bin/", "usr/bin/a"]],
    ["all but a directory", { exclude: ["/usr"] }, ["etc/", "etc/a.conf"]],
    ["exclusion wins", { include: ["/usr/bin"], exclude: ["b"] }, ["usr/", "usr/bin/", "usr/bin/a"]],
    ["directories only", { include: ["a*/", "c/"] }, ["usr/", "usr/lib/", "usr/lib/c/", "usr/lib/c/d"]],
    ["nothing is included by no pattern", { include: [] }, []],
    ["everything without patterns", {}, paths(root)],
  ])("select %s", (_, selection, expected) => {
    expect(paths(selectPaths(root, selection))).toEqual(expected);
  });

  test("one name of a hard link may go while another stays", () => {
    const shared = f();
    const kept = filterTree(tree({ a: shared, b: shared }), (path) => path === "b");
    expect(kept.entries.get(n("b"))).toBe(shared);
    expect(paths(kept)).toEqual(["b"]);
  });
});

test("allRoot and clampTimes", () => {
  const late = { mtimeSeconds: 100, mtimeNanoseconds: 1 };
  const root = tree(
    { a: f("", { uid: 5, gid: 6, ...late }), b: f("", { mtimeSeconds: 99, mtimeNanoseconds: 5 }) },
    { uid: 1, ...late },
  );
  const owned = allRoot(root);
  expect([...walkTree(owned)].map(({ node }) => [node.uid, node.gid])).toEqual([
    [0, 0],
    [0, 0],
    [0, 0],
  ]);
  const times = (tree: Directory) => [...walkTree(tree)].map(({ node }) => [node.mtimeSeconds, node.mtimeNanoseconds]);
  expect(times(clampTimes(root, 100))).toEqual([
    [100, 0],
    [100, 0],
    [99, 5],
  ]);
  expect(times(clampTimes(root, 101))).toEqual(times(root));
  expect(times(clampTimes(root, 0))).toEqual([
    [0, 0],
    [0, 0],
    [0, 0],
  ]);
});

test("union lays later trees over earlier ones", () => {
  const shared = f("shared");
  const merged = union([
    tree({ a: { b: "1", c: "1" }, d: "1", e: {} }, { mode: 0o700 }),
    tree({ a: directoryWith({ b: shared, x: shared }, 0o711), d: {}, e: "2" }, { mode: 0o755 }),
  ]);
  expect(paths(merged)).toEqual(["a/", "a/b", "a/c", "a/x", "d/", "e"]);
  expect([merged.mode, merged.entries.get(n("a"))?.mode]).toEqual([0o700, 0o711]);
  const a = merged.entries.get(n("a")) as Directory;
  expect(a.entries.get(n("b"))).toBe(a.entries.get(n("x")));
  expect(paths(union([]))).toEqual([]);
});

function directoryWith(entries: Readonly<Record<string, TreeNode>>, mode: number): Directory {
  return { ...directory({ mode }), entries: new Map(Object.entries(entries) as [Name, TreeNode][]) };
}
