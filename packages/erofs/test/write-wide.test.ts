import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ByteSource, checkRange, fromBytes } from "@sextant/bytes";
import { describeWithMounts, describeWithPeers, withLoopMount } from "@sextant/peers";
import { compareTrees, compareTreeWithDirectory, withTemporaryDirectory } from "@sextant/testkit";
import { type Directory, directory, file, type Name, type RegularFile, symlink } from "@sextant/tree";
import { describe, expect, test } from "vitest";
import { emit, open, type PlanOptions, plan } from "../src/index.js";
import { type CompressedContent, type CompressedFile, type FlatFile, noCluster } from "../src/stored.js";
import { lz4Run } from "./craft.js";
import { pack } from "./helpers.js";
import { extension, fill, pattern, xattr, zoo } from "./zoo.js";

const blockBytes = 4096;
const tebi = 2 ** 40;

/** A source of zeros but for what stands at some offsets. */
function sparse(size: number, parts: Iterable<readonly [offset: number, bytes: Uint8Array]>): ByteSource {
  const known = [...parts];
  const source: ByteSource = {
    size,
    async read(start, end) {
      checkRange(source, start, end);
      const bytes = new Uint8Array(end - start);
      for (const [offset, part] of known) {
        const from = Math.max(start, offset);
        const to = Math.min(end, offset + part.length);
        if (from < to) bytes.set(part.subarray(from - offset, to - offset), from - start);
      }
      return bytes;
    },
  };
  return source;
}

/** An image of any size, of whose data only `parts` are not zeros. */
async function virtualImage(
  tree: Directory,
  content: CompressedContent,
  parts: readonly (readonly [number, Uint8Array])[],
  options: PlanOptions = {},
) {
  const planned = plan(tree, { ...options, compressed: content, uuid: new Uint8Array(16) });
  const chunks: [number, Uint8Array][] = parts.map(([offset, bytes]) => [
    planned.dataBlock * blockBytes + offset,
    bytes,
  ]);
  // What is copied from the content stays out, or it would be copied for hours.
  const short = { ...planned, compressed: { ...content, data: fromBytes(new Uint8Array(0)) } };
  for await (const { offset, bytes } of emit(short)) chunks.push([offset, bytes]);
  return { planned, image: await open(sparse(planned.sizeBytes, chunks)) };
}

