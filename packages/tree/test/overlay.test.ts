import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describeWithMounts } from "@sextant/peers";
import { arbitraryTree, compareTrees, withTemporaryDirectory } from "@sextant/testkit";
import {
  type Directory,
  directory,
  file,
  hidesName,
  isOpaque,
  lazyTree,
  mapTree,
  mergeLayers,
  type Name,
  squashLayers,
  symlink,
  type TreeNode,
  whiteout,
  withOpaque,
  type Xattr,
} from "@sextant/tree";
import { extractTree, readDirectoryTree } from "@sextant/tree/node";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { errorOf, f, n, paths, text, tree } from "./helpers.js";

const xattr = (name: string, value = "y"): Xattr => ({ name: n(name), value: text(value) });
const opaque = (shape: Parameters<typeof tree>[0]) => withOpaque(tree(shape));
const marked = (shape: Parameters<typeof tree>[0], ...xattrs: Xattr[]) => tree(shape, { xattrs });
const xattrWhiteout = (content = "") => f(content, { xattrs: [xattr("trusted.overlay.whiteout")] });

interface Row {
  readonly name: string;
  /** Topmost first. */
  readonly layers: readonly Directory[];
  readonly merged: readonly string[];
  /** What is left when the layers are squashed, with `!` for whiteouts and `*` for opaque directories. */
  readonly squashed: readonly string[];
}

const rows: readonly Row[] = [
  { name: "one layer", layers: [tree({ a: "1", b: {} })], merged: ["a", "b/"], squashed: ["a", "b/"] },
  {
    name: "directories merge, the topmost file counts",
    layers: [tree({ d: { a: "1" } }), tree({ d: { a: "2", b: "2" }, e: "2" })],
    merged: ["d/", "d/a", "d/b", "e"],
    squashed: ["d/", "d/a", "d/b", "e"],
  },
  {
    name: "a whiteout hides what is below",
    layers: [tree({ d: { a: whiteout() } }), tree({ d: { a: "2", b: "2" } })],
    merged: ["d/", "d/b"],
    squashed: ["d/", "d/a!", "d/b"],
  },
  {
    name: "a whiteout in the lowest layer is not there either",
    layers: [tree({ a: "1" }), tree({ d: { w: whiteout(), x: "" } })],
    merged: ["a", "d/", "d/x"],
    squashed: ["a", "d/", "d/w!", "d/x"],
  },
  {
    name: "an opaque directory hides what is in those below",
    layers: [tree({ d: { a: "1" } }), tree({ d: opaque({ b: "2" }) }), tree({ d: { c: "3" } })],
    merged: ["d/", "d/a", "d/b"],
    squashed: ["d/*", "d/a", "d/b"],
  },
  {
    name: "a file in a middle layer ends the merge of directories",
    layers: [tree({ d: { a: "1" } }), tree({ d: "2" }), tree({ d: { c: "3" } })],
    merged: ["d/", "d/a"],
    squashed: ["d/*", "d/a"],
  },
  {
    name: "so does a whiteout",
    layers: [tree({ d: { a: "1" } }), tree({ d: whiteout() }), tree({ d: { c: "3" } })],
    merged: ["d/", "d/a"],
    squashed: ["d/*", "d/a"],
  },
  {
    name: "a file hides a directory, a directory a file",
    layers: [tree({ a: "1", b: { x: "1" } }), tree({ a: { y: "2" }, b: "2" })],
    merged: ["a", "b/", "b/x"],
    squashed: ["a", "b/*", "b/x"],
  },
  {
    name: "an empty file with the whiteout xattr hides as well",
    layers: [
      tree({ d: marked({ a: xattrWhiteout() }, xattr("trusted.overlay.opaque", "x")) }),
      tree({ d: { a: "2", b: "2" } }),
    ],
    merged: ["d/", "d/b"],
    squashed: ["d/", "d/a!", "d/b"],
  },
  {
    name: "in a directory that is not marked, too",
    layers: [tree({ d: { a: xattrWhiteout() } }), tree({ d: { a: "2" } })],
    merged: ["d/"],
    squashed: ["d/", "d/a!"],
  },
  {
    name: "a file with that xattr and content is a file",
    layers: [tree({ a: xattrWhiteout("not empty") }), tree({ a: "2" })],
    merged: ["a"],
    squashed: ["a"],
  },
  {
    name: "other values of the opaque xattr mean nothing",
    layers: [
      tree({
        d: marked({}, xattr("trusted.overlay.opaque", "n")),
        e: marked({}, xattr("trusted.overlay.opaque", "yy")),
      }),
      tree({ d: { a: "" }, e: { a: "" } }),
    ],
    merged: ["d/", "d/a", "e/", "e/a"],
    squashed: ["d/", "d/a", "e/", "e/a"],
  },
  {
    name: "markers of the other namespace mean nothing",
    layers: [tree({ d: marked({}, xattr("user.overlay.opaque")) }), tree({ d: { a: "" } })],
    merged: ["d/", "d/a"],
    squashed: ["d/", "d/a"],
  },
  {
    name: "deep below",
    layers: [
      tree({ a: { b: { c: { x: whiteout(), y: "1" } } } }),
      tree({ a: { b: { c: { x: "2", z: "2" } } } }),
      tree({ a: { b: { q: "3" } } }),
    ],
    merged: ["a/", "a/b/", "a/b/c/", "a/b/c/y", "a/b/c/z", "a/b/q"],
    squashed: ["a/", "a/b/", "a/b/c/", "a/b/c/x!", "a/b/c/y", "a/b/c/z", "a/b/q"],
  },
];

