import { releaseFilePrefix } from "@sextant/extension-release";
import { treeOf } from "@sextant/testkit";
import { type LazyNode, nameFromText, TreeError, whiteout, type Xattr } from "@sextant/tree";
import { expect, it } from "vitest";
import { findCollisions, isWanted, type RuleName, rules } from "../src/index.js";
import { planTree } from "./planning.js";

type Tree = Parameters<Parameters<typeof treeOf>[0]>[0];

const at = (name: string, path: string) => `var/lib/extensions/${name}/usr/${path}`;

/** A host with empty extensions of these names, and what a case adds. */
async function findingsOf(names: readonly string[], fill: (tree: Tree) => void) {
  const host = treeOf((tree) => {
    tree.text("etc/os-release", "ID=a\n");
    tree.text("usr/bin/tool", "of the host");
    for (const name of names) tree.text(at(name, `lib/extension-release.d/${releaseFilePrefix}${name}`), "ID=_any\n");
    fill(tree);
  });
  const made = await planTree(host);
  expect(made.fatal).toBeUndefined();
  return findCollisions(made);
}

type Row = readonly [
  what: string,
  names: readonly string[],
  fill: (tree: Tree) => void,
  expected: readonly (readonly [rule: RuleName, who: string, paths: readonly string[]])[],
];

const opaque: Xattr = { name: nameFromText("trusted.overlay.opaque"), value: Uint8Array.of(0x79) };

const rows: readonly Row[] = [
  ["extensions that keep apart", ["a", "b"], (tree) => tree.text(at("a", "share/a/x"), "x"), []],
  [
    "different files of two extensions",
    ["a", "b"],
    (tree) => {
      for (const name of ["a", "b"]) for (const file of ["1", "2"]) tree.text(at(name, `share/x/${file}`), name);
    },
    [["file-collision", "b over a", ["/usr/share/x/1", "/usr/share/x/2"]]],
  ],
  [
    "the same file three times",
    ["a", "b", "c"],
    (tree) => {
      for (const name of ["a", "b", "c"]) tree.text(at(name, "share/x"), "same");
    },
    [["same-content", "c over b and a", ["/usr/share/x"]]],
  ],
  [
    "files of one size with different bytes",
    ["a", "b"],
    (tree) => {
      tree.text(at("a", "share/x"), "one");
      tree.text(at("b", "share/x"), "two");
    },
    [["file-collision", "b over a", ["/usr/share/x"]]],
  ],
  [
    "symlinks to one place and to two",
    ["a", "b"],
    (tree) => {
      for (const name of ["a", "b"]) {
        tree.link(at(name, "share/same"), "x");
        tree.link(at(name, "share/other"), name);
      }
    },
    [
      ["file-collision", "b over a", ["/usr/share/other"]],
      ["same-content", "b over a", ["/usr/share/same"]],
    ],
  ],
  [
    "a file of the host",
    ["a"],
    (tree) => tree.text(at("a", "bin/tool"), "new"),
    [["shadows-host", "a over the host", ["/usr/bin/tool"]]],
  ],
  [
    "the C library",
    ["a"],
    (tree) => {
      tree.text("usr/lib/x86_64-linux-gnu/libc.so.6", "old");
      tree.text(at("a", "lib/x86_64-linux-gnu/libc.so.6"), "new");
    },
    [["shadows-critical", "a over the host", ["/usr/lib/x86_64-linux-gnu/libc.so.6"]]],
  ],
  [
    "a file over a directory, and a directory over a symlink",
    ["a", "b"],
    (tree) => {
      tree.text(at("a", "share/x/y"), "");
      tree.text(at("b", "share/x"), "");
      tree.link(at("a", "share/z"), "x");
      tree.text(at("b", "share/z/y"), "");
    },
    [["type-conflict", "b over a", ["/usr/share/x", "/usr/share/z"]]],
  ],
  [
    "caches",
    ["a", "b"],
    (tree) => {
      for (const name of ["a", "b"]) {
        tree.text(at(name, "share/mime/mime.cache"), name);
        tree.text(at(name, "share/icons/hicolor/icon-theme.cache"), name);
      }
    },
    [
      ["regenerated-cache", "b over a", ["/usr/share/icons/hicolor/icon-theme.cache"]],
      ["regenerated-cache", "b over a", ["/usr/share/mime/mime.cache"]],
    ],
  ],
  [
    "a whiteout",
    ["a"],
    (tree) => tree.put(at("a", "bin/tool"), whiteout()),
    [["whiteout", "a over the host", ["/usr/bin/tool"]]],
  ],
  ["a whiteout of nothing", ["a"], (tree) => tree.put(at("a", "bin/nothing"), whiteout()), []],
  [
    "an opaque directory",
    ["a"],
    (tree) => {
      tree.text(at("a", "bin/x"), "");
      tree.put(at("a", "bin"), { ...treeOf(() => {}), xattrs: [opaque] });
    },
    [["opaque-directory", "a over the host", ["/usr/bin"]]],
  ],
  [
    "another mode",
    ["a"],
    (tree) => tree.folder(at("a", "bin"), 0o700),
    [["directory-attributes", "a (0700 0:0) over the host (0755 0:0)", ["/usr/bin"]]],
  ],
  [
    "two spellings",
    ["a", "b"],
    (tree) => {
      tree.text(at("a", "share/README"), "a");
      tree.text(at("b", "share/Readme"), "b");
      tree.text(at("b", "share/own"), "b");
      tree.text(at("b", "share/OWN"), "b");
    },
    [["case-only", "b, a", ["/usr/share/README", "/usr/share/Readme"]]],
  ],
  ["names without an order", ["1.0", "01.0"], () => {}, [["equal-order", "1.0, 01.0", ["/"]]]],
  [
    "one name twice",
    ["a"],
    (tree) => tree.folder("var/lib/extensions/a.sysext/usr/lib"),
    [["ambiguous-name", "a", ["/var/lib/extensions/a"]]],
  ],
];

