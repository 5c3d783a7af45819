import { collectChunks, counted, equalBytes, fromBytes } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import { compareTrees, seededRandom } from "@sextant/testkit";
import { type Directory, directory, file, type LazyNode, type Name, type RegularFile, symlink } from "@sextant/tree";
import { describe, expect, test } from "vitest";
import {
  type CompressOptions,
  check,
  compress,
  dump,
  emit,
  formatSpans,
  open,
  type PlanOptions,
  plan,
} from "../src/index.js";
import { headBytes } from "../src/plan-layout.js";
import { type CompressedContent, type CompressedFile, type FlatFile, noCluster } from "../src/stored.js";
import { compressPlainly } from "./compress-plainly.js";
import { compressible, noise, prose } from "./compressible.js";
import { pack } from "./helpers.js";
import { extension, fill, pattern, xattr } from "./zoo.js";

const lz4 = { method: "lz4", level: 0, clusterBytes: 4096 } as const;
const zstd = { method: "zstd", level: 3, clusterBytes: 65536 } as const;

describe("features are those in use", () => {
  const text = prose(100_000);
  const tree = fill(directory(), {
    text: file(text),
    again: file(text.slice()),
    noise: file(noise(9000)),
    zeros: file(new Uint8Array(9000)),
  });
  const base = ["sb_csum", "mtime", "xattr_filter"];
  test.each<readonly [string, CompressOptions, PlanOptions, readonly string[]]>([
    ["lz4 in single blocks is what Linux 5.4 knows", { compression: lz4 }, {}, ["0padding"]],
    ["larger clusters", { compression: { ...lz4, clusterBytes: 8192 } }, {}, ["0padding", "big_pcluster"]],
    ["another algorithm", { compression: { ...zstd, clusterBytes: 4096 } }, {}, ["0padding", "big_pcluster"]],
    ["tail packing", { compression: lz4, tailPacking: true }, {}, ["0padding", "ztailpacking"]],
    ["fragments", { compression: lz4, fragments: "tails" }, {}, ["0padding", "fragments"]],
    ["only fragments", { compression: zstd, fragments: "all" }, {}, ["0padding", "big_pcluster", "fragments"]],
    ["dedupe", { compression: zstd, dedupe: true }, {}, ["0padding", "big_pcluster", "dedupe"]],
    ["records", { compression: zstd }, { indexes: "extents" }, ["0padding", "big_pcluster", "48bit"]],
    ["nothing compressed", { compression: zstd, choose: () => "store" }, {}, []],
    ["wide block numbers", { compression: zstd, choose: () => "store" }, { wide: true }, ["48bit"]],
  ])("%s", async (_, options, planOptions, features) => {
    const image = await open(
      fromBytes(await pack(tree, { ...planOptions, compressed: await compress(tree, options) })),
    );
    expect(image.features.filter((name) => !base.includes(name))).toEqual(features);
  });

  test("two algorithms in a file", async () => {
    const options = {
      algorithms: ["lz4", "zstd"],
      blocks: 2,
      ends: ["blocks"],
      shared: 0,
      apart: 0,
      files: 9,
    } as const;
    const { tree: mixed, content } = compressPlainly(seededRandom(3), options);
    const image = await open(fromBytes(await pack(mixed, { compressed: content })));
    expect(image.features).toContain("compr_head2");
  });
});

test("the dump of a small compressed image", async () => {
  const tree = fill(extension(), {
    text: file(prose(30_000), { xattrs: [xattr("user.a", "b")] }),
    "noise and text": file(Uint8Array.from([...noise(70_000), ...prose(20_000, 4)])),
    small: file(prose(5000, 5)),
    tiny: file(prose(50, 6)),
    link: symlink("text" as Name),
  });
  const compressed = await compress(tree, { compression: { ...lz4, clusterBytes: 16384 }, fragments: "tails" });
  const lines: string[] = [];
  const image = await pack(tree, { compressed, label: "sample" });
  for await (const line of formatSpans(dump(fromBytes(image)))) lines.push(line);
  await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot("golden/written.txt");
});

