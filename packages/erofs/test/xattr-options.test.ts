import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fromBytes, fromHex, toHex, viewOf } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import { describeWithMounts, describeWithPeers, withLoopMount } from "@sextant/peers";
import {
  arbitraryTree,
  compareTrees,
  compareTreeWithDirectory,
  treeToDirectory,
  withTemporaryDirectory,
} from "@sextant/testkit";
import {
  type Directory,
  directory,
  file,
  type LazyNode,
  type Name,
  nameFromBytes,
  nameFromText,
  type WalkEntry,
  walkTree,
} from "@sextant/tree";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { check, compress, fingerprintFiles, neededKernel, type PlanOptions, plan } from "../src/index.js";
import { readInode } from "../src/inode.js";
import { openVolume } from "../src/open-volume.js";
import { readPrefixes } from "../src/prefixes.js";
import { filterBit } from "../src/xattr-filter.js";
import { readSharedXattr, readXattrBody } from "../src/xattrs.js";
import { xxh32 } from "../src/xxh32.js";
import { openBytes, pack, packFile } from "./helpers.js";
import { fill, pattern, xattr, zoo } from "./zoo.js";

const names = (...texts: string[]) => texts.map(nameFromText);
const text = (value: string) => new TextEncoder().encode(value);

test.each([
  ["", 0, 0x02cc5d05],
  ["", 0x9e3779b1, 0x36b78ae7],
  ["a", 0, 0x550d7456],
  ["abc", 0, 0x32d153ff],
  ["Nobody inspects the spammish repetition", 0, 0xe2293b2f],
  ["0123456789abcdef", 0, 0xc2c45b69],
])("XXH32 of %j with seed %d", (value, seed, hash) => {
  expect(xxh32(text(value), seed)).toBe(hash);
});

const overlay = names("trusted.overlay.", "trusted.overlay.very.long.");
const value = (name: string) => xattr(name, `value of ${name}`);
/** What mode 0755 says, too. */
const acl = xattr("system.posix_acl_access", fromHex("0200000001000700ffffffff04000500ffffffff20000500ffffffff"));

/** Names with and without the prefixes, in inodes and shared. */
function prefixed(): Directory {
  const shared = [value("trusted.overlay.origin"), value("user.plain")] as const;
  return fill(directory({ xattrs: [value("trusted.overlay.opaque")] }), {
    a: file(pattern(10), { xattrs: [shared[0], value("trusted.overlay.very.long.name"), shared[1]] }),
    b: file(pattern(5000), { xattrs: shared }),
    c: file(pattern(4096), { xattrs: [value("trusted.overlay"), value("trusted.overlay.")] }),
    d: directory({ xattrs: [value("security.selinux"), acl] }),
  });
}

/** As many prefixes as there can be, each used, and longer than a block takes. */
const many = Array.from({ length: 128 }, (_, index) =>
  nameFromText(`user.${String(index).padStart(3, "0")}${"p".repeat(100)}.`),
);
const manyPrefixed = () =>
  fill(
    directory(),
    Object.fromEntries(
      many.map((prefix, index) => [`f${index}`, file(pattern(3), { xattrs: [xattr(`${prefix}x`, "1")] })]),
    ),
  );

/** What stands in the xattr body of an inode. */
interface Body {
  readonly filter: number;
  /** Of entries, those of shared ones too. */
  readonly indexes: readonly number[];
  readonly suffixes: readonly string[];
}

/** By path, for inodes that have one. */
async function bodiesOf(bytes: Uint8Array): Promise<Map<string, Body>> {
  const volume = await openVolume(fromBytes(bytes));
  const found = new Map<string, Body>();
  const visit = async (node: LazyNode, path: string): Promise<void> => {
    const inode = await readInode(volume, Number(node.id));
    const body = await readXattrBody(volume, inode);
    if (body) {
      const shared = await Promise.all(body.sharedIds.map((id) => readSharedXattr(volume, id)));
      const entries = [...body.inline, ...shared];
      found.set(path, {
        filter: viewOf(bytes).getUint32(body.offset, true),
        indexes: entries.map(({ nameIndex }) => nameIndex).sort((a, b) => a - b),
        suffixes: entries.map(({ suffix }) => nameFromBytes(suffix)).sort(),
      });
    }
    if (node.kind !== "directory") return;
    for (const entry of await node.entries()) await visit(await entry.node(), `${path}/${entry.name}`);
  };
  const image = await openBytes(bytes);
  await visit(await image.root(), "");
  return found;
}