it.each(rows)("%s", async (_what, names, fill, expected) => {
  const found = await findingsOf(names, fill);
  expect(found.map(({ rule, message, paths }) => [rule, message.split(": ")[0], paths])).toEqual(expected);
});

it("goes on where a directory of an image cannot be read", async () => {
  const host = treeOf((tree) => {
    tree.text("etc/os-release", "ID=a\n");
    for (const name of ["a", "b"]) {
      tree.text(at(name, `lib/extension-release.d/${releaseFilePrefix}${name}`), "ID=_any\n");
      for (const path of ["broken/x", "share/x"]) tree.text(at(name, path), name);
    }
  });
  const made = await planTree(host);
  const damage = async () => {
    throw new TreeError("UNREADABLE_FILE", "the block is damaged");
  };
  const damaged = (node: LazyNode): LazyNode => ({
    ...node,
    entries: async () =>
      (await node.entries()).map((entry) =>
        entry.name === "broken"
          ? { ...entry, node: async () => ({ ...(await entry.node()), entries: damage }) }
          : entry,
      ),
  });
  const hierarchies = made.hierarchies.map((each) => ({
    ...each,
    layers: each.layers.map((layer) =>
      layer.name === "a" && layer.node !== undefined ? { ...layer, node: damaged(layer.node) } : layer,
    ),
  }));
  const found = await findCollisions({ ...made, hierarchies });
  expect(found.map(({ rule, message, paths }) => [rule, message.split(": ")[0], paths])).toEqual([
    ["unreadable", "a (the block is damaged)", ["/usr/broken"]],
    ["file-collision", "b over a", ["/usr/share/x"]],
  ]);
});

it("has an example of every rule but the one that takes damage", () => {
  const shown = new Set(rows.flatMap(([, , , expected]) => expected.map(([rule]) => rule)));
  expect(Object.keys(rules).filter((rule) => !shown.has(rule as RuleName))).toEqual(["unreadable"]);
});

it("reads nothing of files that have another size", async () => {
  let opened = 0;
  const content = (size: number) => {
    const open = () => {
      opened += 1;
      return { size, read: async () => new Uint8Array(size) };
    };
    return { size, open };
  };
  const plain = treeOf((tree) => tree.bytes("x", new Uint8Array(0))).entries.get(nameFromText("x"));
  if (plain?.kind !== "file") throw new TypeError("no file");
  const found = await findingsOf(["a", "b"], (tree) => {
    tree.put(at("a", "share/x"), { ...plain, content: content(5) });
    tree.put(at("b", "share/x"), { ...plain, content: content(6) });
  });
  expect([found.map(({ rule }) => rule), opened]).toEqual([["file-collision"], 0]);
});

it("tells what findings a caller does not want", async () => {
  const [finding] = await findingsOf(["a"], (tree) => tree.text(at("a", "bin/tool"), "new"));
  if (finding === undefined) throw new TypeError("no finding");
  const wanted = (word: string) => isWanted(finding, word);
  expect(["info", "warning", "error", "shadows-host", "whiteout"].map(wanted)).toEqual([
    true,
    true,
    false,
    true,
    false,
  ]);
});