test("a matcher finds what it asks for in the first block", async () => {
  const tree = compressible();
  for (const options of [
    { compression: zstd, fragments: "all" },
    { compression: zstd, dedupe: true, tailPacking: true },
  ] as const) {
    const source = counted(fromBytes(await pack(tree, { compressed: await compress(tree, options) })));
    let found: LazyNode | undefined = await (await open(source)).root();
    for (const name of ["usr", "lib", "extension-release.d", "extension-release.tool"]) {
      found = await found?.lookup(name as Name);
    }
    const content = found?.content().open();
    expect(await content?.read(0, content.size)).toEqual(new TextEncoder().encode("ID=debian\nVERSION_ID=13\n"));
    expect(source.count).toEqual({ bytes: 4096, requests: 1 });
  }
});

describe("inodes whose indexes take more than a block", () => {
  const large = (size: number, seed: number) => {
    const bytes = prose(size, seed);
    bytes.fill(0, 20_000, size - 20_000);
    return file(bytes);
  };
  const tree = fill(directory(), {
    ...Object.fromEntries(Array.from({ length: 6 }, (_, i) => [`large ${i}`, large(10_000_000 + i * 1_000_333, i)])),
    ...Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`small ${i}`, file(prose(20 + 7 * i, 50 + i))])),
  });

  test.each(["compact", "full", "extents"] as const)("share blocks with others: %s", async (indexes) => {
    const compressed = await compress(tree, { compression: lz4, tailPacking: true });
    const { inodes, dataBlock } = plan(tree, { compressed, indexes });
    const ranges = inodes.map((inode) => {
      const start = inode.nid * 32;
      const head = start + headBytes(inode);
      return { start, head, end: head + inode.inlineBytes };
    });
    for (const { head, end } of ranges) {
      if (end > head) expect(Math.floor(head / 4096)).toBe(Math.floor((end - 1) / 4096));
    }
    ranges.sort((a, b) => a.start - b.start);
    for (const [index, { start }] of ranges.entries()) {
      expect(start).toBeGreaterThanOrEqual(ranges[index - 1]?.end ?? 1152);
    }
    const used = ranges.reduce((sum, { start, end }) => sum + Math.ceil((end - start) / 32) * 32, 0);
    expect(used / (dataBlock * 4096)).toBeGreaterThan(0.93);
    const image = await pack(tree, { compressed, indexes });
    expect(await compareTrees(tree, await (await open(fromBytes(image))).root())).toEqual([]);
    expect((await check(fromBytes(image))).findings).toEqual([]);
  });
});

describe("emitting", () => {
  const tree = compressible();
  const options = { compression: zstd, tailPacking: true, dedupe: true } as const;

  test("uses memory again without changing a byte", async () => {
    const compressed = await compress(tree, options);
    const planned = plan(tree, { compressed });
    const [fresh, reused] = await Promise.all(
      [false, true].map((reuseMemory) =>
        collectChunks(emit(planned, { hasher: nodeHasher, reuseMemory }), planned.sizeBytes),
      ),
    );
    expect(fresh && reused && equalBytes(fresh, reused)).toBe(true);
  });

  test("covers the image but for zeros, each byte once, and ends with block 0", async () => {
    const planned = plan(tree, { compressed: await compress(tree, options) });
    const seen: [number, number][] = [];
    for await (const { offset, bytes } of emit(planned)) seen.push([offset, offset + bytes.length]);
    expect(seen.at(-1)).toEqual([0, 4096]);
    seen.sort(([a], [b]) => a - b);
    for (const [index, [start]] of seen.entries()) expect(start).toBeGreaterThanOrEqual(seen[index - 1]?.[1] ?? 0);
    expect(seen.at(-1)?.[1]).toBe(planned.sizeBytes);
  });

  test("derives the UUID from data, indexes and inline ends", async () => {
    const uuidOf = async (bytes: Uint8Array, own: CompressOptions, planOptions: PlanOptions = {}) => {
      const one = fill(directory(), { f: file(bytes) });
      return (await open(fromBytes(await pack(one, { ...planOptions, compressed: await compress(one, own) })))).uuid;
    };
    const text = Uint8Array.from([...prose(9000), ...new Uint8Array(5000), ...prose(500)]);
    const uuids = [
      await uuidOf(text, { compression: lz4 }),
      await uuidOf(text, { compression: lz4 }, { indexes: "full" }),
      await uuidOf(text, { compression: lz4, tailPacking: true }),
      await uuidOf(text.toReversed(), { compression: lz4 }),
    ];
    expect(new Set(uuids).size).toBe(4);
    expect(await uuidOf(text, { compression: lz4 })).toBe(uuids[0]);
  });
});