/** Paths in byte order, with `!` and `*` for the markers. */
function markedPaths(root: Directory): string[] {
  const all: string[] = [];
  mapTree(root, (node, path) => {
    const mark = hidesName(node) ? "!" : node.kind === "directory" ? (isOpaque(node) ? "/*" : "/") : "";
    all.push(path + mark);
    return node;
  });
  return all.slice(0, -1).sort();
}

test.each(rows)("$name", async ({ layers, merged, squashed }) => {
  expect(paths(mergeLayers(layers))).toEqual(merged);
  expect(markedPaths(squashLayers(layers))).toEqual(squashed);
});

describe("what is merged", () => {
  test("has the topmost directory's attributes, and no markers", () => {
    const top = tree({ d: { ...opaque({ a: "" }), mode: 0o711, uid: 5 } }, { mode: 0o700 });
    const merged = mergeLayers([top, tree({ d: { b: "" } }, { mode: 0o755 })]);
    expect(merged.mode).toBe(0o700);
    expect(merged.entries.get(n("d"))).toMatchObject({ mode: 0o711, uid: 5, xattrs: [] });
  });

  test("shows xattrs as the mount does", () => {
    const xattrs = ["security.a", "trusted.overlay.origin", "trusted.overlay.overlay.opaque", "user.overlay.opaque"];
    const merged = mergeLayers([tree({ a: f("", { xattrs: xattrs.map((name) => xattr(name)) }) })]);
    expect(merged.entries.get(n("a"))?.xattrs.map(({ name }) => name)).toEqual([
      "security.a",
      "trusted.overlay.opaque",
      "user.overlay.opaque",
    ]);
  });

  test("keeps the hard links of a layer", () => {
    const shared = f("x", { xattrs: [xattr("trusted.overlay.origin")] });
    const merged = mergeLayers([tree({ a: shared, d: { b: shared } }), tree({ d: {} })]);
    expect(merged.entries.get(n("a"))).toBe((merged.entries.get(n("d")) as Directory).entries.get(n("b")));
  });

  test("uses the namespace that is asked for", () => {
    const top = tree({ d: tree({ a: "" }, { xattrs: [xattr("user.overlay.opaque")] }) });
    const options = { xattrPrefix: "user.overlay." };
    expect(paths(mergeLayers([top, tree({ d: { b: "" } })], options))).toEqual(["d/", "d/a"]);
    expect(isOpaque(withOpaque(directory(), options), options)).toBe(true);
  });

  test("an opaque root merges all the same", () => {
    const layers = [tree({ a: "" }), opaque({ b: "" }), tree({ c: "" })];
    expect(paths(mergeLayers(layers))).toEqual(["a", "b", "c"]);
    expect(isOpaque(squashLayers(layers))).toBe(false);
  });
});

test.each(["redirect", "metacopy"])("the marker %s is refused", async (marker) => {
  const layer = tree({ d: { x: marked({}, xattr(`trusted.overlay.${marker}`)) } });
  for (const merge of [mergeLayers, squashLayers]) {
    expect(await errorOf(() => merge([layer]))).toMatchObject({ code: "UNSUPPORTED_NODE", context: { path: "d/x" } });
  }
});

