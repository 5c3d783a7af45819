import { createHash } from "node:crypto";
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { equalBytes, toHex, writeChunks } from "@sextant/bytes";
import { fileSink, nodeHasher, openFile } from "@sextant/bytes/node";
import { describeWithMounts, withLoopMount } from "@sextant/peers";
import { withTemporaryDirectory } from "@sextant/testkit";
import { directory, file, type Name } from "@sextant/tree";
import { describe, expect, test } from "vitest";
import { emit, open, plan } from "../src/index.js";
import { fill, pattern } from "./zoo.js";

const size = 5 * 2 ** 30 + 123;
const end = pattern(2 ** 20 + 123);

/** 5 GiB of zeros but for both ends. */
function huge() {
  const extents = [
    { start: 0, end: 4096 },
    { start: size - end.length, end: size },
  ];
  return file({
    size,
    extents,
    open: () => ({
      size,
      async read(from, to) {
        if (to <= 4096) return pattern(4096).subarray(from, to);
        if (from >= size - end.length) return end.subarray(from - size + end.length, to - size + end.length);
        throw new Error(`a hole is read from ${from} to ${to}`);
      },
    }),
  });
}

describe("a file of 5 GiB", () => {
  test("costs what its data costs, and reads back", async () => {
    await withTemporaryDirectory(async (folder) => {
      const path = join(folder, "image");
      const planned = plan(fill(directory(), { huge: huge(), small: file(pattern(10)) }));
      expect(planned.sizeBytes).toBeGreaterThan(size);
      await writeChunks(fileSink(path, { durable: false }), emit(planned, { hasher: nodeHasher }), planned.sizeBytes);
      expect(statSync(path).blocks * 512).toBeLessThan(8 * 2 ** 20);
      await using source = openFile(path);
      const node = await (await (await open(source)).root()).lookup("huge" as Name);
      const content = node?.content().open();
      expect(content?.size).toBe(size);
      const [first, last] = [await content?.read(0, 4097), await content?.read(size - end.length, size)];
      expect(first && equalBytes(first, Uint8Array.of(...pattern(4096), 0))).toBe(true);
      expect(last && equalBytes(last, end)).toBe(true);
    });
  });

  test("has the same UUID whether its holes are known or not", async () => {
    const small = 3 * 2 ** 20 + 5;
    const bytes = new Uint8Array(small);
    bytes.set(end.subarray(0, 5000), 2 ** 20 + 77);
    const source = { size: small, read: async (from: number, to: number) => bytes.subarray(from, to) };
    const digests: string[] = [];
    for (const extents of [undefined, [{ start: 2 ** 20 + 77, end: 2 ** 20 + 5077 }]]) {
      const planned = plan(fill(directory(), { f: file({ size: small, open: () => source, extents }) }));
      const image = new Uint8Array(planned.sizeBytes);
      for await (const chunk of emit(planned)) image.set(chunk.bytes, chunk.offset);
      digests.push(toHex(nodeHasher.hash("sha256", image)));
    }
    expect(digests[0]).toBe(digests[1]);
  });
});

describeWithMounts("the kernel reads a file of 5 GiB", ["erofs"], () => {
  test("both ends of it", async () => {
    await withTemporaryDirectory(async (folder) => {
      const path = join(folder, "image");
      const planned = plan(fill(directory(), { huge: huge() }));
      await writeChunks(fileSink(path, { durable: false }), emit(planned, { hasher: nodeHasher }), planned.sizeBytes);
      await withLoopMount(path, "erofs", (mounted) => {
        const fd = openSync(join(mounted, "huge"), "r");
        try {
          const bytes = new Uint8Array(end.length);
          expect(readSync(fd, bytes, 0, bytes.length, size - end.length)).toBe(end.length);
          expect(createHash("sha256").update(bytes).digest()).toEqual(createHash("sha256").update(end).digest());
          expect(statSync(join(mounted, "huge")).size).toBe(size);
        } finally {
          closeSync(fd);
        }
      });
    });
  });
});

describe("a directory of 200,000 entries", () => {
  test("is written and looked up", async () => {
    const empty = file(new Uint8Array(0));
    const tree = directory();
    for (let i = 0; i < 200_000; i++) tree.entries.set(`entry ${i}` as Name, { ...empty });
    const planned = plan(tree);
    const image = new Uint8Array(planned.sizeBytes);
    for await (const chunk of emit(planned, { hasher: nodeHasher })) image.set(chunk.bytes, chunk.offset);
    const source = { size: image.length, read: async (from: number, to: number) => image.subarray(from, to) };
    const root = await (await open(source)).root();
    expect((await root.entries()).length).toBe(200_000);
    expect(await root.lookup("entry 123456" as Name)).toBeDefined();
    expect(await root.lookup("entry 200000" as Name)).toBeUndefined();
  });
});
