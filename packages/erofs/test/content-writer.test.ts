import { mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CodedError, concatBytes, fromBytes } from "@sextant/bytes";
import { openFile } from "@sextant/bytes/node";
import { describeWithPeers, type Peer } from "@sextant/peers";
import {
  compareTreeWithDirectory,
  mutations,
  temporaryDirectory,
  treeToDirectory,
  withTemporaryDirectory,
} from "@sextant/testkit";
import { directory, file, type LazyNode } from "@sextant/tree";
import { extractTree } from "@sextant/tree/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { open } from "../src/index.js";
import { contentWriter } from "../src/node.js";
import { compressible, prose } from "./compressible.js";
import { seal } from "./damage.js";
import { pack } from "./helpers.js";
import { fill, pattern } from "./zoo.js";

/** In this thread alone, and in two more. */
const spreads = [{ jobs: 1 }, { jobs: 3, bytesPerThread: 1 }];

const args: readonly string[] = [
  "",
  "-C65536",
  "-zlz4",
  "-zlz4hc -C65536 -Eztailpacking",
  "-zlz4 -Elegacy-compress",
  "-zdeflate,level=1 -Efragments -C65536",
  "-zzstd,level=1 -C1048576",
  "-zzstd,level=1 -Eall-fragments,dedupe -C65536",
  "-zzstd,level=1 -Ededupe -C16384",
  "-zlzma,level=1 -C65536",
  "-zzstd,level=1 -m4096 -C65536",
  "-zlz4 -E48bit,fragments -C65536",
  "--chunksize=8192",
];

describeWithPeers("contents of images of mkfs.erofs", ["mkfs.erofs"], ({ "mkfs.erofs": mkfs }) => {
  const folder = temporaryDirectory();
  const root = join(folder.path, "tree");
  const path = join(folder.path, "image");
  const tree = compressible();
  beforeAll(async () => {
    mkdirSync(root);
    await treeToDirectory(tree, root);
  });
  afterAll(() => folder.remove());

  test.each(args)("%s", async (options) => {
    await make(mkfs, options, path, root);
    for (const spread of spreads) {
      await withTemporaryDirectory(async (temporary) => {
        const { target, reads } = await extract(path, join(temporary, "target"), spread);
        const ignore = /-m|48bit/.test(options) ? (["mtime"] as const) : [];
        expect(await compareTreeWithDirectory(tree, target, { ignore })).toEqual([]);
        expect(reads.requests).toBeGreaterThan(0);
      });
    }
  });

  test("a device besides", async () => {
    const blob = join(folder.path, "blob");
    await make(mkfs, `--chunksize=4096 --blobdev=${blob}`, path, root);
    const image = await open(fromBytes(readFileSync(path)), { devices: [fromBytes(readFileSync(blob))] });
    const target = join(folder.path, "with blob");
    await using contents = contentWriter([{ image, path }]);
    await extractTree(await image.root(), target, { contents });
    expect(await compareTreeWithDirectory(await image.root(), target)).toEqual([]);
  });

  test("damaged images: what reading says", async () => {
    const small = fill(directory(), { text: file(prose(60_000)), more: file(prose(90_000, 4)), tiny: file(prose(10)) });
    await withTemporaryDirectory(async (temporary) => {
      mkdirSync(join(temporary, "tree"));
      await treeToDirectory(small, join(temporary, "tree"));
      for (const options of ["-zzstd,level=1 -C16384", "-zlz4 -Eztailpacking,fragments", "-zdeflate,level=1"]) {
        await make(mkfs, options, join(temporary, "image"), join(temporary, "tree"));
        let round = 0;
        for (const { bytes } of mutations(readFileSync(join(temporary, "image")), { seed: 5, count: 60 })) {
          const damaged = bytes.length >= 4096 ? seal(bytes) : bytes;
          const name = join(temporary, `${options.length} ${round++}`);
          const expected = await outcome(async () => readAll(await (await open(fromBytes(damaged))).root()));
          writeFileSync(`${name}.image`, damaged);
          const actual = await outcome(async () => {
            await extract(`${name}.image`, name, { jobs: 1 });
            const image = await open(fromBytes(damaged));
            expect(await compareTreeWithDirectory(await image.root(), name)).toEqual([]);
          });
          // Each may find another mistake first.
          expect(actual instanceof CodedError).toBe(expected instanceof CodedError);
        }
      }
    });
  });
});

