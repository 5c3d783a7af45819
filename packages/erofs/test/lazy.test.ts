import { counted, fromBytes } from "@sextant/bytes";
import { type Directory, directory, file, type LazyNode, type Name, nameFromText, type TreeNode } from "@sextant/tree";
import { describe, expect, test } from "vitest";
import { mostAligned } from "../src/directory.js";
import { open } from "../src/index.js";
import { pack } from "./helpers.js";
import { extension, fill, pattern, xattr } from "./zoo.js";

const release = "usr/lib/extension-release.d/extension-release.tool";

/** What a matcher does: opens, follows the path, reads the file. Gives what that cost. */
async function readRelease(image: Uint8Array, path = release) {
  const source = counted(fromBytes(image));
  const opened = await open(source);
  let node: LazyNode | undefined = await opened.root();
  for (const part of path.split("/") as Name[]) node = await node?.lookup(part);
  if (node === undefined) throw new Error(`nothing at ${path}`);
  const content = node.content();
  return { text: new TextDecoder().decode(await content.open().read(0, content.size)), ...source.count };
}

/** Files that fill a directory, with names before or behind `extension-release.d`. */
function crowd(count: number, prefix: string): Record<string, TreeNode> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`${prefix}${i}`, file(pattern(i % 7))]));
}

describe("a matcher reads", () => {
  const text = "ID=debian\nVERSION_ID=13\n";
  const one = { text, requests: 1, bytes: 4096 };
  const two = { text, requests: 2, bytes: 8192 };
  const rest = { share: fill(directory(), crowd(3000, "f")), data: file(pattern(1_000_000)) };

  test.each<readonly [string, Directory, object]>([
    ["one block of a small image", extension(), one],
    ["one block of a large image", extension(rest), one],
    [
      "one block beside other directories that stand behind their inodes",
      extension(crowd(20, "b"), crowd(30, "x")),
      one,
    ],
    ["one block where xattrs fit too", labelled(extension(rest)), one],
    ["one more block for a directory of 2 blocks", extension({}, crowd(300, "a")), two],
    ["one more block for a directory of 2 blocks, the entry in the first", extension({}, crowd(300, "lib")), two],
    ["one more block for a directory of 9 blocks", extension(rest, crowd(2000, "lib")), two],
    ["one more block for a directory of 9 blocks, the entry in the last", extension(rest, crowd(2000, "a")), two],
    [
      "one more block for a directory of 99 blocks, the entry in the midst",
      extension(rest, { ...crowd(7000, "a-file-before"), ...crowd(9000, "lib-and-one-behind") }),
      two,
    ],
    [
      "two more blocks for two such directories",
      extension(crowd(400, "bin"), crowd(300, "x")),
      { text, requests: 3, bytes: 12288 },
    ],
    ["one more block where a directory fits a block, but not the first", extension({}, crowd(170, "x")), two],
  ])("%s", async (_, tree, expected) => {
    expect(await readRelease(await pack(tree))).toEqual(expected);
  });

  test("one block also where fifty other release files do not fit it", async () => {
    const names = Array.from({ length: 51 }, (_, i) => `extension-release.${10 + i}`);
    const releases = fill(
      directory(),
      Object.fromEntries(names.map((name) => [name, file(new TextEncoder().encode(text))])),
    );
    const lib = fill(directory(), { "extension-release.d": releases });
    const image = await pack(fill(directory(), { usr: fill(directory(), { lib }) }));
    const costs = await Promise.all(names.map((name) => readRelease(image, `usr/lib/extension-release.d/${name}`)));
    expect(costs[0]).toEqual(one);
    for (const cost of costs) expect(cost.requests).toBeLessThanOrEqual(2);
  });

  test("one more block for a release file that is too large to stand behind its inode", async () => {
    const content = "A".repeat(4090);
    const releases = fill(directory(), { "extension-release.tool": file(new TextEncoder().encode(content)) });
    const tree = fill(directory(), {
      usr: fill(directory(), { lib: fill(directory(), { "extension-release.d": releases }) }),
    });
    const { bytes, requests, text: read } = await readRelease(await pack(tree));
    expect({ bytes, requests, read }).toEqual({ bytes: 4096 + 4090, requests: 2, read: content });
  });

  test("the same of a confext, and of any file that is asked for", async () => {
    const node = file(new TextEncoder().encode(text));
    const etc = fill(directory(), { "extension-release.d": fill(directory(), { "extension-release.tool": node }) });
    const tree = fill(directory(), {
      etc,
      opt: fill(directory(), { ...crowd(500, "o"), p: fill(directory(), { manifest: node }) }),
    });
    expect(await readRelease(await pack(tree), "etc/extension-release.d/extension-release.tool")).toEqual(one);
    const image = await pack(tree, { front: [nameFromText("/opt/p/manifest")] });
    expect(await readRelease(image, "opt/p/manifest")).toEqual(two);
  });
});

function labelled(tree: Directory): Directory {
  const label = xattr("security.selinux", "system_u:object_r:usr_t:s0\0");
  const copy = <N extends TreeNode>(node: N): N => {
    const made = { ...node, xattrs: [label] };
    if (node.kind !== "directory") return made;
    return { ...made, entries: new Map([...node.entries].map(([name, child]) => [name, copy(child)])) };
  };
  return copy(tree);
}

describe("lookups", () => {
  test("read as many blocks as halving takes, and find exactly what is there", async () => {
    const names = Array.from({ length: 20_000 }, (_, i) => `entry-${String(i * 7919).padStart(9, "0")}`);
    const tree = fill(directory(), {
      d: fill(directory(), Object.fromEntries(names.map((name) => [name, file(new Uint8Array(0))]))),
    });
    const image = await pack(tree);
    for (const name of [...names.filter((_, i) => i % 997 === 0), "entry-", "entry-000000001", "zzz", " "]) {
      const source = counted(fromBytes(image));
      const d = await (await (await open(source)).root()).lookup("d" as Name);
      const before = source.count.requests;
      const found = await d?.lookup(name as Name);
      expect(found !== undefined).toBe(names.includes(name));
      // 170 blocks: at most 10 to find the entry, one for its inode.
      expect(source.count.requests - before).toBeLessThanOrEqual(11);
    }
  });

  test("halve around the block number with the most trailing zeros", () => {
    for (const [low, high, base, expected] of [
      [0, 1, 5, 0],
      [0, 2, 1, 1],
      [0, 2, 2, 0],
      [0, 10, 5, 3],
      [3, 10, 5, 3],
      [4, 10, 5, 7],
      [0, 10, 1020, 4],
    ] as const) {
      expect(mostAligned(low, high, base)).toBe(expected);
    }
  });
});

describe("content", () => {
  test("is read in one request a run of blocks, and tails come with the inode", async () => {
    const tree = fill(directory(), { f: file(pattern(10_000)), g: file(pattern(8192)) });
    const source = counted(fromBytes(await pack(tree)));
    const root = await (await open(source)).root();
    const f = (await root.lookup("f" as Name))?.content();
    expect(await f?.open().read(0, 10_000)).toEqual(pattern(10_000));
    expect(source.count).toEqual({ requests: 2, bytes: 4096 + 8192 });
    expect(await f?.open().read(9000, 9500)).toEqual(pattern(10_000).subarray(9000, 9500));
    const g = (await root.lookup("g" as Name))?.content();
    expect(await g?.open().read(4000, 4200)).toEqual(pattern(8192).subarray(4000, 4200));
    expect(source.count).toEqual({ requests: 3, bytes: 4096 + 8192 + 200 });
  });
});
