import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fromBytes } from "@sextant/bytes";
import { describeWithMounts, describeWithPeers, withLoopMount } from "@sextant/peers";
import { compareTrees, compareTreeWithDirectory, seededRandom, withTemporaryDirectory } from "@sextant/testkit";
import { describe, expect, test } from "vitest";
import { check, open } from "../src/index.js";
import { compressPlainly, type PlainOptions } from "./compress-plainly.js";
import { pack } from "./helpers.js";

const indexes = ["compact", "full", "extents"] as const;
const any = ["lz4", "deflate", "zstd"] as const;
const ends = ["blocks", "inline", "fragment", "whole"] as const;

const rows: readonly (readonly [string, Omit<PlainOptions, "files">])[] = [
  ["lz4 in single blocks", { algorithms: ["lz4"], blocks: 1, ends: ["blocks"], shared: 0, apart: 0 }],
  ["deflate, any end", { algorithms: ["deflate"], blocks: 4, ends, shared: 0, apart: 0 }],
  ["zstd, any end", { algorithms: ["zstd"], blocks: 16, ends, shared: 0, apart: 0 }],
  ["lz4 in single blocks, any end", { algorithms: ["lz4"], blocks: 1, ends, shared: 0, apart: 0 }],
  ["clusters apart", { algorithms: ["lz4"], blocks: 3, ends, shared: 0, apart: 5 }],
  ["single blocks apart", { algorithms: ["zstd"], blocks: 1, ends, shared: 0, apart: 3 }],
  ["two algorithms", { algorithms: ["lz4", "zstd"], blocks: 5, ends, shared: 0, apart: 0 }],
  ["two algorithms, single blocks", { algorithms: ["deflate", "lz4"], blocks: 1, ends, shared: 0, apart: 0 }],
  ["shared clusters", { algorithms: ["zstd"], blocks: 6, ends, shared: 5, apart: 0 }],
  ["shared single blocks", { algorithms: ["lz4"], blocks: 1, ends: ["blocks"], shared: 5, apart: 0 }],
  ["large clusters", { algorithms: ["lz4"], blocks: 256, ends: ["blocks", "fragment"], shared: 1, apart: 0 }],
  ["all at once", { algorithms: ["lz4", "deflate"], blocks: 8, ends, shared: 3, apart: 2 }],
];

const made = (options: Omit<PlainOptions, "files">, seed: number, files: number) =>
  compressPlainly(seededRandom(seed), { ...options, files: options.blocks > 100 ? 2 : files });

describe.each(rows)("any extents: %s", (_, options) => {
  test.each(indexes)("%s", async (form) => {
    for (let seed = 1; seed <= 3; seed++) {
      const { tree, content } = made(options, seed, 8);
      const image = await pack(tree, { compressed: content, indexes: form });
      expect(await compareTrees(tree, await (await open(fromBytes(image))).root())).toEqual([]);
      expect((await check(fromBytes(image))).findings).toEqual([]);
    }
  });
});

test("three algorithms in a file have no indexes, but records", async () => {
  const options = { algorithms: any, blocks: 1, ends: ["blocks", "fragment"], shared: 0, apart: 2 } as const;
  const { tree, content } = made(options, 1, 20);
  await expect(pack(tree, { compressed: content })).rejects.toThrow(RangeError);
  const image = await pack(tree, { compressed: content, indexes: "extents" });
  expect(await compareTrees(tree, await (await open(fromBytes(image))).root())).toEqual([]);
});

describeWithMounts("any extents that the kernel mounts", ["erofs"], () => {
  describe.each(rows)("%s", (_, options) => {
    test.each(indexes)("%s", async (form) => {
      const { tree, content } = made(options, 4, 12);
      await withTemporaryDirectory(async (folder) => {
        const path = join(folder, "image");
        writeFileSync(path, await pack(tree, { compressed: content, indexes: form }));
        await withLoopMount(path, "erofs", async (mounted) => {
          expect(await compareTreeWithDirectory(tree, mounted)).toEqual([]);
        });
      });
    });
  });
});

describeWithPeers("any extents that fsck.erofs extracts", ["fsck.erofs"], ({ "fsck.erofs": fsck }) => {
  describe.each(rows)("%s", (_, options) => {
    test.each(indexes)("%s", async (form) => {
      const { tree, content } = made(options, 5, 12);
      await withTemporaryDirectory(async (folder) => {
        const [path, target] = [join(folder, "image"), join(folder, "extracted")];
        writeFileSync(path, await pack(tree, { compressed: content, indexes: form }));
        const { exitCode, stderr } = await fsck.run(["--xattrs", `--extract=${target}`, path]);
        expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
        expect(await compareTreeWithDirectory(tree, target)).toEqual([]);
      });
    });
  });
});
