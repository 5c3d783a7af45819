import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fromBytes } from "@sextant/bytes";
import { describeWithMounts, describeWithPeers, withLoopMount } from "@sextant/peers";
import { compareTrees, compareTreeWithDirectory, withTemporaryDirectory } from "@sextant/testkit";
import type { Name } from "@sextant/tree";
import { describe, expect, test } from "vitest";
import { type Compressed, type CompressOptions, check, compress, open, type PlanOptions } from "../src/index.js";
import { compressible } from "./compressible.js";
import { pack } from "./helpers.js";

const tree = compressible();

const lz4 = { method: "lz4", level: 0, clusterBytes: 4096 } as const;
const deflate = { method: "deflate", level: 6, clusterBytes: 32768 } as const;
const zstd = { method: "zstd", level: 3, clusterBytes: 65536 } as const;

/** Of every option of `compress` that changes what has to be written. */
const rows: readonly (readonly [string, CompressOptions])[] = [
  ["lz4, 4 KiB", { compression: lz4 }],
  ["lz4, 4 KiB, tail packing", { compression: lz4, tailPacking: true }],
  ["lz4, 4 KiB, fragments", { compression: lz4, fragments: "tails" }],
  ["lz4, 1 MiB", { compression: { ...lz4, clusterBytes: 1 << 20 } }],
  ["lz4, 8 KiB, dedupe", { compression: { ...lz4, clusterBytes: 8192 }, dedupe: true }],
  ["deflate", { compression: deflate }],
  ["deflate, tail packing", { compression: deflate, tailPacking: true }],
  ["deflate, all fragments", { compression: deflate, fragments: "all" }],
  ["zstd", { compression: zstd }],
  ["zstd, tail packing", { compression: zstd, tailPacking: true }],
  ["zstd, fragments", { compression: zstd, fragments: "tails" }],
  ["zstd, all fragments", { compression: zstd, fragments: "all" }],
  ["zstd, dedupe", { compression: zstd, dedupe: true }],
  ["zstd, dedupe, fragments", { compression: zstd, dedupe: true, fragments: "tails" }],
  ["zstd, dedupe, tail packing", { compression: zstd, dedupe: true, tailPacking: true }],
  ["zstd, 1 MiB", { compression: { ...zstd, clusterBytes: 1 << 20 } }],
  [
    "zstd, and lz4 for what a profile names",
    {
      compression: zstd,
      hotCompression: { ...lz4, clusterBytes: 16384 },
      profile: [{ path: "usr/text" as Name, start: 100_000, end: 200_000 }, { path: "usr/zeros" as Name }],
    },
  ],
];
const indexes = ["compact", "full", "extents"] as const;

const contents = new Map<CompressOptions, Promise<Compressed>>();

/** The image that a row comes to; content is compressed once for all forms of indexes. */
async function packRow(options: CompressOptions, planOptions: PlanOptions): Promise<Uint8Array> {
  const content = contents.get(options) ?? compress(tree, options);
  contents.set(options, content);
  return pack(tree, { ...planOptions, compressed: await content });
}

describe.each(rows)("%s", (_, options) => {
  test.each(indexes)("%s", async (form) => {
    const image = await packRow(options, { indexes: form });
    const opened = await open(fromBytes(image));
    expect(await compareTrees(tree, await opened.root())).toEqual([]);
    expect((await check(fromBytes(image))).findings).toEqual([]);
  });
});

/** Each row in one form; `write-extents.test.ts` has peers read every form. */
const mixed = rows.map(([name, options], index) => [name, indexes[index % 3] ?? "compact", options] as const);

describeWithMounts("what the kernel mounts", ["erofs"], () => {
  test.each(mixed)("%s, %s", async (_, form, options) => {
    await withTemporaryDirectory(async (folder) => {
      const path = join(folder, "image");
      writeFileSync(path, await packRow(options, { indexes: form }));
      await withLoopMount(path, "erofs", async (mounted) => {
        expect(await compareTreeWithDirectory(tree, mounted)).toEqual([]);
      });
    });
  });
});

describeWithPeers("what fsck.erofs extracts", ["fsck.erofs"], ({ "fsck.erofs": fsck }) => {
  test.each(mixed)("%s, %s", async (_, form, options) => {
    await withTemporaryDirectory(async (folder) => {
      const [path, target] = [join(folder, "image"), join(folder, "extracted")];
      writeFileSync(path, await packRow(options, { indexes: form }));
      const { exitCode, stderr } = await fsck.run(["--xattrs", `--extract=${target}`, path]);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
      expect(await compareTreeWithDirectory(tree, target)).toEqual([]);
    });
  });
});