/** An image that shows the tree, and that a check finds nothing wrong with. */
async function sound(tree: Directory, options: PlanOptions): Promise<Uint8Array> {
  const bytes = await pack(tree, options);
  expect(await compareTrees(tree, await (await openBytes(bytes)).root())).toEqual([]);
  expect((await check(fromBytes(bytes))).findings).toEqual([]);
  return bytes;
}

describe("long prefixes", () => {
  test("make names shorter, the longest of several most", async () => {
    const bytes = await sound(prefixed(), { xattrPrefixes: overlay });
    expect(await bodiesOf(bytes)).toEqual(
      new Map([
        ["", { filter: 0, indexes: [0x80], suffixes: ["opaque"] }],
        ["/a", { filter: 0, indexes: [1, 0x80, 0x81], suffixes: ["name", "origin", "plain"] }],
        ["/b", { filter: 0, indexes: [1, 0x80], suffixes: ["origin", "plain"] }],
        ["/c", { filter: 0, indexes: [4, 0x80], suffixes: ["", "overlay"] }],
        ["/d", { filter: 0, indexes: [2, 6], suffixes: ["", "selinux"] }],
      ]),
    );
    const { features } = await openBytes(bytes);
    expect(features).toEqual(expect.arrayContaining(["xattr_prefixes", "plain_xattr_pfx"]));
    expect(await readPrefixes(await openVolume(fromBytes(bytes)))).toMatchObject([
      { baseIndex: 4, infix: "overlay." },
      { baseIndex: 4, infix: "overlay.very.long." },
    ]);
  });

  test("that no name has are left out", async () => {
    const unused = names("user.none.", "trusted.overlay.longer.than.any.");
    expect(await pack(prefixed(), { xattrPrefixes: unused })).toEqual(await pack(prefixed()));
    const { xattrPrefixes } = plan(prefixed(), { xattrPrefixes: [...unused, ...overlay] });
    expect(xattrPrefixes.map(({ name }) => name)).toEqual(overlay);
  });

  test("may be 128, in more than a block", async () => {
    const { superblock } = await openBytes(await sound(manyPrefixed(), { xattrPrefixes: many }));
    expect(superblock.xattrPrefixCount).toBe(128);
    expect(() => plan(manyPrefixed(), { xattrPrefixes: [...many, ...overlay] })).toThrow(RangeError);
  });

  test.each([
    "",
    "trusted",
    "trusted.",
    "nobody.",
    "system.posix_acl_access",
    "user.\0",
    `user.${"a".repeat(251)}`,
    "user.ā",
  ])("%j is none", (name) => {
    expect(() => plan(directory(), { xattrPrefixes: [name as Name] })).toThrow(RangeError);
  });

  test("one that is given twice is one", () => {
    expect(plan(prefixed(), { xattrPrefixes: [...overlay, ...overlay] }).xattrPrefixes).toHaveLength(2);
  });
});

