import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readTar, writeTar } from "@sextant/archive";
import { openFile } from "@sextant/bytes/node";
import { describeWithPeers } from "@sextant/peers";
import {
  arbitraryTree,
  compareTrees,
  compareTreeWithDirectory,
  treeToDirectory,
  withTemporaryDirectory,
} from "@sextant/testkit";
import { type Directory, findExtents, mapTree, walkTree } from "@sextant/tree";
import { readDirectoryTree } from "@sextant/tree/node";
import fc from "fast-check";
import { expect, test } from "vitest";
import { collect } from "./helpers.js";

/** What both GNU tar and a disk can hold: no sockets, and no times before 1901. */
const onDisk = { sockets: false, minSeconds: -(2 ** 31) + 1 } as const;

const isRoot = process.getuid?.() === 0;

/** Marks blocks of zeros as holes, as a sparse file has them. */
async function withHoles(tree: Directory): Promise<Directory> {
  const extents = new Map<unknown, Awaited<ReturnType<typeof findExtents>>>();
  const collectExtents = async (node: Directory): Promise<void> => {
    for (const child of node.entries.values()) {
      if (child.kind === "file") extents.set(child, await findExtents(child.content));
      if (child.kind === "directory") await collectExtents(child);
    }
  };
  await collectExtents(tree);
  return mapTree(tree, (node) =>
    node.kind === "file" ? { ...node, content: { ...node.content, extents: extents.get(node) } } : node,
  );
}

describeWithPeers("what we write, GNU tar extracts", ["tar", "getfattr"], ({ tar }) => {
  test.runIf(isRoot).each([{ sparse: false }, { sparse: true }])("%j", async ({ sparse }) => {
    await fc.assert(
      fc.asyncProperty(arbitraryTree(onDisk), async (tree) => {
        await withTemporaryDirectory(async (folder) => {
          const input = await collect(writeTar(sparse ? await withHoles(tree) : tree, { sparse }));
          const out = join(folder, "out");
          mkdirSync(out);
          const args = [
            "-C",
            out,
            "--xattrs",
            "--xattrs-include=*",
            "--same-owner",
            "--delay-directory-restore",
            "-xpf",
            "-",
          ];
          const result = await tar.run(args, { input });
          expect(result.exitCode, result.stderr).toBe(0);
          expect(await compareTreeWithDirectory(tree, out)).toEqual([]);
        });
      }),
      { seed: 1, numRuns: sparse ? 6 : 20 },
    );
  });
});

/** Formats that GNU tar writes, and what gets lost in each. */
const gnuFormats: readonly (readonly [options: readonly string[], lost: readonly ("nanoseconds" | "xattrs")[]])[] = [
  [["--format=v7"], ["nanoseconds", "xattrs"]],
  [["--format=ustar"], ["nanoseconds", "xattrs"]],
  [["--format=oldgnu"], ["nanoseconds", "xattrs"]],
  [["--format=gnu"], ["nanoseconds", "xattrs"]],
  [["--format=pax", "--xattrs", "--xattrs-include=*"], []],
];