describe("an image of 20 TiB", () => {
  const dataBlocks = (20 * tebi) / blockBytes;
  const far = 2 ** 32 + 5;
  const run = (letter: number, bytes: number) => new Uint8Array(bytes).fill(letter);
  const cluster = (letter: number, bytes: number) => {
    const block = new Uint8Array(blockBytes);
    const compressed = lz4Run(letter, bytes);
    block.set(compressed, blockBytes - compressed.length);
    return block;
  };
  const parts: [number, Uint8Array][] = [
    [0, cluster(97, 10_000)],
    [far * blockBytes, cluster(98, 20_000)],
    [(far + 1) * blockBytes, run(99, 8192)],
    [(dataBlocks - 2) * blockBytes, pattern(5000)],
  ];
  /** Near, the blocks between, far, stored and far, the rest. */
  const firstBlock = [0, 1, far, far + 1, far + 3, dataBlocks];

  function make() {
    const joined = (...all: Uint8Array[]) => Uint8Array.from(all.flatMap((bytes) => [...bytes]));
    const near = file(run(97, 10_000));
    const both = file(joined(run(98, 20_000), run(97, 10_000), run(99, 8192)));
    const tailed = file(joined(run(97, 10_000), run(100, 5000)));
    const flat = file(pattern(5000));
    const linked = file(pattern(5000), { mtimeNanoseconds: 0 });
    const tree = fill(extension(), {
      near,
      both,
      tailed,
      flat,
      linked,
      link: linked,
      "not compressed": file(pattern(4096)),
      "not compressed either": file(pattern(4096), { uid: 70_000 }),
      "long link": symlink("x/".repeat(2040) as Name, { xattrs: [xattr("user.a", "x".repeat(100))] }),
    });
    const extents = (starts: number[], clusters: number[], extentsEnd: number) => ({
      kind: "compressed" as const,
      starts: Float64Array.from(starts),
      clusters: Uint32Array.from(clusters),
      inline: undefined,
      extentsEnd,
      fragmentOffset: undefined,
    });
    const inline = lz4Run(100, 5000);
    const stored = { kind: "flat", firstBlock: dataBlocks - 2, inline: undefined } as const;
    const content: CompressedContent = {
      files: new Map<RegularFile, CompressedFile | FlatFile>([
        [near, extents([0], [0], 10_000)],
        [both, extents([0, 20_000, 30_000], [2, 0, 3], 38_192)],
        [
          tailed,
          {
            ...extents([0, 10_000], [0, noCluster], 15_000),
            inline: { algorithm: "lz4", offset: 0, size: inline.length },
          },
        ],
        [flat, stored],
        [linked, stored],
      ]),
      packed: undefined,
      clusters: {
        count: 5,
        firstBlock: Float64Array.from(firstBlock),
        decodedBytes: Uint32Array.of(10_000, 1, 20_000, 8192, 1),
        algorithm: Uint8Array.of(1, 0, 1, 0, 0),
      },
      data: sparse(dataBlocks * blockBytes, parts),
      inline: fromBytes(inline),
      clusterBytes: blockBytes,
      zstdWindowLog2: 10,
    };
    return { tree, content };
  }

  test("has wide block numbers in the superblock, in inodes of both forms, and in records", async () => {
    const { tree, content } = make();
    const { planned, image } = await virtualImage(tree, content, parts);
    expect(planned.wide).toBe(true);
    expect(image.sizeBytes).toBeGreaterThan(20 * tebi);
    expect(image.features).toContain("48bit");
    expect(await compareTrees(tree, await image.root())).toEqual([]);
    const inode = (name: string) => planned.inodes.find((one) => one.name === name);
    expect(inode("near")?.map?.form).toBe("compact");
    expect(inode("tailed")?.map?.form).toBe("compact");
    expect(inode("both")?.map?.form).toBe("extents");
    const ofForm = (extended: boolean) =>
      planned.inodes.filter((one) => one.extended === extended).map(({ name }) => name);
    expect(ofForm(true)).toEqual(["link", "not compressed either"]);
    expect(ofForm(false)).toContain("not compressed");
  });

  test("is refused where block numbers shall have 32 bits", () => {
    const { tree, content } = make();
    expect(() => plan(tree, { compressed: content, wide: false })).toThrow(RangeError);
    const large = fill(directory(), { f: file({ size: 16 * tebi, open: () => sparse(16 * tebi, []) }) });
    expect(() => plan(large, { wide: false })).toThrow(expect.objectContaining({ code: "LIMIT_SIZE" }));
    expect(plan(large).wide).toBe(true);
  });

  test("has no inline end where a cluster is far", () => {
    const { tree, content } = make();
    const [tailed] = [...content.files].filter(([, stored]) => stored.inline !== undefined);
    if (tailed?.[1].kind !== "compressed") throw new TypeError("there is no such file");
    const files = new Map(content.files).set(tailed[0], { ...tailed[1], clusters: Uint32Array.of(2, noCluster) });
    expect(() => plan(tree, { compressed: { ...content, files } })).toThrow(
      expect.objectContaining({ code: "LIMIT_SIZE", context: { path: "/tailed" } }),
    );
  });
});