describe("images in files", () => {
  const tree = fill(directory(), { a: file(pattern(3_000_000)), b: file(pattern(5)), c: file(new Uint8Array(0)) });

  test("behind something else, with what is wrong at its place in the file", () =>
    withTemporaryDirectory(async (folder) => {
      const [path, target] = [join(folder, "disk"), join(folder, "target")];
      const bytes = await pack(tree);
      writeFileSync(path, concatBytes([new Uint8Array(12_288), bytes]));
      const image = await open(fromBytes(bytes));
      {
        await using contents = contentWriter([{ image, path, start: 12_288 }]);
        await extractTree(await image.root(), target, { contents });
        expect(await compareTreeWithDirectory(tree, target)).toEqual([]);
        expect(contents.reads.bytes).toBe(3_000_005);
      }
      truncateSync(path, 2_000_000);
      await using contents = contentWriter([{ image, path, start: 12_288 }]);
      const extraction = extractTree(await image.root(), join(folder, "again"), { contents });
      await expect(extraction).rejects.toMatchObject({ code: "MISMATCH_CHANGED", context: { source: path } });
    }));

  test("one that is not there, and one that nobody opened", async () => {
    const image = await open(fromBytes(await pack(tree)));
    expect(() => contentWriter([{ image, path: "/nowhere/at/all" }])).toThrow(
      expect.objectContaining({ code: "UNREADABLE_SOURCE" }),
    );
    const { root, node, devices, extents, ...rest } = image;
    expect(() => contentWriter([{ image: { ...JSON.parse(JSON.stringify(rest, bigints)), root }, path: "x" }])).toThrow(
      TypeError,
    );
  });

  test("contents of another image are left to others", () =>
    withTemporaryDirectory(async (folder) => {
      const path = join(folder, "image");
      writeFileSync(path, await pack(tree));
      const [one, other] = [await open(fromBytes(readFileSync(path))), await open(fromBytes(readFileSync(path)))];
      await using contents = contentWriter([{ image: one, path }]);
      await extractTree(await other.root(), join(folder, "target"), { contents });
      expect(contents.reads.requests).toBe(0);
      expect(await compareTreeWithDirectory(tree, join(folder, "target"))).toEqual([]);
    }));
});

const bigints = (_: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);

async function make(mkfs: Peer, options: string, path: string, root: string): Promise<void> {
  const { exitCode, stderr } = await mkfs.run([...options.split(" ").filter(Boolean), path, root]);
  if (exitCode !== 0) throw new Error(`mkfs.erofs ${options}: ${stderr}`);
}

async function extract(path: string, target: string, spread: Parameters<typeof contentWriter>[1]) {
  await using source = openFile(path);
  const image = await open(source);
  await using contents = contentWriter([{ image, path }], spread);
  await extractTree(await image.root(), target, { contents });
  return { image, target, reads: contents.reads };
}

/** What was thrown, if it is one of ours. */
async function outcome(work: () => Promise<void>): Promise<unknown> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof CodedError) return error;
    throw error;
  }
}

async function readAll(node: LazyNode): Promise<void> {
  await node.xattrs();
  if (node.kind === "symlink") await node.readlink();
  if (node.kind === "directory") for (const entry of await node.entries()) await readAll(await entry.node());
  if (node.kind !== "file" || node.size > 2 ** 24) return;
  await node.content().open().read(0, node.size);
}
