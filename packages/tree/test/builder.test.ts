import { arbitraryTree, compareTrees, shuffleTree } from "@sextant/testkit";
import {
  type Directory,
  directory,
  isOpaque,
  isWhiteout,
  maxDepth,
  nameToText,
  symlink,
  type TreeBuilder,
  treeBuilder,
  walkTree,
} from "@sextant/tree";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { errorOf, f, n, paths, tree } from "./helpers.js";

const built = (...steps: ((builder: TreeBuilder) => unknown)[]) => {
  const builder = treeBuilder();
  for (const step of steps) step(builder);
  return builder.build();
};

test("directories on the way are made, with the attributes that are asked for", () => {
  const builder = treeBuilder({ parents: { mode: 0o700, uid: 7 }, root: { mode: 0o711 } });
  builder.put(n("/a/b/c"), f());
  builder.put(n("a/b/"), directory({ mode: 0o750 }));
  const root = builder.build();
  expect([...walkTree(root)].map(({ path, node }) => [path, node.mode, node.uid])).toEqual([
    ["", 0o711, 0],
    ["a", 0o700, 7],
    ["a/b", 0o750, 0],
    ["a/b/c", 0o644, 0],
  ]);
});

test.each<[string, readonly string[], readonly ((builder: TreeBuilder) => unknown)[]]>([
  ["a file over a file", ["a"], [(b) => b.put(n("a"), f("1")), (b) => b.put(n("a"), f("2"))]],
  ["a file over a directory takes all of it", ["a"], [(b) => b.put(n("a/b"), f()), (b) => b.put(n("a"), f())]],
  ["a directory over a file", ["a/"], [(b) => b.put(n("a"), f()), (b) => b.put(n("a"), directory())]],
  [
    "a directory over a directory adds to it",
    ["a/", "a/b", "a/c"],
    [(b) => b.put(n("a/b"), f()), (b) => b.put(n("a"), tree({ c: "" }))],
  ],
  ["a tree at the root", ["a", "b"], [(b) => b.put(n("a"), f()), (b) => b.put(n(""), tree({ b: "" }))]],
  ["what is removed", ["a/"], [(b) => b.put(n("a/b/c"), f()), (b) => b.remove(n("a/b"))]],
])("%s", (_, expected, steps) => {
  expect(paths(built(...steps))).toEqual(expected);
});

test("hard links are the same node, and changes later do not tear them apart", () => {
  const root = built(
    (b) => b.put(n("a/b"), f("x")),
    (b) => b.link(n("c/d"), n("/a/b")),
    (b) => b.link(n("e"), n("c/d")),
    (b) => b.remove(n("a/b")),
  );
  expect(paths(root)).toEqual(["a/", "c/", "c/d", "e"]);
  expect((root.entries.get(n("c")) as Directory).entries.get(n("d"))).toBe(root.entries.get(n("e")));
});

test("whiteouts and opaque directories", () => {
  const root = built(
    (b) => b.put(n("a/b"), f()),
    (b) => b.opaque(n("a")),
    (b) => b.opaque(n("new")),
    (b) => b.whiteout(n("gone")),
  );
  expect(paths(root)).toEqual(["a/", "a/b", "gone", "new/"]);
  expect(["a", "new"].map((name) => isOpaque(root.entries.get(n(name)) as Directory))).toEqual([true, true]);
  expect(isWhiteout(root.entries.get(n("gone")) as Directory)).toBe(true);
});

