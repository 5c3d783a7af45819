import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { collectChunks, concatBytes, fromBytes, toHex } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import { describeWithPeers, type Peer } from "@sextant/peers";
import { withTemporaryDirectory } from "@sextant/testkit";
import {
  buildVerity,
  checkVerity,
  emitHashArea,
  emitTree,
  hashAreaBytes,
  openHashArea,
  type VerityTree,
} from "@sextant/verity";
import { describe, expect, test } from "vitest";
import { type Case, cases, pattern, uuid, uuidText } from "./cases.js";
import { goldenLine, goldens } from "./goldens.js";

const dataOf = ({ blocks, options }: Case) => pattern(blocks * options.dataBlockBytes);
const build = (one: Case) => buildVerity(fromBytes(dataOf(one)), { ...one.options, hasher: nodeHasher });

const flags = ({ options }: Case) => [
  `--hash=${options.algorithm}`,
  `--format=${options.hashType}`,
  `--data-block-size=${options.dataBlockBytes}`,
  `--hash-block-size=${options.hashBlockBytes}`,
  `--salt=${options.salt.length === 0 ? "-" : toHex(options.salt)}`,
];

function areaOf(tree: VerityTree, offset = 0): Promise<Uint8Array> {
  const chunks = emitHashArea(tree, { uuid, offset });
  return collectChunks(chunks, offset + Math.max(hashAreaBytes(tree.params, offset), 512));
}

/** `actual` is `expected`, apart from zeros that veritysetup adds or leaves out at the end. */
function expectSame(actual: Uint8Array, expected: Uint8Array): void {
  const size = Math.max(actual.length, expected.length);
  const padded = (bytes: Uint8Array) => concatBytes([bytes, new Uint8Array(size - bytes.length)]);
  expect(Buffer.compare(padded(actual), padded(expected))).toBe(0);
}

async function format(tool: Peer, args: readonly string[]): Promise<string> {
  const { exitCode, text, stderr } = await tool.run(["format", ...args]);
  expect(stderr.replace(/^WARNING: .*\n/gm, "")).toBe("");
  expect(exitCode).toBe(0);
  return /^Root hash:\s+([0-9a-f]+)$/m.exec(text)?.[1] ?? "";
}

describe("what veritysetup 2.6.1 made of the same data", () => {
  test.each(cases.map((one) => [one.name, one] as const))("%s", async (name, one) => {
    const tree = await build(one);
    expect(goldenLine(name, tree.rootHash, await areaOf(tree))).toBe(goldens.get(name));
  });

  test("every case has a golden and no golden is left over", () => {
    expect([...goldens.keys()]).toEqual(cases.map(({ name }) => name));
  });
});

