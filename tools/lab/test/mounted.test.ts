import { describeWithKernels, describeWithPeers, type Kernel, type KernelName } from "@sextant/peers";
import type { Directory } from "@sextant/tree";
import { beforeAll, describe, expect, test } from "vitest";
import { compareMounted, describeMounted, type LabImage, type MountedImage } from "../src/index.js";
import { type Maker, mkfs, ours, packed, sharing } from "./images.js";
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

const since612: readonly KernelName[] = ["6.12", "newest"];
const everything = { fragments: "all", tailPacking: true, dedupe: true } as const;
const zstd = packed({ method: "zstd:3", clusterKiB: 64 }, "6.10");
const wide = packed({ method: "zstd:3", clusterKiB: 64 }, "6.15", { wide: true, indexes: "extents" });

const rows: readonly Row[] = [
  { name: "uncompressed", kernels: all, make: ours(), trees: [fixedTree, oddTree] },
  { name: "uncompressed, chunks shared", kernels: all, make: sharing },
  {
    name: "lz4, 4 KiB",
    kernels: all,
    make: packed({ method: "lz4", clusterKiB: 4 }, "5.4"),
  },
  {
    name: "lz4, 4 KiB, full indexes",
    kernels: all,
    make: packed({ method: "lz4", clusterKiB: 4 }, "5.4", { indexes: "full" }),
  },
  { name: "lz4hc, 64 KiB", kernels: all, make: packed({ method: "lz4hc:12", clusterKiB: 64 }, "5.13") },
  { name: "lz4, 1 MiB", kernels: all, make: packed({ method: "lz4", clusterKiB: 1024 }, "5.13") },
  {
    name: "lz4hc, tail packing",
    kernels: all,
    make: packed({ method: "lz4hc:9", clusterKiB: 16, tailPacking: true }, "5.17"),
  },
  { name: "lz4, fragments", kernels: all, make: packed({ method: "lz4", clusterKiB: 64, fragments: "tails" }, "6.1") },
  { name: "lz4, dedupe", kernels: all, make: packed({ method: "lz4", clusterKiB: 16, dedupe: true }, "6.1") },
  {
    name: "lz4hc, everything",
    kernels: all,
    make: packed({ method: "lz4hc:9", clusterKiB: 64, ...everything }, "6.1"),
    trees: [fixedTree, oddTree],
  },
  { name: "deflate, 32 KiB", kernels: since612, make: packed({ method: "deflate:6", clusterKiB: 32 }, "6.6") },
  {
    name: "deflate, everything",
    kernels: since612,
    make: packed({ method: "deflate:6", clusterKiB: 64, ...everything }, "6.6"),
  },
  { name: "zstd, 64 KiB", kernels: since612, make: zstd },
  {
    name: "zstd, 1 MiB, fragments",
    kernels: since612,
    make: packed({ method: "zstd:12", clusterKiB: 1024, fragments: "tails" }, "6.10"),
  },
  {
    name: "zstd, everything",
    kernels: since612,
    make: packed({ method: "zstd:9", clusterKiB: 128, ...everything }, "6.10"),
    trees: [fixedTree, oddTree],
  },
  { name: "zstd, 48-bit, extent records", kernels: ["newest"], make: wide },
  { name: "zstd", kernels: ["6.1"], make: zstd, refused: /erofs: .*algorithm/ },
  { name: "zstd, 48-bit, extent records", kernels: ["6.12"], make: wide, refused: /unidentified incompat/ },
  { name: "lz4 of mkfs.erofs", kernels: all, make: mkfs("-zlz4") },
  { name: "zstd of mkfs.erofs", kernels: since612, make: mkfs("-zzstd,3", "-C65536", "-Eall-fragments") },
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

const made = new Map<Maker, Map<Directory, Promise<Uint8Array>>>();

/** Kernels get the same images, made once. */
function imageOf(make: Maker, tree: Directory): Promise<Uint8Array> {
  const ofMaker = made.get(make) ?? new Map<Directory, Promise<Uint8Array>>();
  made.set(make, ofMaker);
  const image = ofMaker.get(tree) ?? make(tree);
  ofMaker.set(tree, image);
  return image;
}

/** What a kernel makes of each case, or why there is no image for it: one that cannot be made keeps no other back. */
async function mountAll(kernel: Kernel, cases: readonly Case[]): Promise<Map<Case, MountedImage | Error>> {
  const outcomes = new Map<Case, MountedImage | Error>();
  const images: (LabImage & { readonly from: Case })[] = [];
  for (const from of cases) {
    try {
      images.push({ name: from.name, image: await imageOf(from.row.make, from.tree), from });
    } catch (error) {
      outcomes.set(from, error as Error);
    }
  }
  const mounted = await describeMounted(kernel, images, { timeoutSeconds: 240 });
  for (const [index, { from }] of images.entries()) outcomes.set(from, mounted[index] as MountedImage);
  return outcomes;
}

describeWithPeers("what kernels mount", ["mkfs.erofs"], () => {
  describeWithKernels("Debian's", all, (kernels) => {
    describe.each(Object.values(kernels))("$version", (kernel) => {
      const cases = casesOf(kernel.name);
      let outcomes: ReadonlyMap<Case, MountedImage | Error> = new Map();
      beforeAll(async () => {
        outcomes = await mountAll(kernel, cases);
      });

      test.each(cases)("$name", async (one) => {
        const { row, tree } = one;
        const image = outcomes.get(one);
        if (image === undefined || image instanceof Error) throw image ?? new Error("nothing was mounted");
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
