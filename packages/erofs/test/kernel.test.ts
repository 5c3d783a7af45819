import { fromBytes } from "@sextant/bytes";
import { expect, test } from "vitest";
import { featureCompat, featureIncompat } from "../src/features.js";
import { namedAlgorithms, neededKernel, open } from "../src/index.js";
import type { SuperblockRecord } from "../src/layout.js";
import { pack } from "./helpers.js";
import { extension } from "./zoo.js";

const { compressionConfigs, deviceTable, fragments, layout48, lz4ZeroPadding, metabox, ztailpacking } = featureIncompat;
const algorithms = (bits: number) => ({ featureIncompat: lz4ZeroPadding | compressionConfigs, compression: bits });

test.each<readonly [string, Partial<SuperblockRecord>, kernel: string, features: readonly string[]]>([
  ["nothing special", {}, "5.4", []],
  ["LZ4 as ever", { featureIncompat: lz4ZeroPadding, compression: 65535 }, "5.4", []],
  ["big clusters", algorithms(1), "5.13", ["clusters larger than a block, or algorithms by name"]],
  ["chunks", { featureIncompat: featureIncompat.chunkedFile }, "5.15", ["chunk-based files"]],
  ["devices", { featureIncompat: deviceTable, extraDevices: 1 }, "5.16", ["extra devices"]],
  ["HEAD2", { featureIncompat: deviceTable }, "5.16", ["two algorithms in a file"]],
  ["lzma", algorithms(2), "5.16", ["lzma", "clusters larger than a block, or algorithms by name"]],
  ["tail packing", { featureIncompat: lz4ZeroPadding | ztailpacking }, "5.17", ["tail packing"]],
  ["fragments", { featureIncompat: fragments }, "6.1", ["fragments or dedupe"]],
  ["small blocks", { blockBytesLog2: 9 }, "6.4", ["blocks smaller than 4 KiB"]],
  [
    "small blocks and LZ4",
    { blockBytesLog2: 10, featureIncompat: lz4ZeroPadding },
    "6.8",
    ["compression in blocks smaller than 4 KiB"],
  ],
  ["large blocks", { blockBytesLog2: 16 }, "6.4", ["blocks larger than 4 KiB, and pages as large"]],
  ["prefixes", { featureIncompat: featureIncompat.xattrPrefixes }, "6.4", ["long xattr prefixes"]],
  [
    "prefixes in their old place",
    { featureCompat: featureCompat.plainXattrPrefixes, packedNid: 9n, xattrPrefixCount: 1 },
    "6.17",
    ["long xattr prefixes outside of the packed inode"],
  ],
  ["deflate", algorithms(4), "6.6", ["deflate", "clusters larger than a block, or algorithms by name"]],
  ["zstd", algorithms(8), "6.10", ["zstd", "clusters larger than a block, or algorithms by name"]],
  ["48 bits", { featureIncompat: layout48 }, "6.15", ["48-bit layout"]],
  ["a metabox", { featureIncompat: metabox | layout48 }, "6.17", ["metadata in a metabox", "48-bit layout"]],
  ["features to ignore", { featureCompat: featureCompat.xattrFilter | featureCompat.imageShareXattrs }, "5.4", []],
])("%s", async (_, change, kernel, features) => {
  const { superblock } = await open(fromBytes(await pack(extension())));
  const plain = { ...superblock, featureCompat: 0, featureIncompat: 0, compression: 0 };
  const needed = neededKernel({ superblock: { ...plain, ...change } });
  expect(needed.kernel).toBe(kernel);
  expect(needed.because.map(({ feature }) => feature)).toEqual(features);
});

test("algorithms have names", async () => {
  const { superblock } = await open(fromBytes(await pack(extension())));
  const named = (change: Partial<SuperblockRecord>) =>
    namedAlgorithms({ superblock: { ...superblock, featureIncompat: 0, ...change } });
  expect(named({})).toEqual([]);
  expect(named({ featureIncompat: lz4ZeroPadding })).toEqual(["lz4"]);
  expect(named(algorithms(15))).toEqual(["lz4", "lzma", "deflate", "zstd"]);
});