describeWithPeers("veritysetup", ["veritysetup"], ({ veritysetup }) => {
  test.each(cases.map((one) => [one.name, one] as const))("%s", async (_, one) => {
    await withTemporaryDirectory(async (folder) => {
      const [data, theirs, ours] = ["data", "theirs", "ours"].map((name) => join(folder, name)) as [
        string,
        string,
        string,
      ];
      writeFileSync(data, dataOf(one));
      const tree = await build(one);
      const root = toHex(tree.rootHash);

      expect(await format(veritysetup, [...flags(one), `--uuid=${uuidText}`, data, theirs])).toBe(root);
      const area = await areaOf(tree);
      expectSame(area, readFileSync(theirs));

      writeFileSync(ours, area);
      expect(await veritysetup.run(["verify", data, ours, root])).toMatchObject({ exitCode: 0 });
      const opened = await openHashArea(fromBytes(readFileSync(theirs)));
      expect(await checkVerity(fromBytes(dataOf(one)), opened, tree.rootHash, { hasher: nodeHasher })).toMatchObject({
        ok: true,
      });
    });
  });

  const some = cases.filter(({ blocks }) => blocks === 129 || blocks === 1 || blocks === 65);

  test.each(some.map((one) => [one.name, one] as const))("without a superblock: %s", async (_, one) => {
    await withTemporaryDirectory(async (folder) => {
      const [data, theirs, ours] = ["data", "theirs", "ours"].map((name) => join(folder, name)) as [
        string,
        string,
        string,
      ];
      writeFileSync(data, dataOf(one));
      const tree = await build(one);
      const root = toHex(tree.rootHash);
      expect(await format(veritysetup, [...flags(one), "--no-superblock", data, theirs])).toBe(root);
      const bytes = await collectChunks(emitTree(tree), tree.shape.treeBytes);
      expectSame(bytes, readFileSync(theirs));
      writeFileSync(ours, bytes);
      const verify = ["verify", ...flags(one), "--no-superblock", `--data-blocks=${one.blocks}`, data, ours, root];
      expect(await veritysetup.run(verify)).toMatchObject({ exitCode: 0 });
    });
  });

  // The tree starts at a whole hash block of the file, also where the superblock does not.
  test.each([0, 512, 4096, 4608, 12288])("data and hash area in one file, %i bytes apart", async (gap) => {
    await withTemporaryDirectory(async (folder) => {
      const file = join(folder, "both");
      const data = pattern(129 * 4096);
      const offset = data.length + gap;
      writeFileSync(file, data);
      const tree = await buildVerity(fromBytes(data), { salt: uuid, hasher: nodeHasher });
      const root = toHex(tree.rootHash);
      const where = [`--hash-offset=${offset}`, "--data-blocks=129"];
      expect(await format(veritysetup, [`--salt=${toHex(uuid)}`, `--uuid=${uuidText}`, ...where, file, file])).toBe(
        root,
      );
      const ours = await areaOf(tree, offset);
      ours.set(data);
      expectSame(ours, readFileSync(file));
      writeFileSync(file, ours);
      const verify = ["verify", `--hash-offset=${offset}`, file, file, root];
      expect(await veritysetup.run(verify)).toMatchObject({ exitCode: 0 });
      const area = await openHashArea(fromBytes(ours), { offset });
      expect(await checkVerity(fromBytes(ours), area, tree.rootHash, { hasher: nodeHasher })).toMatchObject({
        ok: true,
      });
    });
  });

  test("refuses no data, as we do", async () => {
    await withTemporaryDirectory(async (folder) => {
      writeFileSync(join(folder, "data"), "");
      const { exitCode } = await veritysetup.run(["format", join(folder, "data"), join(folder, "hash")]);
      expect(exitCode).not.toBe(0);
    });
    await expect(buildVerity(fromBytes(new Uint8Array(0)))).rejects.toThrow(RangeError);
  });

  test("leaves the end of data that are not whole blocks out; we do when asked to", async () => {
    const bytes = pattern(3 * 4096 + 100);
    const root = await withTemporaryDirectory(async (folder) => {
      writeFileSync(join(folder, "data"), bytes);
      return format(veritysetup, ["--salt=-", join(folder, "data"), join(folder, "hash")]);
    });
    await expect(buildVerity(fromBytes(bytes))).rejects.toThrow("data of 12388 bytes are not whole blocks of 4096");
    const { rootHash } = await buildVerity(fromBytes(bytes), { dataBlocks: 3 });
    expect(toHex(rootHash)).toBe(root);
  });

  test("finds the damage that we find", async () => {
    await withTemporaryDirectory(async (folder) => {
      const [data, hash] = [join(folder, "data"), join(folder, "hash")];
      const bytes = pattern(300 * 4096);
      const tree = await buildVerity(fromBytes(bytes), { hasher: nodeHasher });
      writeFileSync(hash, await areaOf(tree));
      const damaged = bytes.slice();
      damaged[200 * 4096 + 17] = (damaged[200 * 4096 + 17] ?? 0) ^ 0x10;
      writeFileSync(data, damaged);
      const { exitCode, stderr } = await veritysetup.run(["verify", data, hash, toHex(tree.rootHash)]);
      expect(exitCode).not.toBe(0);
      expect(stderr).toContain(`position ${200 * 4096}`);
      const area = await openHashArea(fromBytes(readFileSync(hash)));
      const report = await checkVerity(fromBytes(damaged), area, tree.rootHash, { hasher: nodeHasher });
      expect(report.damage).toMatchObject([{ area: "data", block: 200, offset: 200 * 4096, certain: true }]);
    });
  });
});
