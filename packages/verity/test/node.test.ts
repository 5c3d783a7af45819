import { readdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fromBytes, toHex } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import { type TemporaryDirectory, temporaryDirectory } from "@sextant/testkit";
import { bareHashArea, buildVerity, checkVerity, type VerityOptions, type VerityTree } from "@sextant/verity";
import { checkFile, hashFile } from "@sextant/verity/node";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pattern } from "./cases.js";
import { flipped, rejectionOf } from "./sealed.js";

const hasher = nodeHasher;
const data = pattern(5 * (1 << 20) + 12288);
let folder: TemporaryDirectory;
let path = "";

beforeAll(() => {
  folder = temporaryDirectory();
  path = join(folder.path, "data");
  writeFileSync(path, data);
});
afterAll(() => folder.remove());

/** A tree as a few words: comparing megabytes element by element takes seconds. */
const contentOf = ({ params, rootHash, levels }: VerityTree) => ({
  ...params,
  rootHash: toHex(rootHash),
  levels: levels.map((level) => `${level.length} ${toHex(hasher.hash("sha256", level))}`),
});

/** So small that every test has work for all its workers. */
const spread = (jobs: number, taskBytes = 300_000) => ({ jobs, taskBytes, bytesPerThread: 1 });

describe("hashing a file", () => {
  test.each<[what: string, options: VerityOptions]>([
    ["no salt", {}],
    ["a salt", { salt: pattern(32) }],
    ["small blocks", { salt: pattern(256), dataBlockBytes: 512, hashBlockBytes: 512, algorithm: "sha512" }],
    ["type 0", { salt: pattern(32), hashType: 0 }],
    ["type 0, no salt", { hashType: 0, dataBlockBytes: 1024 }],
    ["large blocks", { salt: pattern(1), dataBlockBytes: 65536, dataBlocks: 80 }],
    ["one block", { salt: pattern(20), dataBlocks: 1 }],
  ])("in any number of threads gives the same tree: %s", async (_, options) => {
    const tree = contentOf(await buildVerity(fromBytes(data), { ...options, hasher }));
    for (const jobs of [1, 2, 3, 4]) {
      expect(contentOf(await hashFile(path, { ...options, ...spread(jobs) }))).toEqual(tree);
    }
    expect(contentOf(await hashFile(path, options))).toEqual(tree);
  });

  test("in tasks of any size, of any part of the file, gives the same tree", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(512, 4096, 16384),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 2 << 20 }),
        fc.nat(data.length - 1),
        fc.integer({ min: 1, max: 1000 }),
        fc.uint8Array({ maxLength: 256 }),
        async (dataBlockBytes, jobs, taskBytes, start, blocks, salt) => {
          const end = start + blocks * dataBlockBytes;
          fc.pre(end <= data.length);
          const options = { dataBlockBytes, salt };
          const tree = await buildVerity(fromBytes(data.subarray(start, end)), { ...options, hasher });
          const again = await hashFile(path, { ...options, ...spread(jobs, taskBytes), start, end });
          expect(contentOf(again)).toEqual(contentOf(tree));
        },
      ),
      { seed: 6, numRuns: 25 },
    );
  });

  test("starts workers only where they pay", async () => {
    let started = 0;
    const count = () => {
      started += 1;
    };
    process.on("worker", count);
    await hashFile(path, { jobs: 4 });
    expect(started).toBe(0);
    await hashFile(path, { jobs: 4, bytesPerThread: 2 << 20, taskBytes: 1 << 20 });
    // Two threads, of which one is this.
    expect(started).toBe(1);
    process.off("worker", count);
  });

  test("tells how far it is, in order", async () => {
    const seen: number[] = [];
    await hashFile(path, { ...spread(2, 1 << 20), onProgress: (done) => seen.push(done) });
    expect(seen).toEqual([1, 2, 3, 4, 5].map((count) => count << 20).concat(data.length));
  });
});

describe("checking a file", () => {
  test.each([1, 2, 3])("with %i threads reports what checkVerity reports", async (jobs) => {
    const tree = await hashFile(path, { salt: pattern(32) });
    const bytes = Buffer.concat([...tree.levels].reverse());
    const good = bareHashArea(fromBytes(bytes), tree.params);
    expect(await checkFile({ path }, good, tree.rootHash, spread(jobs))).toMatchObject({ ok: true, dataBlocks: 1283 });

    const damagedPath = join(folder.path, `damaged${jobs}`);
    const damaged = flipped(flipped(data, 8 * 4096 * 1000 + 5), 8 * 4096 * 17);
    writeFileSync(damagedPath, damaged);
    const bad = bareHashArea(fromBytes(flipped(bytes, 8 * (4096 * 4 + 77))), tree.params);
    const report = await checkFile({ path: damagedPath }, bad, tree.rootHash, spread(jobs));
    expect(report).toEqual(await checkVerity(fromBytes(damaged), bad, tree.rootHash, { hasher }));
    expect(report.damage).toMatchObject([
      { area: "data", block: 17, certain: true },
      { area: "tree", level: 0, block: 3, certain: true },
      { area: "data", block: 386, certain: false },
      { area: "data", block: 1000, certain: true },
    ]);
  });

  test("of a part of it, and refuses one that is too short", async () => {
    const [start, end] = [1000, 1000 + 200 * 4096];
    const tree = await hashFile(path, { start, end });
    const area = bareHashArea(fromBytes(Buffer.concat([...tree.levels].reverse())), tree.params);
    expect(await checkFile({ path, start, end }, area, tree.rootHash)).toMatchObject({ ok: true });
    expect(await rejectionOf(checkFile({ path, start, end: end - 1 }, area, tree.rootHash))).toMatchObject({
      code: "MISMATCH_DATA_SIZE",
      context: { source: path },
    });
  });
});

describe("a file that cannot be hashed", () => {
  test("is missing, or a directory", async () => {
    for (const source of [join(folder.path, "none"), folder.path]) {
      expect(await rejectionOf(hashFile(source))).toMatchObject({ code: "UNREADABLE_SOURCE", context: { source } });
    }
  });

  test("has not the range that is asked for", async () => {
    for (const [start, end] of [
      [0, data.length + 1],
      [-1, 4095],
      [8192, 4096],
      [0, 100],
      [0, 0],
    ] as const) {
      expect(await rejectionOf(hashFile(path, { start, end }))).toBeInstanceOf(RangeError);
    }
    for (const jobs of [0, 1.5, -2]) expect(await rejectionOf(hashFile(path, { jobs }))).toBeInstanceOf(RangeError);
  });

  test.each([1, 2])("gets shorter while %i threads hash it", async (jobs) => {
    const shrinking = join(folder.path, `shrinking${jobs}`);
    writeFileSync(shrinking, data);
    const onProgress = () => truncateSync(shrinking, 4096);
    expect(await rejectionOf(hashFile(shrinking, { ...spread(jobs, 65536), onProgress }))).toMatchObject({
      name: "BytesError",
      code: "MISMATCH_CHANGED",
      context: { source: shrinking, offset: expect.any(Number) },
    });
  });

  test.each([1, 2])("because the work of %i threads is aborted, and leaves nothing open", async (jobs) => {
    const open = () => readdirSync("/dev/fd").length;
    const before = process.platform === "linux" ? open() : 0;
    const abort = new AbortController();
    const reason = new Error("enough");
    const onProgress = () => abort.abort(reason);
    const work = hashFile(path, { ...spread(jobs, 65536), onProgress, signal: abort.signal });
    expect(await rejectionOf(work)).toBe(reason);
    if (process.platform === "linux") expect(open()).toBeLessThanOrEqual(before);
  });
});
