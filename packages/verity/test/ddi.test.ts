import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { collectChunks, fromBytes, fromHex, slice, toHex } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import { buildVerity, checkVerity, emitHashArea, hashAreaBytes, openHashArea, verifiedSource } from "@sextant/verity";
import { describe, expect, test } from "vitest";

interface Partition {
  readonly name: string;
  readonly uuid: string;
  readonly start: number;
  readonly size: number;
  readonly verity_sb?: {
    readonly uuid: string;
    readonly data_blocks: number;
    readonly data_block: number;
    readonly hash_block: number;
    readonly salt: string;
  };
}

const ddi = (name: string) => new URL(`../../../test-images/ddi/${name}`, import.meta.url);
const images = JSON.parse(readFileSync(ddi("gpt.json"), "utf8")) as Record<string, { parts: Partition[] }>;
const hasher = nodeHasher;

describe("images of systemd-repart 262", () => {
  test.each(Object.keys(images))("%s has the hash partition that we make", async (name) => {
    const image = fromBytes(gunzipSync(readFileSync(ddi(`${name}.gz`))));
    const parts = images[name]?.parts ?? [];
    const [root, verity] = ["root-x86-64", "root-x86-64-verity"].map((wanted) => {
      return parts.find((part) => part.name === wanted) ?? { uuid: "", start: 0, size: 0, verity_sb: undefined };
    }) as [Partition, Partition];
    const fields = verity.verity_sb;
    if (!fields) throw new Error(`${name} has no verity partition`);

    const data = slice(image, root.start, root.start + root.size);
    const tree = await buildVerity(data, {
      dataBlocks: fields.data_blocks,
      dataBlockBytes: fields.data_block,
      hashBlockBytes: fields.hash_block,
      salt: fromHex(fields.salt),
      hasher,
    });
    // The root hash is spread over the two partitions' UUIDs.
    expect(toHex(tree.rootHash)).toBe(`${root.uuid}${verity.uuid}`.replaceAll("-", ""));

    const size = hashAreaBytes(tree.params);
    const ours = await collectChunks(emitHashArea(tree, { uuid: fromHex(fields.uuid) }), size);
    const partition = slice(image, verity.start, verity.start + verity.size);
    expect(Buffer.compare(ours, await partition.read(0, size))).toBe(0);

    const area = await openHashArea(partition);
    expect(await checkVerity(data, area, tree.rootHash, { hasher })).toMatchObject({ ok: true });
    const source = verifiedSource(data, area, tree.rootHash, { hasher });
    expect(await source.read(1024, 1028)).toEqual(await data.read(1024, 1028));
  });
});
