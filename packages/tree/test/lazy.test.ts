import { fromBytes } from "@sextant/bytes";
import { arbitraryTree, compareTrees } from "@sextant/testkit";
import {
  type Directory,
  device,
  directory,
  type LazyNode,
  lazyTree,
  loadTree,
  maxDepth,
  maxSymlinks,
  nameToText,
  resolvePath,
  symlink,
  union,
} from "@sextant/tree";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { errorOf, f, n, text, tree } from "./helpers.js";
import { type Hostile, hostileNode } from "./hostile-tree.js";

test("any tree comes back from its lazy form", async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryTree({ maxFileBytes: 100, disk: false }), async (root) => {
      const lazy = lazyTree(root);
      expect(await compareTrees(root, lazy)).toEqual([]);
      expect(await compareTrees(root, await loadTree(lazy))).toEqual([]);
    }),
    { seed: 1, numRuns: 30 },
  );
});

describe("lazyTree", () => {
  const shared = f("abc");
  const root = lazyTree(
    tree({ b: shared, a: shared, d: { s: symlink(n("target")), e: {} }, n: device("block-device", 8, 1) }),
  );

  test("tells sizes, devices and links", async () => {
    const nodes = await Promise.all(
      (await root.entries()).map(async (entry) => [entry.name, entry.kind, await entry.node()] as const),
    );
    expect(nodes.map(([name, kind, node]) => [name, kind, node.nlink, node.size, node.device])).toEqual([
      ["a", "file", 2, 3, undefined],
      ["b", "file", 2, 3, undefined],
      ["d", "directory", 3, 0, undefined],
      ["n", "block-device", 1, 0, { major: 8, minor: 1 }],
    ]);
    expect(nodes[0]?.[2].id).toBe(nodes[1]?.[2].id);
    expect(new Set(nodes.map(([, , node]) => node.id)).size).toBe(3);
  });

  test("finds by name", async () => {
    const d = await root.lookup(n("d"));
    expect(await (await d?.lookup(n("s")))?.readlink()).toBe("target");
    expect(await root.lookup(n("none"))).toBeUndefined();
  });

  test("refuses what a node does not have", async () => {
    const node = (await root.lookup(n("a"))) as LazyNode;
    for (const work of [
      () => node.entries(),
      () => node.lookup(n("x")),
      () => node.readlink(),
      () => root.content(),
      () => root.readlink(),
    ]) {
      expect(await errorOf(work)).toBeInstanceOf(TypeError);
    }
  });
});

describe("loadTree refuses", () => {
  const deep = (depth: number): Hostile =>
    depth === 0 ? { kind: "directory" } : { kind: "directory", entries: [["d", deep(depth - 1)]] };
  const self: Hostile = { kind: "directory", id: 5, entries: [] };
  (self.entries as [string, Hostile][]).push(["self", self]);
  const twice: Hostile = { kind: "directory", id: 7, entries: [["x", { kind: "file" }]] };

  test.each<[string, Hostile, string, string]>([
    ["a directory in itself", { kind: "directory", entries: [["a", self]] }, "MALFORMED_TREE", "a/self"],
    [
      "a directory under two names",
      {
        kind: "directory",
        entries: [
          ["a", twice],
          ["b", twice],
        ],
      },
      "MALFORMED_TREE",
      "b",
    ],
    [
      "a name twice",
      {
        kind: "directory",
        entries: [
          ["a", { kind: "file" }],
          ["a", { kind: "file" }],
        ],
      },
      "MALFORMED_TREE",
      "a",
    ],
    [
      "an inode of two kinds",
      {
        kind: "directory",
        entries: [
          ["a", { kind: "file", id: 3 }],
          ["b", { kind: "symlink", id: 3 }],
        ],
      },
      "MALFORMED_TREE",
      "b",
    ],
    ["a name with a slash", { kind: "directory", entries: [["a/b", { kind: "file" }]] }, "MALFORMED_NAME", "a/b"],
    [
      "the name ..",
      { kind: "directory", entries: [["d", { kind: "directory", entries: [["..", { kind: "file" }]] }]] },
      "MALFORMED_NAME",
      "d/..",
    ],
    ["too deep a tree", deep(maxDepth + 1), "LIMIT_DEPTH", `${"d/".repeat(50)}…`],
    ["a file as the root", { kind: "file" }, "MISMATCH_KIND", ""],
  ])("%s", async (_, hostile, code, path) => {
    const error = await errorOf(() => loadTree(hostileNode(hostile)));
    expect(error).toMatchObject({ code, ...(path === "" ? {} : { context: { path } }) });
  });

  test("more names than it is told to take", async () => {
    const many = lazyTree(tree({ a: "", b: "", d: { c: "" } }));
    expect(await errorOf(() => loadTree(many, { maxEntries: 3 }))).toMatchObject({
      code: "LIMIT_ENTRIES",
      context: { path: "d" },
    });
    expect((await loadTree(many, { maxEntries: 4 })).entries.size).toBe(3);
  });
});

