import { readTar, writeTar } from "@sextant/archive";
import { fromBytes, zeros } from "@sextant/bytes";
import { arbitraryTree, compareTrees, shuffleTree } from "@sextant/testkit";
import {
  contentOf,
  directory,
  file,
  type Name,
  special,
  symlink,
  type TreeNode,
  whiteout,
  withOpaque,
} from "@sextant/tree";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytesOf, collect, expectError, linesOf, name, textOf } from "./helpers.js";

const rootOf = (entries: Readonly<Record<string, TreeNode>>) => {
  const root = directory();
  for (const [key, node] of Object.entries(entries)) root.entries.set(name(key), node);
  return root;
};
const again = async (tree: ReturnType<typeof directory>) => readTar(fromBytes(await collect(writeTar(tree))));

test("any tree comes back as it was, from the same bytes in any order", async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryTree({ disk: false, sockets: false }), async (tree) => {
      const bytes = await collect(writeTar(tree));
      expect(bytes.length % 512).toBe(0);
      expect(await compareTrees(tree, await readTar(fromBytes(bytes)))).toEqual([]);
      expect(Buffer.compare(await collect(writeTar(shuffleTree(tree, 5))), bytes)).toBe(0);
    }),
    { seed: 7, numRuns: 60 },
  );
});

describe("names around the fields' lengths", () => {
  const lengths = [1, 99, 100, 101, 154, 155, 156, 254, 255];
  test.each(lengths)("%i bytes", async (length) => {
    const long = "n".repeat(length) as Name;
    const byte = "\xff".repeat(length) as Name;
    const tree = rootOf({});
    const inner = directory();
    const deep = directory();
    tree.entries.set(long, inner);
    inner.entries.set(long, deep);
    deep.entries.set(long, file(bytesOf("x")));
    deep.entries.set(byte, symlink(byte));
    tree.entries.set(byte, deep.entries.get(long) as TreeNode);
    expect(await compareTrees(tree, await again(tree))).toEqual([]);
  });
});

describe("sizes around blocks", () => {
  test.each([0, 1, 511, 512, 513, 1023, 1024, 1025])("%i bytes", async (size) => {
    const tree = rootOf({ a: file(new Uint8Array(size).fill(0x61)), b: file(bytesOf("behind")) });
    expect(await compareTrees(tree, await again(tree))).toEqual([]);
  });
});

describe("values that need pax records", () => {
  const values = [
    { uid: 2 ** 21 - 1 },
    { uid: 2 ** 21 },
    { gid: 2 ** 32 - 1 },
    { mtimeSeconds: -1 },
    { mtimeSeconds: -1, mtimeNanoseconds: 1 },
    { mtimeSeconds: 0, mtimeNanoseconds: 999_999_999 },
    { mtimeSeconds: -2, mtimeNanoseconds: 500_000_000 },
    { mtimeSeconds: 8 ** 11 - 1 },
    { mtimeSeconds: 8 ** 11 },
    { xattrs: [{ name: name("user.a=b%c"), value: bytesOf("\0=\n\xff") }] },
    { xattrs: [{ name: name("user.empty"), value: new Uint8Array(0) }] },
    { xattrs: [{ name: name("user.large"), value: new Uint8Array(65_536) }] },
  ];
  test.each(values)("%j", async (attributes) => {
    const tree = rootOf({ "a file": file(bytesOf("x"), attributes), "a directory": directory(attributes) });
    expect(await compareTrees(tree, await again(tree))).toEqual([]);
  });
});

test("a file of 8 GiB", async () => {
  const tree = rootOf({ large: file(contentOf(zeros(2 ** 33))), z: file(bytesOf("behind")) });
  const heads: Uint8Array[] = [];
  let skipped = 0;
  // Its blocks of zeros are left out here and put back as a source that needs no memory.
  for await (const chunk of writeTar(tree)) {
    if (chunk.length === 2 ** 20) skipped += chunk.length;
    else heads.push(chunk);
  }
  expect(skipped).toBe(2 ** 33);
  const head = heads.slice(0, 2);
  const size = head.reduce((total, chunk) => total + chunk.length, 0);
  const { concatBytes, concatenated } = await import("@sextant/bytes");
  const source = concatenated([fromBytes(concatBytes(head)), zeros(2 ** 33), fromBytes(concatBytes(heads.slice(2)))]);
  expect(size % 512).toBe(0);
  const back = await readTar(source);
  expect(await textOf(back, "z")).toBe("behind");
  const large = back.entries.get(name("large"));
  expect(large?.kind === "file" && large.content.size).toBe(2 ** 33);
}, 120_000);

test("times are clamped to the epoch", async () => {
  const tree = rootOf({
    early: file(bytesOf(""), { mtimeSeconds: 99, mtimeNanoseconds: 5 }),
    late: file(bytesOf(""), { mtimeSeconds: 100, mtimeNanoseconds: 5 }),
    later: file(bytesOf(""), { mtimeSeconds: 1000 }),
  });
  const back = await readTar(fromBytes(await collect(writeTar(tree, { epochSeconds: 100 }))));
  const times = [...back.entries.values()].map(({ mtimeSeconds, mtimeNanoseconds }) => [
    mtimeSeconds,
    mtimeNanoseconds,
  ]);
  expect(times).toEqual([
    [99, 5],
    [100, 0],
    [100, 0],
  ]);
});

test("whiteouts as OCI image layers have them, and back", async () => {
  const tree = rootOf({
    gone: whiteout(),
    opaque: withOpaque(rootOf({ kept: file(bytesOf("x")) })),
    plain: rootOf({ "gone too": whiteout() }),
  });
  const bytes = await collect(writeTar(tree, { whiteouts: "oci" }));
  expect((await linesOf(await readTar(fromBytes(bytes)))).map((line) => line.split(" ", 1)[0])).toEqual([
    "/",
    "/.wh.gone",
    "/opaque",
    "/opaque/.wh..wh..opq",
    "/opaque/kept",
    "/plain",
    "/plain/.wh.gone\\x20too",
  ]);
  expect(await compareTrees(tree, await readTar(fromBytes(bytes), { whiteouts: "oci" }))).toEqual([]);
});

test("what tar cannot hold", async () => {
  await expectError(collect(writeTar(rootOf({ s: special("socket") }))), "UNSUPPORTED_NODE");
});

test("without a member for the root", async () => {
  const bytes = await collect(writeTar(rootOf({ a: file(bytesOf("x")) }), { root: false }));
  expect(String.fromCharCode(...bytes.subarray(0, 2))).toBe("a\0");
});
