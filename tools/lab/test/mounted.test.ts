import { describeWithKernels, describeWithPeers, type KernelName } from "@sextant/peers";
import type { Directory } from "@sextant/tree";
import { beforeAll, describe, expect, test } from "vitest";
import { compareMounted, describeMounted, type LabImage, type MountedImage } from "../src/index.js";
import { type Maker, mkfs, ours } from "./images.js";
import { fixedTree, oddTree } from "./trees.js";

/** What a kernel is given: every image of a kernel is mounted in one boot. */
interface Row {
  readonly name: string;
  readonly kernels: readonly KernelName[];
  readonly make: Maker;
  /** Default `fixedTree`. */
  readonly trees?: readonly Directory[];
  /** What the kernel says where it is to refuse the image; default: it mounts, with the tree that was packed. */
  readonly refused?: RegExp;
}

const all: readonly KernelName[] = ["6.1", "6.12", "newest"];

const rows: readonly Row[] = [
  { name: "uncompressed", kernels: all, make: ours(), trees: [fixedTree, oddTree] },
  { name: "lz4 of mkfs.erofs", kernels: all, make: mkfs("-zlz4") },
  { name: "zstd of mkfs.erofs", kernels: ["6.12", "newest"], make: mkfs("-zzstd,3", "-C65536", "-Eall-fragments") },
  { name: "zstd of mkfs.erofs", kernels: ["6.1"], make: mkfs("-zzstd,3"), refused: /erofs: .*algorithm/ },
  { name: "48-bit of mkfs.erofs", kernels: ["6.12"], make: mkfs("-E48bit", "-zlz4"), refused: /unidentified incompat/ },
];

interface Case {
  readonly name: string;
  readonly row: Row;
  readonly tree: Directory;
}

function casesOf(kernelName: KernelName): Case[] {
  return rows
    .filter(({ kernels }) => kernels.includes(kernelName))
    .flatMap((row) => {
      const { name, trees = [fixedTree] } = row;
      return trees.map((tree, index) => ({ name: trees.length === 1 ? name : `${name}, tree ${index}`, row, tree }));
    });
}

describeWithPeers("what kernels mount", ["mkfs.erofs"], () => {
  describeWithKernels("Debian's", all, (kernels) => {
    describe.each(Object.values(kernels))("$version", (kernel) => {
      const cases = casesOf(kernel.name);
      let mounted: readonly MountedImage[] = [];
      beforeAll(async () => {
        const images: LabImage[] = [];
        for (const { name, row, tree } of cases) images.push({ name, image: await row.make(tree) });
        mounted = await describeMounted(kernel, images);
      });

      test.each(cases.map((one, index) => ({ ...one, index })))("$name", async ({ row, tree, index }) => {
        const image = mounted[index] as MountedImage;
        if (row.refused === undefined) {
          expect(await compareMounted(tree, image)).toEqual([]);
          expect(image.kernelLog.filter((line) => /error|corrupt|fail/i.test(line))).toEqual([]);
        } else {
          expect(image.mounted).toBe(false);
          expect(image.kernelLog.join("\n")).toMatch(row.refused);
        }
      });
    });
  });
});
