// What `pack` does with the flags of compression; the bytes themselves are held against kernels and peers elsewhere.
import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { json, must, sextant } from "./command.js";
import { lay, type Workshop, workshop } from "./workshop.js";

let shop: Workshop;
beforeAll(async () => {
  shop = await workshop();
  const text = Array.from({ length: 60_000 }, (_, line) => `line ${line * 7919} of a text\n`).join("");
  lay(shop.at("tree"), {
    "usr/bin/large": text,
    "usr/bin/large-copy": text,
    "usr/share/small": text.slice(0, 9000),
    "usr/share/other": text.slice(5000, 25_000),
    "usr/lib/extension-release.d/extension-release.tree": "ID=_any\n",
  });
});
afterAll(() => shop.remove());

interface Packed {
  readonly size: number;
  readonly compression: { readonly method: string; readonly clusterBytes: number } | null;
  readonly gaveUp: readonly { readonly feature: string }[];
  readonly algorithms: readonly { readonly algorithm: string }[];
  readonly copiedBytes: number;
  readonly packedBytes: number;
}

const packed = (...flags: readonly string[]) =>
  json<Packed>(["pack", shop.at("tree"), "-o", "tree.raw", "--epoch", "0", ...flags], { cwd: shop.path });

const inspected = async () => {
  const { filesystems } = await json<{ filesystems: readonly { kernel: string }[] }>(["inspect", "tree.raw"], {
    cwd: shop.path,
  });
  return filesystems[0]?.kernel;
};

describe("an image packed with", () => {
  test.each<[string[], string, string[]]>([
    [["--compress", "none"], "5.4", []],
    [["--compress", "lz4", "--cluster", "4K"], "5.4", ["lz4"]],
    [["--compress", "lz4hc:9"], "5.13", ["lz4"]],
    [["--compress", "lz4hc", "--tail-packing"], "5.17", ["lz4"]],
    [["--compress", "lz4", "--fragments"], "6.1", ["lz4"]],
    [["--compress", "deflate:9", "--cluster", "32K"], "6.6", ["deflate"]],
    [[], "6.10", ["zstd"]],
    [["--compress", "zstd:12", "--cluster", "128K", "--all-fragments", "--dedupe"], "6.10", ["zstd"]],
    [["--indexes", "extents"], "6.15", ["zstd"]],
    [["--min-kernel", "5.4"], "5.4", ["lz4"]],
    [["--min-kernel", "5.17", "--fragments", "--dedupe", "--tail-packing"], "5.17", ["lz4"]],
    [["--min-kernel", "6.6", "--all-fragments"], "6.1", ["lz4"]],
    [["--compress-for", "usr/share/*=lz4hc:12@16K"], "6.10", ["lz4", "zstd"]],
    [["--compress", "none", "--dedupe"], "5.15", []],
  ])("%j needs Linux %s, and reads back", async (flags, kernel, algorithms) => {
    const { algorithms: used = [] } = await packed(...flags);
    expect(
      used
        .map(({ algorithm }) => algorithm)
        .filter((algorithm) => algorithm !== "stored")
        .sort(),
    ).toEqual(algorithms);
    expect(await inspected()).toBe(kernel);
    for (const path of ["usr/bin/large", "usr/bin/large-copy", "usr/share/small", "usr/share/other"]) {
      const { text } = await must(["cat", "tree.raw", path], { cwd: shop.path });
      expect(text, path).toBe(readFileSync(shop.at(`tree/${path}`), "utf8"));
    }
    await must(["check", "tree.raw", "--allow-unsigned"], { cwd: shop.path });
  });
});

test("what an old kernel does not mount is given up aloud", async () => {
  const { gaveUp } = await packed("--min-kernel", "5.10", "--fragments");
  expect(gaveUp.map(({ feature }) => feature)).toEqual(["zstd", "clusters larger than 4 KiB", "fragments"]);
});

test("copies are stored once", async () => {
  const { copiedBytes, size } = await packed("--dedupe");
  expect(copiedBytes).toBeGreaterThan(1_000_000);
  expect(size).toBeLessThan((await packed()).size);
});

test("any number of jobs gives the same bytes", async () => {
  const bytes = async (jobs: string) => {
    await packed("--dedupe", "--fragments", "--jobs", jobs);
    return readFileSync(shop.at("tree.raw"));
  };
  expect(Buffer.compare(await bytes("1"), await bytes("3"))).toBe(0);
});

test("a profile puts what it names first", async () => {
  writeFileSync(shop.at("profile"), "# as a boot reads\nusr/share/small\n/usr/bin/large:1000000-1060000\n");
  await packed("--order", "profile=profile", "--hot-compress", "lz4", "--dedupe");
  const { text } = await must(["cat", "tree.raw", "usr/bin/large"], { cwd: shop.path });
  expect(text).toBe(readFileSync(shop.at("tree/usr/bin/large"), "utf8"));
});

test("composefs metadata is written, and says what is not in it", async () => {
  const { stderr } = await must(["pack", shop.at("tree"), "-o", "meta.cfs", "--layout", "composefs"], {
    cwd: shop.path,
  });
  expect(stderr).toContain("fs-verity");
  const { text } = await must(["cat", "meta.cfs", "usr/lib/extension-release.d/extension-release.tree"], {
    cwd: shop.path,
  });
  expect(text).toBe("ID=_any\n");
});

test.each<[string, string[]]>([
  ["a method that there is not", ["--compress", "brotli"]],
  ["a level that there is not", ["--compress", "zstd:23"]],
  ["a level where there are none", ["--compress", "lz4:3"]],
  ["a cluster that is no whole blocks", ["--cluster", "5000"]],
  ["a cluster that is too large", ["--cluster", "2M"]],
  ["fragments of nothing", ["--compress", "none", "--fragments"]],
  ["a kernel that is none", ["--min-kernel", "six"]],
  ["a kernel that is too old", ["--min-kernel", "4.19"]],
  ["an order that there is not", ["--order", "random"]],
  ["a profile with a range that is none", ["--order", "profile=bad"]],
  ["a rule without a method", ["--compress-for", "usr/share"]],
])("%s is a mistake of usage", async (_, flags) => {
  writeFileSync(shop.at("bad"), "usr/bin/large:20-10\n");
  const { exitCode, stderr } = await sextant(["pack", shop.at("tree"), "-o", "no.raw", ...flags], { cwd: shop.path });
  expect([exitCode, stderr.split("\n")[0]]).toEqual([2, expect.stringMatching(/^sextant: /)]);
});