describe("fingerprints", () => {
  const hidden = async (tree: Directory): Promise<PlanOptions> => ({
    fingerprints: await fingerprintFiles(tree, { hasher: nodeHasher }),
  });

  test("are of content, once for equal identities, and hidden", async () => {
    let opened = 0;
    const content = {
      size: 5,
      identity: "five",
      open() {
        opened += 1;
        return fromBytes(text("hello"));
      },
    };
    const tree = fill(directory(), {
      a: file(content),
      b: file({ ...content }),
      empty: file(pattern(0)),
      d: directory(),
    });
    const options = await hidden(tree);
    expect(opened).toBe(1);
    const bytes = await sound(tree, options);
    const image = await openBytes(bytes);
    expect(image.features).toEqual(expect.arrayContaining(["ishare_xattrs", "xattr_prefixes"]));
    expect(image.superblock.imageShareXattrPrefix).toBe(0);
    const digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    expect([...(options.fingerprints?.values.values() ?? [])].map(toHex)).toEqual(
      Array(2).fill(`${toHex(text("sha256:"))}${digest}`),
    );
    expect([...(await bodiesOf(bytes))]).toEqual(
      ["/a", "/b"].map((path) => [path, { filter: 0, indexes: [0x80], suffixes: [""] }]),
    );
  });

  test("may be seen, and replace what a file has under that name", async () => {
    const name = nameFromText("trusted.erofs.fingerprint");
    const old = xattr(name, "old");
    const tree = fill(directory({ xattrs: [old] }), { a: file(pattern(5), { xattrs: [old, xattr(`${name}2`, "3")] }) });
    const fingerprints = await fingerprintFiles(tree, { name, hasher: nodeHasher });
    const image = await openBytes(await pack(tree, { fingerprints, xattrPrefixes: names("trusted.erofs.") }));
    const root = await image.root();
    const xattrs = async (node: LazyNode | undefined) =>
      (await node?.xattrs())?.map((one) => [one.name, one.value.length]);
    expect(await xattrs(root)).toEqual([[name, 3]]);
    expect(await xattrs(await root.lookup("a" as Name))).toEqual([
      [name, 39],
      [`${name}2`, 1],
    ]);
    expect(image.superblock).toMatchObject({ xattrPrefixCount: 1, imageShareXattrPrefix: 0 });
  });

  test("come with prefixes, whatever their number", async () => {
    const tree = prefixed();
    const bytes = await sound(tree, { ...(await hidden(tree)), xattrPrefixes: overlay });
    expect((await openBytes(bytes)).superblock).toMatchObject({ xattrPrefixCount: 3, imageShareXattrPrefix: 2 });
  });

  test("of nothing are no feature", async () => {
    expect(await pack(directory(), await hidden(directory()))).toEqual(await pack(directory()));
  });

  test.each(["", "a\0", "system.posix_acl_default", "a".repeat(256)])("cannot be in %j", async (name) => {
    const tree = fill(directory(), { a: file(pattern(1)) });
    const made = async () => plan(tree, { fingerprints: await fingerprintFiles(tree, { name: name as Name }) });
    await expect(made()).rejects.toThrow(RangeError);
  });

  test("of another tree are refused", async () => {
    const { fingerprints } = await hidden(prefixed());
    expect(() => plan(prefixed(), { fingerprints })).toThrow(TypeError);
  });

  test("of a source of another size than the tree says are refused", async () => {
    const tree = fill(directory(), { f: file({ size: 2, open: () => fromBytes(pattern(3)) }) });
    await expect(fingerprintFiles(tree)).rejects.toMatchObject({ code: "MISMATCH_SIZE", context: { path: "/f" } });
  });
});

const all = async (tree: Directory): Promise<PlanOptions> => ({
  xattrPrefixes: overlay,
  xattrFilter: true,
  fingerprints: await fingerprintFiles(tree, { hasher: nodeHasher }),
});

describe("the name filter", () => {
  test("says of each name that it may be there, and of most others that they are not", async () => {
    const tree = zoo({ small: true });
    const image = await pack(tree, { xattrFilter: true });
    expect((await openBytes(image)).features).toContain("xattr_filter");
    const bodies = await bodiesOf(image);
    expect(bodies.get("/inline")?.filter).toBe(~((1 << filterBit(6, "selinux")) | (1 << filterBit(1, "shared"))) >>> 0);
  });

  test("is off unless asked for", async () => {
    const bodies = await bodiesOf(await pack(zoo({ small: true })));
    expect([...bodies.values()].every(({ filter }) => filter === 0)).toBe(true);
  });
});

const hasContent = ({ node }: WalkEntry) => node.kind === "file" && node.content.size > 0;

const trees: readonly (readonly [string, Directory])[] = [
  ["prefixes", prefixed()],
  ["many prefixes", manyPrefixed()],
  ["the zoo", zoo()],
  ...fc.sample(arbitraryTree(), { seed: 8, numRuns: 4 }).map((tree, index) => [`tree ${index}`, tree] as const),
];

const optionsOf = async (name: string, tree: Directory) =>
  name === "many prefixes" ? { xattrPrefixes: many, xattrFilter: true } : await all(tree);