test("get and remove tell what is there", () => {
  const builder = treeBuilder();
  builder.put(n("a/b"), f());
  expect(builder.get(n("a/b"))?.kind).toBe("file");
  expect(builder.get(n(""))?.kind).toBe("directory");
  expect([builder.get(n("a/x")), builder.get(n("x/y")), builder.get(n("a/b/c"))]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect([builder.remove(n("a/x")), builder.remove(n("x/y")), builder.remove(n("")), builder.remove(n("a/b"))]).toEqual(
    [false, false, false, true],
  );
});

test("a tree given out stays as it is while the builder goes on", () => {
  const builder = treeBuilder();
  builder.put(n("a/b/c"), f("1"));
  builder.put(n("x/y"), f("1"));
  const first = builder.build();
  builder.put(n("a/b/d/e"), f("2"));
  builder.remove(n("x/y"));
  const second = builder.build();
  builder.put(n("a"), directory({ mode: 0o700 }));
  builder.put(n(""), directory({ mode: 0o711 }));
  expect(paths(first)).toEqual(["a/", "a/b/", "a/b/c", "x/", "x/y"]);
  expect(paths(second)).toEqual(["a/", "a/b/", "a/b/c", "a/b/d/", "a/b/d/e", "x/"]);
  expect([second.mode, second.entries.get(n("a"))?.mode]).toEqual([0o755, 0o755]);
  expect([builder.build().mode, builder.build().entries.get(n("a"))?.mode]).toEqual([0o711, 0o700]);
});

test("a tree that is put stays as it is, too", () => {
  const given = tree({ a: { b: "" } });
  const builder = treeBuilder();
  builder.put(n("x"), given);
  builder.put(n("x/a/c"), f());
  expect(paths(given)).toEqual(["a/", "a/b"]);
  expect(paths(builder.build())).toEqual(["x/", "x/a/", "x/a/b", "x/a/c"]);
});

describe("refusals", () => {
  test.each<[string, (builder: TreeBuilder) => void, string, string]>([
    [
      "a way through a file",
      (b) => b.put(n("file/x"), f()),
      "MISMATCH_KIND",
      '"file" on the way is a file, not a directory',
    ],
    [
      "a way through a whiteout",
      (b) => b.put(n("gone/x"), f()),
      "MISMATCH_KIND",
      '"gone" on the way is a character-device, not a directory',
    ],
    [
      "a way through a symlink",
      (b) => b.put(n("link/x"), f()),
      "MISMATCH_ESCAPE",
      'the path goes through the symlink "link"',
    ],
    ["a way up", (b) => b.put(n("a/../../x"), f()), "MISMATCH_ESCAPE", 'the path has a ".." in it'],
    [
      "a name too long",
      (b) => b.put(n("x".repeat(256)), f()),
      "MALFORMED_NAME",
      `the file name "${"x".repeat(256)}" is 256 bytes long, more than 255`,
    ],
    [
      "a link to nothing",
      (b) => b.link(n("x"), n("nothing")),
      "MISSING_PATH",
      'the hard link leads to "nothing", which is not there',
    ],
    ["a link to a directory", (b) => b.link(n("x"), n("dir")), "MISMATCH_KIND", "directories have no hard links"],
    [
      "a link to itself",
      (b) => b.link(n("x"), n("x")),
      "MISSING_PATH",
      'the hard link leads to "x", which is not there',
    ],
    ["a file as the root", (b) => b.put(n("/"), f()), "MISMATCH_KIND", "the root of a tree is a directory, not a file"],
    [
      "too deep a path",
      (b) => b.put(n("d/".repeat(maxDepth + 2)), f()),
      "LIMIT_DEPTH",
      `directories are nested deeper than ${maxDepth}`,
    ],
  ])("%s", async (_, step, code, message) => {
    const builder = treeBuilder();
    builder.put(n("file"), f());
    builder.put(n("dir/x"), f());
    builder.whiteout(n("gone"));
    builder.put(n("link"), symlink(n("dir")));
    expect(await errorOf(() => step(builder))).toMatchObject({ code, message });
  });
});

describe("symlinks on the way, followed", () => {
  const builder = () => treeBuilder({ parentSymlinks: "follow" });

  test.each<[string, readonly [string, string][], string, string]>([
    ["relative", [["bin", "usr/bin"]], "bin/x", "usr/bin/x"],
    ["absolute", [["bin", "/usr/bin"]], "bin/x", "usr/bin/x"],
    [
      "one after another",
      [
        ["a", "b"],
        ["b", "c/d"],
      ],
      "a/x",
      "c/d/x",
    ],
    ["below a directory", [["usr/lib64", "lib"]], "usr/lib64/x", "usr/lib/x"],
    ["up and down", [["usr/lib64", "../other/lib"]], "usr/lib64/x", "other/lib/x"],
    ["up past the root", [["a", "../../../etc"]], "a/x", "etc/x"],
  ])("%s", (_, links, path, expected) => {
    const b = builder();
    for (const [from, to] of links) b.put(n(from), symlink(n(to)));
    b.put(n(path), f());
    expect(paths(b.build())).toContain(expected);
    expect(b.get(n(path))?.kind).toBe("file");
  });

  test("a symlink at the end is replaced, not followed", () => {
    const b = builder();
    b.put(n("a"), symlink(n("b")));
    b.put(n("a"), f());
    expect(paths(b.build())).toEqual(["a"]);
  });

  test("in a circle they end", async () => {
    const b = builder();
    b.put(n("a"), symlink(n("b")));
    b.put(n("b"), symlink(n("a")));
    expect(await errorOf(() => b.put(n("a/x"), f()))).toMatchObject({ code: "LIMIT_SYMLINKS" });
  });

  test("into something that is no directory they fail", async () => {
    const b = builder();
    b.put(n("file"), f());
    b.put(n("a"), symlink(n("file")));
    expect(await errorOf(() => b.put(n("a/x"), f()))).toMatchObject({ code: "MISMATCH_KIND" });
  });

  test("after a tree was given out, directories are copied on the way up as well", () => {
    const b = builder();
    b.put(n("a/b/c"), f());
    b.put(n("l"), symlink(n("a/b/new/../../other")));
    const first = b.build();
    b.put(n("l/x"), f());
    expect(paths(first)).toEqual(["a/", "a/b/", "a/b/c", "l"]);
    expect(paths(b.build())).toEqual(["a/", "a/b/", "a/b/c", "a/b/new/", "a/other/", "a/other/x", "l"]);
  });
});

test("any tree told path by path, in any order, is that tree", async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryTree({ maxFileBytes: 50 }), fc.nat(), async (root, seed) => {
      const builder = treeBuilder();
      const steps = [...walkTree(shuffleTree(root, seed))];
      // Directories come after what is in them, as archives may have it.
      for (const { path, node } of steps.reverse()) {
        builder.put(path, node.kind === "directory" ? { ...node, entries: new Map() } : node);
      }
      expect((await compareTrees(root, builder.build())).map((line) => nameToText(n(line)))).toEqual([]);
    }),
    { seed: 1, numRuns: 30 },
  );
});