describe("content that contradicts itself or the tree is refused", () => {
  const data = fromBytes(new Uint8Array(3 * 4096));
  const node = file(pattern(10_000));
  const stored: CompressedFile = {
    kind: "compressed",
    starts: Float64Array.of(0, 5000),
    clusters: Uint32Array.of(0, 1),
    inline: undefined,
    extentsEnd: 10_000,
    fragmentOffset: undefined,
  };
  const content = (
    own: Partial<CompressedFile> | FlatFile,
    more: Partial<CompressedContent> = {},
  ): CompressedContent => ({
    files: new Map<RegularFile, CompressedFile | FlatFile>([[node, own.kind === "flat" ? own : { ...stored, ...own }]]),
    packed: undefined,
    clusters: {
      count: 2,
      firstBlock: Float64Array.of(0, 1, 2),
      decodedBytes: Uint32Array.of(5000, 5000),
      algorithm: Uint8Array.of(1, 1),
    },
    data,
    inline: fromBytes(new Uint8Array(100)),
    clusterBytes: 8192,
    zstdWindowLog2: 10,
    ...more,
  });
  const tree: Directory = fill(directory(), { node });
  const inline = { algorithm: "lz4", offset: 0, size: 100 } as const;
  const packed = { size: 100, file: { kind: "flat", firstBlock: 0, inline: undefined } } as const;

  test("but not this", () => {
    expect(plan(tree, { compressed: content({}) }).dataBlock).toBe(1);
  });

  test.each<readonly [string, CompressedContent]>([
    ["data of half a block", content({}, { data: fromBytes(new Uint8Array(2048)) })],
    ["a first extent that is not at 0", content({ starts: Float64Array.of(1, 5000) })],
    ["extents without end", content({ extentsEnd: 9999 })],
    ["extents that end behind the file", content({ extentsEnd: 10_001 })],
    ["an extent longer than its cluster", content({ starts: Float64Array.of(0, 4999) })],
    ["an empty extent", content({ starts: Float64Array.of(0, 0) })],
    ["no cluster for an extent", content({ clusters: Uint32Array.of(0) })],
    ["a cluster that is not there", content({ clusters: Uint32Array.of(0, 2) })],
    ["an inline extent without inline data", content({ clusters: Uint32Array.of(0, noCluster) })],
    ["inline data without an extent", content({ inline })],
    ["an inline extent amid others", content({ inline, clusters: Uint32Array.of(noCluster, 1) })],
    [
      "inline data behind the end",
      content({ inline: { ...inline, offset: 1 }, clusters: Uint32Array.of(0, noCluster) }),
    ],
    ["a fragment beside all extents", content({ fragmentOffset: 0 })],
    ["a fragment without a packed inode", content({ extentsEnd: 9950, fragmentOffset: 0 })],
    ["a fragment behind the packed inode", content({ extentsEnd: 9950, fragmentOffset: 51 }, { packed })],
    ["flat blocks behind the data", content({ kind: "flat", firstBlock: 1, inline: undefined })],
  ])("%s", (_, compressed) => {
    expect(() => plan(tree, { compressed })).toThrow(TypeError);
  });
});
