import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fromBytes, slice } from "@sextant/bytes";
import { describeWithPeers, type Peer, peer, run as runMachine, withLoopMount } from "@sextant/peers";
import {
  type CompareField,
  compareTrees,
  compareTreeWithDirectory,
  temporaryDirectory,
  treeToDirectory,
  withTemporaryDirectory,
} from "@sextant/testkit";
import type { Name } from "@sextant/tree";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readMapHeader } from "../src/compressed/header.js";
import { check, namedAlgorithms, open } from "../src/index.js";
import { isCompressed, readInode } from "../src/inode.js";
import { openVolume } from "../src/open-volume.js";
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
    // What rows are about is the same for all algorithms, and lzma takes its time.
    const some = rows.filter((_, index) => !algorithm.startsWith("lzma") || index % 4 === 0);
    const cases = some.map(([args, ...ignore]) => ({ args, ignore }));
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

describeWithPeers("compressed images of mkfs.erofs, made in other ways", ["mkfs.erofs"], ({ "mkfs.erofs": mkfs }) => {
  const folder = temporaryDirectory();
  const root = join(folder.path, "tree");
  const tree = compressible();
  beforeAll(async () => {
    mkdirSync(root);
    await treeToDirectory(tree, root);
  });
  afterAll(() => folder.remove());

  test("made of a tar", async () => {
    const [path, tarball] = [join(folder.path, "image"), join(folder.path, "tar")];
    await runMachine([
      "tar",
      "--create",
      "--format=pax",
      "--xattrs",
      "--xattrs-include=*",
      `--file=${tarball}`,
      `--directory=${root}`,
      ".",
    ]);
    await run(mkfs, ["-zzstd", "-C65536", "-Eall-fragments,dedupe", "--tar=f", path, tarball]);
    const source = fromBytes(readFileSync(path));
    expect(await compareTrees(tree, await (await open(source)).root(), { ignore: ["nanoseconds"] })).toEqual([]);
    expect((await check(source)).findings).toEqual([]);
  });

  test("--offset: behind something else", async () => {
    const path = join(folder.path, "behind");
    writeFileSync(path, new Uint8Array(65536));
    await run(mkfs, ["-zlz4", "-Efragments", "--offset=65536", path, root]);
    const source = slice(fromBytes(readFileSync(path)), 65536);
    expect(await compareTrees(tree, await (await open(source)).root())).toEqual([]);
    expect((await check(source)).findings).toEqual([]);
  });

  test("the indexes of 8-byte records", async () => {
    const path = join(folder.path, "image");
    await run(mkfs, ["-zzstd", "-E48bit,fragments", "-C65536", path, root]);
    const volume = await openVolume(fromBytes(readFileSync(path)));
    const sizes = new Set<number>();
    const usr = await (await (await open(volume.source)).root()).lookup("usr" as Name);
    for (const { name } of (await usr?.entries()) ?? []) {
      const inode = await readInode(volume, Number((await usr?.lookup(name))?.id));
      const header = isCompressed(inode.layout) && inode.size > 0 ? await readMapHeader(volume, inode) : undefined;
      if (header?.kind === "extents") sizes.add(header.recordBytes);
    }
    expect([...sizes].sort((a, b) => a - b)).toEqual([4, 8, 16]);
  });

  const older = peer("mkfs.erofs", { suite: "trixie" });
  test
    .runIf(older !== undefined)
    .each(["-zlz4", "-zzstd -C65536 -Eall-fragments,dedupe", "-zlz4hc -Eztailpacking,legacy-compress"])(
    "by mkfs.erofs 1.8, %s",
    async (args) => {
      if (older === undefined) return;
      const path = join(folder.path, "image");
      await run(older, [...args.split(" "), path, root]);
      const source = fromBytes(readFileSync(path));
      expect(await compareTrees(tree, await (await open(source)).root())).toEqual([]);
      expect((await check(source)).findings).toEqual([]);
    },
  );

  // mkfs.erofs 1.9.4 crashes when it reads hints.
  test.runIf(older !== undefined)("by mkfs.erofs 1.8, an algorithm and a cluster size for each file", async () => {
    if (older === undefined) return;
    const [path, hints] = [join(folder.path, "image"), join(folder.path, "hints")];
    writeFileSync(hints, "65536 1 text\n16384 2 zeros\n4096 3 many\n32768 0 .*\n");
    await run(older, ["-zlz4:zstd:deflate:lzma", `--compress-hints=${hints}`, path, root]);
    const source = fromBytes(readFileSync(path));
    const image = await open(source);
    expect(namedAlgorithms(image)).toEqual(["lz4", "lzma", "deflate", "zstd"]);
    expect(await compareTrees(tree, await image.root())).toEqual([]);
    expect((await check(source)).findings).toEqual([]);
    const used = new Set<string>();
    const usr = await (await image.root()).lookup("usr" as Name);
    for (const name of ["text", "zeros", "pattern"] as Name[]) {
      const node = await usr?.lookup(name);
      for (const { algorithm } of await image.extents(Number(node?.id)))
        if (algorithm !== "stored") used.add(algorithm);
    }
    expect([...used].sort()).toEqual(["deflate", "lz4", "zstd"]);
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
