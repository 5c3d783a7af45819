import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fromBytes } from "@sextant/bytes";
import { canMount, describeWithPeers, type Peer, peer, run as runMachine, withLoopMount } from "@sextant/peers";
import {
  arbitraryTree,
  type CompareField,
  compareTrees,
  compareTreeWithDirectory,
  temporaryDirectory,
  treeToDirectory,
  withTemporaryDirectory,
} from "@sextant/testkit";
import { type Directory, file, type Name, nameFromText, symlink } from "@sextant/tree";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { check, open } from "../src/index.js";
import { extension, pattern, xattr, zoo } from "./zoo.js";

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
  ["the zoo", zoo({ disk: true })],
  ...fc.sample(arbitraryTree(), { seed: 7, numRuns: 1 }).map((tree) => ["a generated tree", tree] as const),
];

/** `mkfs.erofs` gives it to directories with whiteouts, so that overlayfs looks closer at them. */
const ignoreXattr = (name: string) => name === "trusted.overlay.origin";

/** An image of the folder: read by us it is the tree, checked by us it is sound, and the kernel shows what we read. */
async function proveImage(mkfs: Peer, args: string, folder: string, tree: Directory, ignore: readonly CompareField[]) {
  const path = `${folder}.image`;
  await run(mkfs, [...args.split(" ").filter(Boolean), path, folder]);
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

    const cases = rows.map(([args, ...ignore]) => ({ args, ignore }));
    test.each(cases)("$args", ({ args, ignore }) => proveImage(mkfs, args, root, tree, ignore));
  });

  test("-Eforce-inode-compact", async () => {
    await withTemporaryDirectory(async (folder) => {
      await treeToDirectory(plainTree(), join(folder, "tree"));
      await proveImage(mkfs, "-Eforce-inode-compact -T1700000000", join(folder, "tree"), plainTree(), ["mtime"]);
    });
  });

  test("--blobdev: data on another device", async () => {
    await withTemporaryDirectory(async (folder) => {
      await treeToDirectory(plainTree(), join(folder, "tree"));
      const [path, blob] = [join(folder, "image"), join(folder, "blob")];
      await run(mkfs, ["--chunksize=4096", `--blobdev=${blob}`, path, join(folder, "tree")]);
      const [source, device] = [fromBytes(readFileSync(path)), fromBytes(readFileSync(blob))];
      const image = await open(source, { devices: [device] });
      expect(image.features).toContain("device_table");
      expect((await image.devices()).map(({ blocks }) => blocks)).toEqual([device.size / 4096]);
      expect(await compareTrees(plainTree(), await image.root())).toEqual([]);
      expect((await check(source, { devices: [device] })).findings).toEqual([]);

      const usr = await (await (await open(source)).root()).lookup("usr" as Name);
      const file = await usr?.lookup("a file" as Name);
      await expect(file?.content().open().read(0, 1)).rejects.toMatchObject({ code: "MISSING_DEVICE" });
      // One behind the other, as the table's addresses say, they are one image too.
      const start = (await image.devices())[0]?.startBlock ?? 0;
      const joined = new Uint8Array(4096 * start + device.size);
      joined.set(readFileSync(path));
      joined.set(readFileSync(blob), 4096 * start);
      expect(await compareTrees(plainTree(), await (await open(fromBytes(joined))).root())).toEqual([]);
    });
  });

  test("--tar=f: made of a tar", async () => {
    await withTemporaryDirectory(async (folder) => {
      await treeToDirectory(plainTree(), join(folder, "tree"));
      const [path, tarball] = [join(folder, "image"), join(folder, "tar")];
      await runMachine([
        "tar",
        "--create",
        "--xattrs",
        "--xattrs-include=*",
        "--format=pax",
        `--file=${tarball}`,
        `--directory=${join(folder, "tree")}`,
        ".",
      ]);
      await run(mkfs, ["--tar=f", path, tarball]);
      const source = fromBytes(readFileSync(path));
      expect(await compareTrees(plainTree(), await (await open(source)).root(), { ignore: ["nanoseconds"] })).toEqual(
        [],
      );
      expect((await check(source)).findings).toEqual([]);
    });
  });

  const older = peer("mkfs.erofs", { suite: "trixie" });
  test.runIf(older !== undefined)("images of 1.8 too", async () => {
    if (older === undefined) return;
    await withTemporaryDirectory(async (folder) => {
      const tree = zoo({ disk: true, small: true });
      await treeToDirectory(tree, join(folder, "tree"));
      for (const args of [
        "",
        "-x1 --xattr-prefix=user.",
        "--chunksize=4096",
        "-Eforce-inode-extended -b1024",
        "-Ededupe",
      ]) {
        await proveImage(older, args, join(folder, "tree"), tree, []);
      }
    });
  });
});

/** Files, a link and a release file, all of which the short forms take. */
function plainTree() {
  const zeros = file(new Uint8Array(100_000));
  return extension({
    "a file": file(pattern(5000), { xattrs: [xattr("user.a", "b")] }),
    aligned: file(pattern(8192)),
    link: symlink(nameFromText("lib")),
    zeros,
    "zeros again": zeros,
  });
}

async function run(mkfs: Peer, args: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await mkfs.run(args);
  if (exitCode !== 0) throw new Error(`mkfs.erofs ${args.join(" ")}: ${stderr}`);
}
