import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fromBytes } from "@sextant/bytes";
import { canMount, describeWithPeers, type Peer, withLoopMount } from "@sextant/peers";
import {
  arbitraryTree,
  type CompareField,
  compareTrees,
  compareTreeWithDirectory,
  temporaryDirectory,
  treeToDirectory,
  withTemporaryDirectory,
} from "@sextant/testkit";
import { type Directory, file, nameFromText, symlink } from "@sextant/tree";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { check, open } from "../src/index.js";
import { extension, pattern, zoo } from "./zoo.js";

/** Options of `mkfs.erofs`, and what of the tree they do not keep. */
const rows: readonly (readonly [args: string, ...ignore: CompareField[]])[] = [
  [""],
  ["-Eforce-inode-extended"],
  ["-T1700000000", "mtime"],
  ["-T0 -U00112233-4455-6677-8899-aabbccddeeff -Llabel --all-root", "mtime", "owner"],
  ["-b512"],
  ["-b1024"],
  ["-b4096"],
  ["-x-1", "xattrs"],
  ["-x0"],
  ["-x1 --xattr-prefix=trusted.overlay."],
  ["-x0 --xattr-prefix=user. --xattr-prefix=security.sextant -b1024"],
  ["-Eplain-xattr-prefixes --xattr-prefix=user."],
  ["-E^xattr-name-filter"],
  ["-E^inline_data"],
  ["--chunksize=4096"],
  ["--chunksize=65536"],
  ["--chunksize=4096 -b512"],
  ["--chunksize=8192 -Eforce-chunk-indexes"],
  // These keep whole seconds after the epoch, 32 bits of them.
  ["-E48bit", "mtime"],
  ["-E48bit --chunksize=4096 -Eforce-chunk-indexes", "mtime"],
  ["-Edot-omitted", "mtime"],
  ["--dsunit=16"],
];

const trees: readonly (readonly [string, Directory])[] = [
  ["the zoo", zoo(true)],
  ...fc.sample(arbitraryTree(), { seed: 7, numRuns: 3 }).map((tree, index) => [`tree ${index}`, tree] as const),
];

/** `mkfs.erofs` gives it to directories with whiteouts, so that overlayfs looks closer at them. */
const ignoreXattr = (name: string) => name === "trusted.overlay.origin";

/** An image of the folder: read by us it is the tree, checked by us it is sound, and the kernel shows what we read. */
async function proveImage(mkfs: Peer, args: string, folder: string, tree: Directory, ignore: readonly CompareField[]) {
  const path = `${folder}.image`;
  const { exitCode, stderr } = await mkfs.run([...args.split(" ").filter(Boolean), path, folder]);
  if (exitCode !== 0) throw new Error(`mkfs.erofs ${args}: ${stderr}`);
  const source = fromBytes(readFileSync(path));
  const root = await (await open(source)).root();
  expect(await compareTrees(tree, root, { ignore, ignoreXattr })).toEqual([]);
  expect((await check(source)).findings).toEqual([]);
  if (!canMount("erofs")) return;
  await withLoopMount(path, "erofs", async (mounted) => {
    expect(await compareTreeWithDirectory(root, mounted)).toEqual([]);
  });
}

describeWithPeers("images of mkfs.erofs", ["mkfs.erofs"], ({ "mkfs.erofs": mkfs }) => {
  describe.each(trees)("%s", (_, tree) => {
    const folder = temporaryDirectory();
    const root = join(folder.path, "tree");
    beforeAll(async () => {
      mkdirSync(root);
      await treeToDirectory(tree, root);
    });
    afterAll(() => folder.remove());

    test.each(rows)("%s", (args, ...ignore) => proveImage(mkfs, args, root, tree, ignore));
  });

  test("-Eforce-inode-compact", async () => {
    const tree = extension({ "a file": file(pattern(5000)), link: symlink(nameFromText("lib")) });
    await withTemporaryDirectory(async (folder) => {
      await treeToDirectory(tree, join(folder, "tree"));
      await proveImage(mkfs, "-Eforce-inode-compact -T1700000000", join(folder, "tree"), tree, ["mtime"]);
    });
  });
});
