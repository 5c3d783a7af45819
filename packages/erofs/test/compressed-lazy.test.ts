import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type ByteSource, counted, fromBytes, readChunks } from "@sextant/bytes";
import { describeWithPeers } from "@sextant/peers";
import { temporaryDirectory, treeToDirectory } from "@sextant/testkit";
import { directory, file, type LazyNode, type Name } from "@sextant/tree";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ErofsImage, type OpenOptions, open } from "../src/index.js";
import { noise, prose } from "./compressible.js";
import { craft, full, header, type Index, lz4Run, padded } from "./craft.js";
import { fill } from "./zoo.js";

const small = prose(1024, 7);

/** A file of a KiB three directories down, among others, and large ones. */
const tree = () => {
  const others = Array.from({ length: 400 }, (_, i) => [`another file with a long name ${i}`, file(prose(900, i))]);
  return fill(directory(), {
    a: fill(directory(), {
      ...Object.fromEntries(others),
      b: fill(directory(), { c: fill(directory(), { small: file(small) }) }),
    }),
    noise: file(noise(500_000)),
    text: file(prose(3_000_000)),
    zeros: file(new Uint8Array(100_000_000)),
  });
};

async function find(image: ErofsImage, path: string): Promise<LazyNode> {
  let node: LazyNode | undefined = await image.root();
  for (const part of path.split("/") as Name[]) node = await node?.lookup(part);
  if (node === undefined) throw new Error(`nothing at ${path}`);
  return node;
}

describeWithPeers("reading compressed images of mkfs.erofs", ["mkfs.erofs"], ({ "mkfs.erofs": mkfs }) => {
  const folder = temporaryDirectory();
  const root = join(folder.path, "tree");
  beforeAll(async () => {
    mkdirSync(root);
    await treeToDirectory(tree(), root);
  });
  afterAll(() => folder.remove());

  describe.each(["-zlz4", "-zzstd -C65536", "-zzstd -C65536 -Eall-fragments", "-zlz4hc -Eztailpacking"])(
    "%s",
    (args) => {
      let image = new Uint8Array(0);
      beforeAll(async () => {
        const path = join(folder.path, "image");
        const { exitCode, stderr } = await mkfs.run([...args.split(" "), path, root]);
        if (exitCode !== 0) throw new Error(stderr);
        image = new Uint8Array(readFileSync(path));
      });
      const opened = async (options: OpenOptions = {}) => {
        const source = counted(fromBytes(image));
        return { source, image: await open(source, options) };
      };

      test("one small file costs two blocks for each directory, and one cluster", async () => {
        const { source, image } = await opened();
        expect(source.count).toEqual({ requests: 1, bytes: 4096 });
        const node = await find(image, "a/b/c/small");
        const content = node.content();
        expect(await content.open().read(0, content.size)).toEqual(small);
        // Four directories; then the inode with its indexes, and the cluster, which may be of 64 KiB.
        expect(source.count.requests).toBeLessThanOrEqual(1 + 2 * 4 + 3);
        expect(source.count.bytes).toBeLessThanOrEqual(4096 * (1 + 2 * 4 + 2) + 65536);
        // A fragment may be on both sides of where one cluster of the packed inode ends.
        expect(image.clusterStats.clusters).toBeLessThanOrEqual(args.includes("fragments") ? 2 : 1);
      });

      test.each([997, 65536, 2 ** 20])("%d bytes a time, each cluster is decoded once", async (step) => {
        const { source, image } = await opened();
        const node = await find(image, "text");
        const content = node.content().open();
        const before = { ...source.count };
        for await (const _ of readChunks(content, 0, content.size, step));
        const extents = await image.extents(Number(node.id));
        const clusters = extents.filter(({ algorithm }) => algorithm !== "stored").length;
        const packed = extents.some(({ kind }) => kind === "fragment")
          ? await image.extents(
              Number(image.superblock.packedNid),
              ...rangeOf(extents.find(({ kind }) => kind === "fragment")),
            )
          : [];
        expect(image.clusterStats.clusters).toBe(clusters + packed.length);
        if (step === 2 ** 20) expect(source.count.requests - before.requests).toBeLessThanOrEqual(12);
      });

      test("a byte amid a large file costs its cluster and few indexes", async () => {
        const { source, image } = await opened();
        const content = (await find(image, "zeros")).content().open();
        const before = { ...source.count };
        expect(await content.read(70_000_000, 70_000_001)).toEqual(new Uint8Array(1));
        expect(source.count.requests - before.requests).toBeLessThanOrEqual(6);
        expect(source.count.bytes - before.bytes).toBeLessThanOrEqual(6 * 4096 + 65536);
        expect(image.clusterStats.clusters).toBe(1);
      });

      test("what is kept is bounded, and can be nothing", async () => {
        const { image } = await opened({ clusterCacheBytes: 0 });
        const content = (await find(image, "text")).content().open();
        for (let time = 0; time < 3; time++) await content.read(1_000_000, 1_000_010);
        expect(image.clusterStats).toMatchObject({ clusters: 3, cacheHits: 0 });
        const { image: keeping } = await opened();
        const kept = (await find(keeping, "text")).content().open();
        for (let time = 0; time < 3; time++) await kept.read(1_000_000, 1_000_010);
        expect(keeping.clusterStats).toMatchObject({ clusters: 1, cacheHits: 2 });
      });
    },
  );
});

