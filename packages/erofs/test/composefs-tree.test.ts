import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { collectChunks, fromBytes, toHex, zeros } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import { describeWithMounts, run, withLoopMount } from "@sextant/peers";
import { arbitraryTree, compareTreeWithDirectory, shuffleTree, withTemporaryDirectory } from "@sextant/testkit";
import { type Directory, directory, file, filterTree, mapTree, type Name, nameFromText, walkTree } from "@sextant/tree";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { composefsTree, emitComposefs, fsVerityDigest, objectPath, planComposefs } from "../src/index.js";
import { fill, pattern, zoo } from "./zoo.js";

const options = { hasher: nodeHasher };

async function imageOf(tree: Directory): Promise<Uint8Array> {
  const plan = planComposefs(await composefsTree(tree, options));
  return collectChunks(emitComposefs(plan), plan.sizeBytes);
}

describe("fs-verity", () => {
  test.each([
    ["nothing", 0, "3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95"],
    ["one byte", 1, "bce75948b9e7510293f8f2720412af9697c1479281323f3f220623fb8e94b557"],
    ["a block", 4096, "a2a808ddaced77f0b6b3068f47b14b5a1fb3fc43674993ab11b8e7e6f2d089e2"],
    ["a block and a byte", 4097, "18b155c0b6e054f3f7d22488ed15340e74dc161ce2d123e13eb685c3ce565f70"],
    ["a full block of digests", 128 * 4096, "35ce0df2a57eb54aeba7969570bac9dfadfac295ec181a03f13ac7a7da54909e"],
    ["one more", 128 * 4096 + 1, "cc4f297494cf9e0b6f159db6d30a62d3fcc219fc9c0cbc2d8792bd264da4d9cb"],
    ["three levels", 128 * 128 * 4096 + 5, "6f42f661e3102c264726830cd8f8d4e5a0f61cb3cc84e6ccd6e388d3351d9dc8"],
  ])("of %s", async (_, size, digest) => {
    const source = { size, read: async (start: number, end: number) => new Uint8Array(end - start).fill(0x61) };
    expect(toHex(await fsVerityDigest(source, options))).toBe(digest);
  });
});

test("content up to 64 bytes is in the image, larger content is named by its digest", async () => {
  const { entries } = await composefsTree(
    fill(directory(), { empty: file(pattern(0)), small: file(pattern(64)), large: file(pattern(65)) }),
    options,
  );
  const told = ["empty", "small", "large"].map((name) => entries?.get(name as Name)?.node);
  const digest = await fsVerityDigest(fromBytes(pattern(65)), options);
  expect(told.map((node) => [node?.size, node?.content, node?.digest, node?.payload])).toEqual([
    [0, undefined, undefined, undefined],
    [64, pattern(64), undefined, undefined],
    [65, undefined, digest, objectPath(digest)],
  ]);
  expect(objectPath(digest)).toMatch(/^[0-9a-f]{2}\/[0-9a-f]{62}$/);
});

test("names of one inode become inodes of their own, as mkcomposefs makes of them", async () => {
  const linked = file(pattern(10));
  const { entries } = await composefsTree(fill(directory(), { a: linked, b: linked }), options);
  const [a, b] = [...(entries?.values() ?? [])];
  expect([a?.isLink, b?.isLink, a?.node.nlink, b?.node.nlink]).toEqual([false, false, 1, 1]);
  expect(a?.node).not.toBe(b?.node);
});

test("a file is read once, and of equal identities one", async () => {
  let opened = 0;
  const content = (identity: string | undefined) => ({
    size: 100,
    identity,
    open() {
      opened += 1;
      return zeros(100);
    },
  });
  const linked = file(content(undefined));
  await composefsTree(
    fill(directory(), { a: linked, b: linked, c: file(content("x")), d: file(content("x")) }),
    options,
  );
  expect(opened).toBe(2);
});

test("a source of another size than the tree says is refused", async () => {
  const tree = fill(directory(), { f: file({ size: 70, open: () => zeros(69) }) });
  await expect(composefsTree(tree, options)).rejects.toMatchObject({ code: "MISMATCH_SIZE", context: { path: "/f" } });
});

test("more xattrs than composefs takes are refused", async () => {
  const xattrs = [{ name: nameFromText("user.a"), value: new Uint8Array(32_743) }];
  const tree = fill(directory(), { f: file(pattern(1), { xattrs }) });
  await expect(composefsTree(tree, options)).rejects.toMatchObject({ code: "LIMIT_XATTR", context: { path: "/f" } });
});

/** What `mkcomposefs` 1.0.8 makes of the same directory, too. */
test("bytes that must not change by chance", async () => {
  const image = await imageOf(zoo({ disk: true }));
  expect(toHex(nodeHasher.hash("sha256", image))).toBe(
    "b0a19db487c297718c89d34262b4121605a513e155fb76a386d3e5d73217f1a6",
  );
  // The name of the image: what `mkcomposefs --print-digest` says.
  expect(toHex(await fsVerityDigest(fromBytes(image), options))).toBe(
    "1ddbe86114a66e35f7daf571c4db1ae5f7e97bd8db95c4b52da5b5264fc153c8",
  );
});

test("the order of entries changes nothing", async () => {
  const tree = zoo({ small: true });
  const image = await imageOf(tree);
  for (const seed of [1, 2]) expect(await imageOf(shuffleTree(tree, seed))).toEqual(image);
});

/** Whiteouts are shown to a further overlay only, and so are the xattrs of overlayfs. */
function visible(tree: Directory): Directory {
  const plain = filterTree(tree, (_, node) => node.kind !== "character-device" || node.major > 0 || node.minor > 0);
  return mapTree(plain, (node) => ({ ...node, xattrs: node.xattrs.filter(({ name }) => !name.includes("overlay.")) }));
}

async function storeObjects(tree: Directory, folder: string): Promise<void> {
  for (const { node } of walkTree(tree)) {
    if (node.kind !== "file" || node.content.size <= 64) continue;
    const source = node.content.open();
    const path = join(folder, objectPath(await fsVerityDigest(source, options)));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, await source.read(0, source.size));
  }
}

const trees: readonly (readonly [string, Directory])[] = [
  ["the zoo", zoo({ disk: true })],
  ...fc.sample(arbitraryTree(), { seed: 9, numRuns: 5 }).map((tree, index) => [`tree ${index}`, tree] as const),
];

describeWithMounts("what the kernel shows of an image and its objects", ["erofs", "overlay"], () => {
  test.each(trees)("%s", async (_, tree) => {
    await withTemporaryDirectory(async (folder) => {
      const shown = visible(tree);
      const [path, objects, merged] = ["image", "objects", "merged"].map((name) => join(folder, name)) as [
        string,
        string,
        string,
      ];
      for (const made of [objects, merged]) mkdirSync(made);
      writeFileSync(path, await imageOf(shown));
      await storeObjects(shown, objects);
      await withLoopMount(path, "erofs", async (lower) => {
        const flags = `ro,metacopy=on,redirect_dir=on,lowerdir=${lower}::${objects}`;
        expect((await run(["mount", "-t", "overlay", "-o", flags, "overlay", merged])).stderr).toBe("");
        try {
          expect(await compareTreeWithDirectory(shown, merged, { ignore: ["links"] })).toEqual([]);
        } finally {
          await run(["umount", merged]);
        }
      });
    });
  });
});