describeWithMounts("what the kernel mounts", ["erofs"], () => {
  test.each(trees)("%s", async (name, tree) => {
    await withTemporaryDirectory(async (folder) => {
      const path = join(folder, "image");
      await packFile(tree, path, await optionsOf(name, tree));
      await withLoopMount(path, "erofs", async (mounted) => {
        expect(await compareTreeWithDirectory(tree, mounted)).toEqual([]);
      });
    });
  });
});

/** With a packed inode, where kernels before 6.17 look for prefixes. */
async function packedToo(tree: Directory): Promise<PlanOptions> {
  const compression = { method: "zstd", level: 3, clusterBytes: 65_536 } as const;
  return { ...(await all(tree)), compressed: await compress(tree, { compression, fragments: "all" }) };
}

test("prefixes stand in the image where there is a packed inode, too, and say what kernel that needs", async () => {
  const tree = fill(prefixed(), { text: file(text("compressible ".repeat(1000))) });
  const bytes = await sound(tree, await packedToo(tree));
  expect(neededKernel(await openBytes(bytes)).kernel).toBe("6.17");
  expect(neededKernel(await openBytes(await pack(tree, await all(tree)))).kernel).toBe("6.4");
});

describeWithMounts("what the kernel mounts of compressed images", ["erofs"], () => {
  test("prefixes", async () => {
    await withTemporaryDirectory(async (folder) => {
      const path = join(folder, "image");
      const tree = fill(prefixed(), { text: file(text("compressible ".repeat(1000))) });
      await packFile(tree, path, await packedToo(tree));
      await withLoopMount(path, "erofs", async (mounted) => {
        expect(await compareTreeWithDirectory(tree, mounted)).toEqual([]);
      });
    });
  });
});

describeWithPeers("as mkfs.erofs and fsck.erofs have it", ["mkfs.erofs", "fsck.erofs"], (peers) => {
  const { "mkfs.erofs": mkfs, "fsck.erofs": fsck } = peers;

  test("filters and fingerprints are those that mkfs.erofs writes", async () => {
    await withTemporaryDirectory(async (folder) => {
      const [path, root] = [join(folder, "image"), join(folder, "tree")] as const;
      const tree = zoo({ disk: true });
      await treeToDirectory(tree, root);
      const args = ["-x1", "--xattr-inode-digest", "--xattr-prefix=trusted.overlay.", path, root];
      expect(await mkfs.run(args)).toMatchObject({ exitCode: 0 });
      const theirs = await bodiesOf(readFileSync(path));
      const ours = await bodiesOf(await pack(tree, { ...(await all(tree)), xattrPrefixes: overlay.slice(0, 1) }));
      const plain = ([bodyPath, { filter, suffixes }]: [string, Body]) => [bodyPath, filter, suffixes];
      // It marks directories that have whiteouts.
      expect([...ours].map(plain)).toEqual([...theirs].filter(([bodyPath]) => ours.has(bodyPath)).map(plain));
    });
  });

  const withFiles = trees.filter(([name, tree]) => name !== "many prefixes" && [...walkTree(tree)].some(hasContent));

  test.each(withFiles)("%s: fsck.erofs agrees with every fingerprint", async (_, tree) => {
    await withTemporaryDirectory(async (folder) => {
      const path = join(folder, "image");
      await packFile(tree, path, await all(tree));
      expect(await fsck.run(["--xattr-inode-digest", path])).toMatchObject({ exitCode: 0, stderr: "" });
    });
  });

  test("fsck.erofs tells a file by its fingerprint that has changed", async () => {
    await withTemporaryDirectory(async (folder) => {
      const path = join(folder, "image");
      const tree = prefixed();
      const options = await all(tree);
      const bytes = await packFile(tree, path, options);
      const { dataBlock } = plan(tree, options);
      bytes[4096 * dataBlock] = 1 ^ (bytes[4096 * dataBlock] ?? 0);
      writeFileSync(path, bytes);
      expect(await fsck.run(["--xattr-inode-digest", path])).toMatchObject({
        exitCode: 1,
        stderr: expect.stringContaining("digest MISMATCH"),
      });
    });
  });
});