const rangeOf = (fragment: { address: number; storedBytes: number } | undefined): [number, number] =>
  fragment === undefined ? [0, 0] : [fragment.address, fragment.address + fragment.storedBytes];

describe("reading", () => {
  /** 16 clusters of 4096 bytes next to one another, from block 1 on. */
  const letters = [..."abcdefghijklmnop"];
  const indexes = letters.map((_, at): Index => ({ head: "head1", block: 1 + at }));
  const image = craft({
    layout: "compressedFull",
    size: 4096 * letters.length,
    map: full(header(), indexes),
    blocks: letters.map((letter) => padded(lz4Run(letter.charCodeAt(0), 4096))),
  });

  test("neighbouring clusters come in one request", async () => {
    const source = counted(fromBytes(image));
    const opened = await open(source);
    const content = (await find(opened, "f")).content().open();
    expect(source.count).toEqual({ requests: 1, bytes: 4096 });
    const bytes = await content.read(2 * 4096 + 5, 10 * 4096 + 5);
    expect(String.fromCharCode(...bytes.filter((_, at) => at % 4096 === 0))).toBe("cdefghij");
    expect(source.count).toEqual({ requests: 2, bytes: 4096 + 9 * 4096 });
    // The first and the last one were kept, as there is more of them to come.
    await content.read(2 * 4096, 2 * 4096 + 5);
    await content.read(10 * 4096 + 5, 11 * 4096);
    expect(source.count.requests).toBe(2);
    expect(opened.clusterStats).toMatchObject({
      clusters: 9,
      storedBytes: 9 * 4096,
      decodedBytes: 9 * 4096,
      cacheHits: 2,
    });
  });

  test("reads at the same time do not disturb one another", async () => {
    const opened = await open(fromBytes(image));
    const content = (await find(opened, "f")).content().open();
    const starts = Array.from({ length: 60 }, (_, i) => (i * 7919) % (content.size - 9000));
    const whole = await content.read(0, content.size);
    const parts = await Promise.all(starts.map((start) => content.read(start, start + 9000)));
    for (const [index, start] of starts.entries()) expect(parts[index]).toEqual(whole.subarray(start, start + 9000));
  });

  test("clusters can be mapped and decoded elsewhere", async () => {
    const opened = await open(fromBytes(image));
    const node = await find(opened, "f");
    const extents = await opened.extents(Number(node.id), 4096, 8193);
    expect(extents).toEqual(
      [1, 2].map((at) => ({
        ...{ start: 4096 * at, end: 4096 * (at + 1), kind: "cluster", address: 4096 * (at + 1), storedBytes: 4096 },
        ...{ device: 0, algorithm: "lz4", interlaced: false, partial: false },
      })),
    );
  });
});

test("what a source could not give once it can give later", async () => {
  const image = craft({
    layout: "compressedFull",
    size: 4096,
    map: full(header(), [{ head: "head1", block: 1 }]),
    blocks: [padded(lz4Run(97, 4096))],
  });
  let fails = false;
  const whole = fromBytes(image);
  const source: ByteSource = {
    size: whole.size,
    read: async (start, end) => {
      if (fails) throw new Error("not now");
      return whole.read(start, end);
    },
  };
  const opened = await open(source);
  const content = (await find(opened, "f")).content().open();
  fails = true;
  await expect(content.read(0, 1)).rejects.toThrow("not now");
  fails = false;
  expect(await content.read(0, 1)).toEqual(Uint8Array.of(97));
});