test("no layers are the caller's mistake", () => {
  expect(() => mergeLayers([])).toThrow(TypeError);
});

/** Layers over the same few names, so that everything meets everything. */
const arbitraryLayer = fc.letrec<{ node: TreeNode; directory: Directory }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<TreeNode>(whiteout(), f("content"), xattrWhiteout(), symlink(n("target"))),
    tie("directory"),
    tie("directory"),
  ),
  directory: fc
    .tuple(
      fc.uniqueArray(fc.tuple(fc.constantFrom("a", "b", "c"), tie("node")), { selector: ([name]) => name }),
      fc.nat(5),
    )
    .map(([entries, mark]) => {
      const made: Directory = { ...directory(), entries: new Map(entries as [Name, TreeNode][]) };
      return mark === 0 ? withOpaque(made) : made;
    }),
})).directory;

test("squashed layers do to any layers below what they did one by one", async () => {
  const stacks = fc.tuple(
    fc.array(arbitraryLayer, { minLength: 1, maxLength: 3 }),
    fc.array(arbitraryLayer, { minLength: 1, maxLength: 3 }),
  );
  await fc.assert(
    fc.asyncProperty(stacks, async ([upper, lower]) => {
      const expected = mergeLayers([...upper, ...lower]);
      expect(await compareTrees(expected, mergeLayers([squashLayers(upper), ...lower]))).toEqual([]);
      expect(await compareTrees(expected, mergeLayers([...upper, squashLayers(lower)]))).toEqual([]);
    }),
    { seed: 1, numRuns: 100 },
  );
});

test("merging one layer with nothing marked changes nothing", async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryTree({ maxFileBytes: 50, devices: false }), async (root) => {
      const plain = mapTree(root, (node) => ({ ...node, xattrs: [] }));
      expect(await compareTrees(plain, mergeLayers([plain]))).toEqual([]);
    }),
    { seed: 2, numRuns: 30 },
  );
});

const listing = `
set -e
mount -t tmpfs none "$2"
mkdir "$2/m"
mount -t overlay none -o "lowerdir=$1" "$2/m"
cd "$2/m"
# A whiteout may be listed; then it cannot be reached.
find . -mindepth 1 2>/dev/null | while read -r path; do
  if [ -d "$path" ]; then echo "$path/"; elif [ -e "$path" ] || [ -L "$path" ]; then echo "$path"; fi
done
`;

/** Mounts the layers as overlayfs in a namespace of its own and lists what a program sees there. */
function listMounted(folder: string, count: number): string[] {
  const lower = Array.from({ length: count }, (_, i) => join(folder, String(i))).join(":");
  const { stdout, stderr } = spawnSync(
    "unshare",
    ["--mount", "sh", "-c", listing, "sh", lower, join(folder, "mount")],
    {
      encoding: "utf8",
    },
  );
  if (stderr !== "") throw new Error(stderr);
  const lines = stdout.split("\n").filter((line) => line !== "");
  return lines.map((line) => line.replace(/^\.\//, "")).sort();
}

describeWithMounts("the kernel's overlayfs", ["overlay"], () => {
  const compare = async (layers: readonly Directory[]) =>
    withTemporaryDirectory(async (folder) => {
      for (const [i, layer] of layers.entries()) await extractTree(lazyTree(layer), join(folder, String(i)));
      spawnSync("mkdir", [join(folder, "mount"), join(folder, "empty")]);
      // Overlayfs takes two layers at least.
      if (layers.length === 1) await extractTree(lazyTree(directory()), join(folder, "1"));
      expect(paths(mergeLayers(layers)).sort()).toEqual(listMounted(folder, Math.max(2, layers.length)));
      return readDirectoryTree(folder);
    });

  test.each(rows)("shows the same: $name", async ({ layers }) => {
    await compare(layers);
  });

  test("and for any layers", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(arbitraryLayer, { minLength: 1, maxLength: 3 }), async (layers) => {
        await compare(layers);
      }),
      { seed: 3, numRuns: 25 },
    );
  });
});

test("files keep their content", async () => {
  const merged = mergeLayers([tree({ a: file(text("top")) }), tree({ a: "below" })]);
  expect(await (merged.entries.get(n("a")) as ReturnType<typeof file>).content.open().read(0, 3)).toEqual(text("top"));
});
