import { type ByteSource, collectChunks, equalBytes, fromBytes } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import { emit, plan } from "@sextant/erofs";
import { directory, file, type Name } from "@sextant/tree";
import { expect, test } from "vitest";

/** Content that can be read into a caller's memory, as files of a disk can. */
function readable(bytes: Uint8Array): ByteSource {
  return {
    ...fromBytes(bytes),
    async readInto(start, target) {
      target.set(bytes.subarray(start, start + target.length));
    },
  };
}

test("an image is the same whether or not the memory of its chunks is used again", async () => {
  const tree = directory();
  for (const [index, size] of [
    5,
    2 ** 20,
    2 ** 20,
    3 * 2 ** 20 + 17,
    700_000,
    2 ** 22,
    4096,
    70_000,
    131_072,
    1,
  ].entries()) {
    const bytes = Uint8Array.from({ length: size }, (_, i) => (i * (index + 3)) >> 5);
    tree.entries.set(`f${index}` as Name, file({ size, open: () => readable(bytes) }));
  }
  const image = plan(tree);
  const [fresh, reused] = await Promise.all(
    [false, true].map((reuseMemory) =>
      collectChunks(emit(image, { hasher: nodeHasher, reuseMemory }), image.sizeBytes),
    ),
  );
  expect(fresh && reused && equalBytes(fresh, reused)).toBe(true);
  const buffers = new Set<ArrayBufferLike>();
  let chunks = 0;
  for await (const { bytes } of emit(image, { hasher: nodeHasher, reuseMemory: true })) {
    buffers.add(bytes.buffer);
    chunks += 1;
  }
  expect(buffers.size).toBeLessThan(chunks);
});