describeWithPeers("what GNU tar writes, we read", ["tar", "setfattr", "getfattr"], ({ tar }) => {
  test.runIf(isRoot).each(gnuFormats)("%j", async (options, lost) => {
    const isSmall = options.includes("--format=v7") || options.includes("--format=ustar");
    const times = isSmall ? { minSeconds: 0, maxSeconds: 2 ** 32 } : {};
    // GNU tar writes hard links of files and symlinks only: devices come out as several.
    const arbitrary = fc.oneof(
      arbitraryTree({ ...onDisk, ...times, devices: false }),
      arbitraryTree({ ...onDisk, ...times, hardLinks: false }),
    );
    await fc.assert(
      fc.asyncProperty(arbitrary, async (made) => {
        await withTemporaryDirectory(async (folder) => {
          const [tree, archive] = [join(folder, "tree"), join(folder, "a.tar")];
          mkdirSync(tree);
          await treeToDirectory(made, tree);
          const result = await tar.run(["-C", tree, ...options, "--numeric-owner", "-cf", archive, "."]);
          // Old formats refuse what does not fit; that is no matter of ours.
          if (isSmall && result.exitCode !== 0) return;
          expect(result.exitCode, result.stderr).toBe(0);
          await using source = openFile(archive);
          const { root } = await readDirectoryTree(tree);
          expect(await compareTrees(root, await readTar(source), { ignore: lost })).toEqual([]);
        });
      }),
      { seed: 2, numRuns: 8 },
    );
  });

  test.each([
    ["--format=gnu"],
    ["--format=oldgnu"],
    ["--format=pax", "--sparse-version=0.0"],
    ["--format=pax", "--sparse-version=0.1"],
    ["--format=pax", "--sparse-version=1.0"],
  ])("sparse files: %s %s", async (...options) => {
    await withTemporaryDirectory(async (folder) => {
      // No hole, one, a hole at the end, at the start, nothing but a hole, and more parts than a header or a block has.
      const places = {
        full: [0],
        middle: [0, 100],
        end: [0, -50],
        start: [30],
        hole: [-20],
        many: Array.from({ length: 60 }, (_, i) => 3 * i),
      };
      const tree = join(folder, "tree");
      mkdirSync(tree);
      for (const [file, blocks] of Object.entries(places)) {
        const path = join(tree, file);
        writeFileSync(path, "");
        for (const block of blocks) {
          if (block < 0) execFileSync("truncate", ["-s", String(-4096 * block + 123), path]);
          else
            execFileSync("dd", [`of=${path}`, "bs=4096", `seek=${block}`, "conv=notrunc", "status=none"], {
              input: `${file} ${block}`.repeat(400).slice(0, 4096),
            });
        }
      }
      const archive = join(folder, "a.tar");
      const result = await tar.run(["-C", tree, "--sparse", ...options, "-cf", archive, "."]);
      expect(result.exitCode, result.stderr).toBe(0);
      await using source = openFile(archive);
      const { root } = await readDirectoryTree(tree);
      expect(await compareTrees(root, await readTar(source), { ignore: ["nanoseconds"] })).toEqual([]);
    });
  });
});

/**
 * libarchive counts the fraction of a time before 1970 the wrong way, clamps times in GNU headers, and writes hard links
 * of files and symlinks only. Extracting, it takes a backslash for a slash or nothing.
 */
const portable = { ...onDisk, minSeconds: 0, maxSeconds: 2 ** 33 - 1, devices: false } as const;
const hasBackslash = (tree: Directory) => [...walkTree(tree)].some(({ path }) => path.includes("\\"));

describeWithPeers("bsdtar", ["bsdtar", "setfattr", "getfattr"], ({ bsdtar }) => {
  test.runIf(isRoot)("extracts what we write", async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryTree({ ...portable, xattrs: false }), async (tree) => {
        fc.pre(!hasBackslash(tree));
        await withTemporaryDirectory(async (folder) => {
          const out = join(folder, "out");
          mkdirSync(out);
          const input = await collect(writeTar(tree));
          const result = await bsdtar.run(["-C", out, "--numeric-owner", "-xpf", "-"], { input });
          expect(result.exitCode, result.stderr).toBe(0);
          // It leaves the root's time to the clock.
          expect(await compareTreeWithDirectory(tree, out, { ignore: ["root"] })).toEqual([]);
        });
      }),
      { seed: 3, numRuns: 6 },
    );
  });

  test.runIf(isRoot).each(["pax", "restricted", "gnutar"])("we read what it writes as %s", async (format) => {
    await fc.assert(
      fc.asyncProperty(arbitraryTree(portable), async (made) => {
        await withTemporaryDirectory(async (folder) => {
          const [tree, archive] = [join(folder, "tree"), join(folder, "a.tar")];
          mkdirSync(tree);
          await treeToDirectory(made, tree);
          const args = [
            "-C",
            tree,
            "--format",
            format,
            "--xattrs",
            "--acls",
            "--no-fflags",
            "--numeric-owner",
            "-cf",
            archive,
            ".",
          ];
          const result = await bsdtar.run(args);
          if (result.exitCode !== 0) return;
          await using source = openFile(archive);
          const { root } = await readDirectoryTree(tree);
          const ignore = format === "pax" ? [] : (["nanoseconds", "xattrs", "mode"] as const);
          expect(await compareTrees(root, await readTar(source), { ignore })).toEqual([]);
        });
      }),
      { seed: 4, numRuns: 6 },
    );
  });
});
