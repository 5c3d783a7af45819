import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fromBytes } from "@sextant/bytes";
import { describeWithPeers, type Peer, withLoopMount } from "@sextant/peers";
import {
  type CompareField,
  compareTrees,
  compareTreeWithDirectory,
  temporaryDirectory,
  treeToDirectory,
  withTemporaryDirectory,
} from "@sextant/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { check, open } from "../src/index.js";
import { compressible } from "./compressible.js";
import { mountsHere } from "./running-kernel.js";

const algorithms = ["lz4", "lz4hc,level=9", "deflate,level=1", "zstd,level=1", "lzma,level=1"];

/** Options besides the algorithm; those of 48-bit layouts keep whole seconds after the epoch only. */
const rows: readonly (readonly [args: string, ...ignore: CompareField[]])[] = [
  [""],
  ["-C16384"],
  ["-C1048576"],
  ["-b512 -C4096"],
  ["-Elegacy-compress"],
  ["-Elegacy-compress -C65536"],
  ["-Eztailpacking"],
  ["-Eztailpacking,legacy-compress -C65536"],
  ["-Efragments -C65536"],
  ["-Eall-fragments"],
  ["-C262144 -Eall-fragments"],
  ["-Ededupe,legacy-compress -b1024 -C4096"],
  ["-E^inline_data -C65536"],
  ["-Eforce-inode-extended,dedupe -C65536"],
  ["-Ededupe"],
  ["-Ededupe,fragments -C65536"],
  ["-Efragments,fragdedupe=inode,legacy-compress -C32768"],
  ["-E48bit", "mtime"],
  ["-E48bit,fragments -C65536", "mtime"],
  ["-E48bit,all-fragments,dedupe -C65536", "mtime"],
  ["-E48bit -C65536 --max-extent-bytes=65536", "mtime"],
  ["-m4096 -C65536", "mtime"],
  ["-m65536 -C65536 -Eall-fragments --xattr-prefix=user.", "mtime"],
  ["-m8192:zstd -C65536 --xattr-prefix=user. -x0", "mtime"],
  ["--MZ=id -C65536"],
  ["--zD=1 -C65536"],
  ["-Eall-fragments,dedupe --xattr-prefix=user."],
];

describeWithPeers("compressed images of mkfs.erofs", ["mkfs.erofs"], ({ "mkfs.erofs": mkfs }) => {
  const folder = temporaryDirectory();
  const root = join(folder.path, "tree");
  const tree = compressible();
  beforeAll(async () => {
    mkdirSync(root);
    await treeToDirectory(tree, root);
  });
  afterAll(() => folder.remove());

  describe.each(algorithms)("-z%s", (algorithm) => {
    const cases = rows.map(([args, ...ignore]) => ({ args, ignore }));
    test.each(cases)("$args", async ({ args, ignore }) => {
      const path = join(folder.path, "image");
      await run(mkfs, [`-z${algorithm}`, ...args.split(" ").filter(Boolean), path, root]);
      const source = fromBytes(readFileSync(path));
      const image = await open(source);
      expect(await compareTrees(tree, await image.root(), { ignore })).toEqual([]);
      expect((await check(source)).findings).toEqual([]);
    });
  });
});

/** Options with which mkfs.erofs 1.9.4 drops a tail that it wanted behind an inode, and writes it as nobody reads it. */
const broken = ["-zlz4 -Eztailpacking,legacy-compress -b1024 -C4096", "-zlz4 -Eall-fragments,ztailpacking -C65536"];

describeWithPeers("what mkfs.erofs writes wrong", ["mkfs.erofs"], ({ "mkfs.erofs": mkfs }) => {
  test.each(broken)("%s: is read as the kernel reads it", async (args) => {
    await withTemporaryDirectory(async (folder) => {
      const [root, path] = [join(folder, "tree"), join(folder, "image")];
      mkdirSync(root);
      await treeToDirectory(compressible(), root);
      await run(mkfs, [...args.split(" "), path, root]);
      const image = await open(fromBytes(readFileSync(path)));
      const tree = await image.root();
      const wrong = await compareTrees(compressible(), tree);
      expect(wrong.every((difference) => /content differs/.test(difference))).toBe(true);
      if (!mountsHere(image)) return;
      await withLoopMount(path, "erofs", async (mounted) => {
        expect(await compareTreeWithDirectory(tree, mounted)).toEqual([]);
      });
    });
  });
});

async function run(mkfs: Peer, args: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await mkfs.run(args);
  if (exitCode !== 0) throw new Error(`mkfs.erofs ${args.join(" ")}: ${stderr}`);
}
