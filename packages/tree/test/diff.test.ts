import { counted, fromBytes } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import { arbitraryTree, shuffleTree } from "@sextant/testkit";
import {
  type DiffOptions,
  type Directory,
  describeTree,
  device,
  diffTrees,
  type FileContent,
  file,
  findExtents,
  special,
  symlink,
} from "@sextant/tree";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { collect, f, n, text, tree } from "./helpers.js";

/** Differences as lines: `+ path`, `- path`, `path: field, …`. */
async function lines(before: Directory, after: Directory, options?: DiffOptions): Promise<string[]> {
  const all = await collect(diffTrees(before, after, options));
  return all.map((one) =>
    one.change === "changed"
      ? `${one.path}: ${one.fields.join(", ")}`
      : `${one.change === "added" ? "+" : "-"} ${one.path}`,
  );
}

describe("diffTrees", () => {
  test.each<[string, Directory, Directory, readonly string[]]>([
    ["nothing", tree({ a: "1", d: { b: "" } }), tree({ d: { b: "" }, a: "1" }), []],
    [
      "what came and went, with all below",
      tree({ a: { b: "" } }),
      tree({ c: { d: "" } }),
      ["- a", "- a/b", "+ c", "+ c/d"],
    ],
    ["content", tree({ a: "1", b: "22" }), tree({ a: "2", b: "2" }), ["a: content", "b: content"]],
    [
      "mode and owner",
      tree({ a: f("", { mode: 1 }), b: f("", { uid: 1 }) }),
      tree({ a: f("", { mode: 2 }), b: f("", { gid: 1, uid: 1 }) }),
      ["a: mode", "b: owner"],
    ],
    ["time", tree({ a: f("", { mtimeNanoseconds: 1 }) }), tree({ a: "" }), ["a: mtime"]],
    ["target", tree({ a: symlink(n("x")) }), tree({ a: symlink(n("y")) }), ["a: target"]],
    ["device", tree({ a: device("block-device", 1, 2) }), tree({ a: device("block-device", 1, 3) }), ["a: device"]],
    ["kind, and nothing else about it", tree({ a: { b: "" } }), tree({ a: f("x", { uid: 9 }) }), ["a: kind", "- a/b"]],
    ["the root", tree({}, { mode: 0o700 }), tree({}), [": mode"]],
    ["a value of an xattr", tree({ a: f("", xattrs("1")) }), tree({ a: f("", xattrs("2")) }), ["a: xattrs"]],
    ["an xattr", tree({ a: f("", xattrs("1")) }), tree({ a: "" }), ["a: xattrs"]],
    ["several fields", tree({ a: f("1", { mode: 1, uid: 1 }) }), tree({ a: "2" }), ["a: mode, owner, content"]],
  ])("%s", async (_, before, after, expected) => {
    expect(await lines(before, after)).toEqual(expected);
  });

  test("hard links that were tied or untied", async () => {
    const [x, y, z] = [f("x"), f("x"), f("x")];
    expect(await lines(tree({ a: x, b: x, c: "x" }), tree({ a: y, b: "x", c: y }))).toEqual([
      "a: links",
      "b: links",
      "c: links",
    ]);
    expect(await lines(tree({ a: x, b: x }), tree({ a: z, b: z }))).toEqual([]);
    expect(await lines(tree({ a: x, b: x }), tree({ a: z, b: "x" }), { ignore: ["links"] })).toEqual([]);
  });

  test("what is ignored makes no difference, and is not read", async () => {
    const broken: FileContent = { size: 1, open: () => ({ size: 1, read: () => Promise.reject(new Error("read")) }) };
    const options: DiffOptions = { ignore: ["content", "mtime", "kind"] };
    expect(
      await lines(
        tree({ a: file(broken, { mtimeSeconds: 1 }), b: special("fifo") }),
        tree({ a: "x", b: special("socket") }),
        options,
      ),
    ).toEqual([]);
  });

  test("contents are read only where identity and size leave it open, and each pair once", async () => {
    const content = (bytes: string, identity?: string) => {
      const source = counted(fromBytes(text(bytes)));
      return { source, content: { size: source.size, identity, open: () => source } };
    };
    const sides = [
      content("same", "id"),
      content("same", "id"),
      content("long"),
      content("longer"),
      content("twin"),
      content("twin"),
    ] as const;
    const [left, right] = [file(sides[4].content), file(sides[5].content)];
    const before = tree({ a: file(sides[0].content), b: file(sides[2].content), c: left, d: left });
    const after = tree({ a: file(sides[1].content), b: file(sides[3].content), c: right, d: right });
    expect(await lines(before, after)).toEqual(["b: content"]);
    expect(sides.map(({ source }) => source.count.bytes)).toEqual([0, 0, 0, 0, 4, 4]);
  });

  test("any tree is the same in any order, and every change is found in both directions", async () => {
    const trees = arbitraryTree({ maxFileBytes: 50 });
    await fc.assert(
      fc.asyncProperty(trees, trees, fc.nat(), async (a, b, seed) => {
        expect(await lines(a, shuffleTree(a, seed))).toEqual([]);
        const [there, back] = [await lines(a, b), await lines(b, a)];
        const turned = there.map((line) => line.replace(/^[+-]/, (sign) => (sign === "+" ? "-" : "+")));
        expect(back).toEqual(turned);
      }),
      { seed: 1, numRuns: 40 },
    );
  });
});