test("a file of more than 16 TiB that is not compressed has a wide block number behind it", async () => {
  const size = 16 * tebi + 10;
  const end = pattern(10);
  const extents = [{ start: 16 * tebi, end: size }];
  const tree = fill(directory(), {
    a: file({ size, extents, open: () => sparse(size, [[16 * tebi, end]]) }),
    b: file(pattern(4096)),
  });
  const planned = plan(tree, { uuid: new Uint8Array(16) });
  const chunks: [number, Uint8Array][] = [];
  for await (const { offset, bytes } of emit(planned)) chunks.push([offset, bytes]);
  const image = await open(sparse(planned.sizeBytes, chunks));
  const root = await image.root();
  const read = async (name: string, from: number, to: number) => {
    const node = await root.lookup(name as Name);
    return node?.content().open().read(from, to);
  };
  expect(await read("a", 16 * tebi - 2, size)).toEqual(Uint8Array.of(0, 0, ...end));
  expect(await read("b", 0, 4096)).toEqual(pattern(4096));
});

describe("a packed inode of 6 GiB", () => {
  const size = 6 * 2 ** 30;
  const offset = 5 * 2 ** 30 + 12_345;
  const run = new Uint8Array(30_000).fill(97);
  const end = pattern(7000);
  const partial = file(Uint8Array.from([...run, ...end]));
  const whole = file(end.slice());
  const tree = fill(directory(), { partial, whole });
  const cluster = new Uint8Array(blockBytes);
  const compressed = lz4Run(97, run.length);
  cluster.set(compressed, blockBytes - compressed.length);
  const fragment = { kind: "compressed", inline: undefined, fragmentOffset: offset } as const;
  const parts: [number, Uint8Array][] = [
    [offset, end],
    [size, cluster],
  ];
  const content: CompressedContent = {
    files: new Map<RegularFile, CompressedFile | FlatFile>([
      [partial, { ...fragment, starts: Float64Array.of(0), clusters: Uint32Array.of(0), extentsEnd: run.length }],
      [whole, { ...fragment, starts: new Float64Array(0), clusters: new Uint32Array(0), extentsEnd: 0 }],
    ]),
    packed: { size, file: { kind: "flat", firstBlock: 0, inline: undefined } },
    clusters: {
      count: 1,
      firstBlock: Float64Array.of(size / blockBytes, size / blockBytes + 1),
      decodedBytes: Uint32Array.of(run.length),
      algorithm: Uint8Array.of(1),
    },
    data: sparse(size + blockBytes, parts),
    inline: fromBytes(new Uint8Array(0)),
    clusterBytes: blockBytes,
    zstdWindowLog2: 10,
  };

  test.each([
    ["compact", "full"],
    ["extents", "extents"],
  ] as const)("has fragments beyond 4 GiB: %s indexes become %s", async (indexes, form) => {
    const { planned, image } = await virtualImage(tree, content, parts, { indexes });
    expect(planned.inodes.find((one) => one.node === partial)?.map?.form).toBe(form);
    expect(planned.packed?.extended).toBe(true);
    expect(await compareTrees(tree, await image.root())).toEqual([]);
  });
});

describe("wide block numbers in a small image", () => {
  const tree = zoo({ disk: true });
  test("read back", async () => {
    const image = await open(fromBytes(await pack(tree, { wide: true })));
    expect(image.features).toContain("48bit");
    expect(await compareTrees(tree, await image.root())).toEqual([]);
  });

  describeWithMounts("in the kernel", ["erofs"], () => {
    test("mount", async () => {
      await withTemporaryDirectory(async (folder) => {
        const path = join(folder, "image");
        writeFileSync(path, await pack(tree, { wide: true }));
        await withLoopMount(path, "erofs", async (mounted) => {
          expect(await compareTreeWithDirectory(tree, mounted)).toEqual([]);
        });
      });
    });
  });

  describeWithPeers("in fsck.erofs", ["fsck.erofs"], ({ "fsck.erofs": fsck }) => {
    test("are sound", async () => {
      await withTemporaryDirectory(async (folder) => {
        const path = join(folder, "image");
        writeFileSync(path, await pack(tree, { wide: true }));
        expect(await fsck.run([path])).toMatchObject({ exitCode: 0 });
      });
    });
  });
});