describe("resolvePath", () => {
  const root: Directory = tree({
    etc: { "os-release": symlink(n("../usr/lib/os-release")), self: symlink(n("self")), abs: symlink(n("/usr/lib")) },
    usr: { lib: { "os-release": "ID=x", up: symlink(n("../../../../etc")) } },
    bin: symlink(n("usr/bin")),
    slash: symlink(n("usr/lib/")),
    fileslash: symlink(n("usr/lib/os-release/")),
    empty: symlink(n("")),
    root: symlink(n("/")),
  });

  test.each<[string, boolean, string | undefined]>([
    ["", true, ""],
    ["/", true, ""],
    ["../../..", true, ""],
    ["usr/lib/os-release", true, "usr/lib/os-release"],
    ["//usr/./lib//os-release", true, "usr/lib/os-release"],
    ["etc/os-release", true, "usr/lib/os-release"],
    ["etc/os-release", false, "etc/os-release"],
    ["etc/abs", true, "usr/lib"],
    ["etc/abs/", false, "usr/lib"],
    ["etc/abs", false, "etc/abs"],
    ["etc/abs/os-release", false, "usr/lib/os-release"],
    ["usr/lib/up/os-release", true, "usr/lib/os-release"],
    ["usr/lib/../lib/os-release", true, "usr/lib/os-release"],
    ["etc/abs/..", true, "usr"],
    ["slash", true, "usr/lib"],
    ["root", true, ""],
    ["fileslash", true, undefined],
    ["bin", true, undefined],
    ["bin", false, "bin"],
    ["bin/x", true, undefined],
    ["usr/lib/os-release/", true, undefined],
    ["usr/lib/os-release/.", true, undefined],
    ["usr/lib/os-release/..", true, undefined],
    ["none/../usr", true, undefined],
    ["empty", true, undefined],
    ["empty/etc", true, undefined],
    ["usr/none", true, undefined],
  ])("%s (following the last: %s) is %s", async (path, followLast, expected) => {
    const found = await resolvePath(lazyTree(root), n(path), { followLast });
    expect(found && nameToText(found.path)).toBe(expected);
  });

  test("a circle ends", async () => {
    expect(await errorOf(() => resolvePath(lazyTree(root), n("etc/self")))).toMatchObject({ code: "LIMIT_SYMLINKS" });
  });

  test.each([
    [maxSymlinks, true],
    [maxSymlinks + 1, false],
  ])("%i symlinks in a row can be followed: %s", async (count, can) => {
    const chain = tree({ l0: "the end" });
    for (let i = 1; i <= count; i++) chain.entries.set(n(`l${i}`), symlink(n(`l${i - 1}`)));
    const work = resolvePath(lazyTree(chain), n(`l${count}`));
    if (can) expect((await work)?.path).toBe("l0");
    else expect(await errorOf(() => work)).toMatchObject({ code: "LIMIT_SYMLINKS" });
  });

  test("reads one entry a step", async () => {
    const asked: string[] = [];
    const spy = (node: LazyNode): LazyNode => ({
      ...node,
      entries: () => Promise.reject(new Error("listed")),
      lookup: async (name) => {
        asked.push(name);
        const found = await node.lookup(name);
        return found && spy(found);
      },
    });
    await resolvePath(spy(lazyTree(root)), n("etc/os-release"));
    expect(asked).toEqual(["etc", "os-release", "usr", "lib", "os-release"]);
  });
});

test("a union can be read lazily", async () => {
  const lazy = lazyTree(union([tree({ a: "1" }), directory()]));
  const content = (await lazy.lookup(n("a")))?.content();
  expect(await content?.open().read(0, 1)).toEqual(text("1"));
  expect(await fromBytes(text("1")).read(0, 1)).toEqual(text("1"));
});
