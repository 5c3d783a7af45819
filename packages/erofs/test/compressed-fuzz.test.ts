import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type ByteSource, CodedError, fromBytes } from "@sextant/bytes";
import { describeWithPeers } from "@sextant/peers";
import { mutations, treeToDirectory, withTemporaryDirectory } from "@sextant/testkit";
import { directory, file, type LazyNode } from "@sextant/tree";
import { describe, expect, test } from "vitest";
import { check, dump, open } from "../src/index.js";
import { noise, prose } from "./compressible.js";
import { craft } from "./craft.js";
import { seal } from "./damage.js";
import { forms } from "./forms.js";
import { fill, xattr } from "./zoo.js";

/** Of each file so much at its start, and its last byte: damage can make any size of it. */
const headBytes = 2 ** 20;

async function readSome(source: ByteSource): Promise<void> {
  const visit = async (node: LazyNode): Promise<void> => {
    await node.xattrs();
    if (node.kind === "directory") for (const entry of await node.entries()) await visit(await entry.node());
    if (node.kind !== "file" || node.size === 0) return;
    const content = node.content().open();
    await content.read(0, Math.min(headBytes, content.size));
    await content.read(content.size - 1, content.size);
  };
  await visit(await (await open(source)).root());
}

async function drain(source: ByteSource): Promise<void> {
  let left = 20_000;
  for await (const _ of dump(source)) if (--left === 0) return;
}

const work = [readSome, async (of: ByteSource) => void (await check(of, { maxDecodedBytes: 2 ** 24 })), drain];

/** Everything done with a damaged image ends with a typed error or none. */
async function survive(image: Uint8Array, seed: number, count: number): Promise<void> {
  for (const { bytes, what } of mutations(image, { seed, count })) {
    const source = fromBytes(bytes.length >= 4096 ? seal(bytes) : bytes);
    for (const one of work) {
      await one(source).catch((error: unknown) => {
        if (!(error instanceof CodedError))
          throw new Error(`seed ${seed}, ${what}: ${String(error)}`, { cause: error });
      });
    }
  }
}

describe("fuzz", () => {
  test.each(forms)("%s", async (_, crafted) => {
    await survive(craft(crafted), 1, 100);
  });
});

const small = () =>
  fill(directory(), {
    text: file(prose(60_000), { xattrs: [xattr("user.a", "b"), xattr("user.long", "c".repeat(100))] }),
    again: file(prose(40_000)),
    noise: file(noise(9000)),
    zeros: file(new Uint8Array(100_000)),
    d: fill(directory(), Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`${i}`, file(prose(300 * i, i))]))),
  });

describeWithPeers("fuzz", ["mkfs.erofs"], ({ "mkfs.erofs": mkfs }) => {
  test.each([
    "-zlz4",
    "-zlz4 -Elegacy-compress,ztailpacking -C16384",
    "-zzstd -C65536 -Eall-fragments,dedupe --xattr-prefix=user.",
    "-zdeflate -E48bit,fragments -C16384",
    "-zlzma -Ededupe",
    "-zzstd -m4096 -C16384 -Eztailpacking",
  ])("images of mkfs.erofs %s", async (args) => {
    await withTemporaryDirectory(async (folder) => {
      const [root, path] = [join(folder, "tree"), join(folder, "image")];
      mkdirSync(root);
      await treeToDirectory(small(), root);
      const { exitCode, stderr } = await mkfs.run([...args.split(" "), path, root]);
      expect([exitCode, stderr]).toEqual([0, expect.any(String)]);
      await survive(readFileSync(path), 2, 150);
    });
  });
});