function xattrs(value: string) {
  return { xattrs: [{ name: n("user.a"), value: text(value) }] };
}

describe("describeTree", () => {
  test("one line a path", async () => {
    const shared = f("abc", { mode: 0o4755, uid: 1, gid: 2, mtimeSeconds: -1, mtimeNanoseconds: 5, ...xattrs("v") });
    const root = tree(
      {
        "b c": shared,
        a: { x: shared },
        l: symlink(n("t t\n")),
        n: device("character-device", 1, 3),
        p: special("fifo"),
      },
      { mode: 0o700 },
    );
    const sha = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const expected = [
      "/ directory mode=0700 owner=0:0 time=0.000000000",
      "/a directory mode=0755 owner=0:0 time=0.000000000",
      `/a/x file mode=4755 owner=1:2 time=-1.000000005 links=2 size=3 sha256=${sha} xattr:user.a=0x76`,
      "/b\\x20c file mode=4755 owner=1:2 time=-1.000000005 links=2 same=/a/x size=3 xattr:user.a=0x76",
      "/l symlink mode=0777 owner=0:0 time=0.000000000 links=1 target=t\\x20t\\x0a",
      "/n character-device mode=0644 owner=0:0 time=0.000000000 links=1 device=1:3",
      "/p fifo mode=0644 owner=0:0 time=0.000000000 links=1",
    ];
    expect(await collect(describeTree(root))).toEqual(expected);
    expect(await collect(describeTree(root, { hasher: nodeHasher }))).toEqual(expected);
    expect(await collect(describeTree(root, { content: false }))).toEqual(
      expected.map((line) => line.replace(` sha256=${sha}`, "")),
    );
  });

  test("is equal exactly where there is no difference", async () => {
    const trees = arbitraryTree({ maxFileBytes: 50, maxLeaves: 4, maxDirectories: 2 });
    await fc.assert(
      fc.asyncProperty(trees, trees, fc.nat(), async (a, b, seed) => {
        const shown = await collect(describeTree(a));
        expect(await collect(describeTree(shuffleTree(a, seed)))).toEqual(shown);
        const same = (await lines(a, b)).length === 0;
        expect(JSON.stringify(await collect(describeTree(b))) === JSON.stringify(shown)).toBe(same);
      }),
      { seed: 2, numRuns: 30 },
    );
  });
});

describe("findExtents", () => {
  const content = (bytes: Uint8Array): FileContent => ({ size: bytes.length, open: () => fromBytes(bytes) });
  /** Pages: `1` has data, `0` none. */
  const pages = (pattern: string, tail = 0, tailByte = 0) => {
    const bytes = new Uint8Array(4096 * pattern.length + tail);
    for (const [i, page] of [...pattern].entries()) if (page === "1") bytes[4096 * i + ((i * 997) % 4096)] = 1;
    if (tail > 0) bytes[bytes.length - 1] = tailByte;
    return bytes;
  };

  test.each<[string, Uint8Array, readonly (readonly [number, number])[]]>([
    ["nothing", pages(""), []],
    ["all data", pages("111"), [[0, 3]]],
    ["all zeros", pages("000"), []],
    ["holes at both ends", pages("01100"), [[1, 3]]],
    [
      "a hole inside",
      pages("101"),
      [
        [0, 1],
        [2, 3],
      ],
    ],
    [
      "across the steps of reading",
      pages(`1${"0".repeat(300)}1${"1".repeat(300)}0`),
      [
        [0, 1],
        [301, 602],
      ],
    ],
  ])("%s", async (_, bytes, expected) => {
    expect(await findExtents(content(bytes))).toEqual(
      expected.map(([start, end]) => ({ start: 4096 * start, end: 4096 * end })),
    );
  });

  test("a tail shorter than a page", async () => {
    expect(await findExtents(content(pages("10", 5)))).toEqual([{ start: 0, end: 4096 }]);
    expect(await findExtents(content(pages("10", 5, 1)))).toEqual([
      { start: 0, end: 4096 },
      { start: 8192, end: 8197 },
    ]);
  });

  test("bytes that are not aligned in memory", async () => {
    const bytes = new Uint8Array(8193).subarray(1);
    bytes[8191] = 1;
    expect(await findExtents(content(bytes))).toEqual([{ start: 4096, end: 8192 }]);
  });
});
