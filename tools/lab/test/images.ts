import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeTar } from "@sextant/archive";
import { collectChunks } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import {
  type Compressed,
  type CompressionMethod,
  compress,
  emit,
  type FeatureChoice,
  findChunks,
  fitKernel,
  type PlanOptions,
  parseKernelVersion,
  plan,
} from "@sextant/erofs";
import { peer } from "@sextant/peers";
import { withTemporaryDirectory } from "@sextant/testkit";
import type { Directory } from "@sextant/tree";
import { gather } from "../src/gather.js";
import { fixedTree } from "./trees.js";

/** Makes the image of a tree. */
export type Maker = (tree: Directory) => Promise<Uint8Array>;

async function write(tree: Directory, options: PlanOptions): Promise<Uint8Array> {
  const planned = plan(tree, options);
  return collectChunks(emit(planned, { hasher: nodeHasher }), planned.sizeBytes);
}

/** The image that this project writes. */
export const ours =
  (options: PlanOptions = {}): Maker =>
  (tree) =>
    write(tree, options);

/** The image that this project writes, files sharing the chunks that are equal. */
export const sharing: Maker = async (tree) => write(tree, { chunks: await findChunks(tree, { hasher: nodeHasher }) });

/** A choice of features, all of them off but for those that are named. */
export interface Choice extends Partial<Omit<FeatureChoice, "compression">> {
  /** Such as `lz4hc:12`. */
  readonly method: string;
  readonly clusterKiB: number;
}

/**
 * The compressed image that this project writes for a kernel: the choice as `--min-kernel` fits it. Throws where the kernel
 * does not have all of it, since the image would then not be the one that the test names.
 */
export const packed =
  (
    { method, clusterKiB, fragments = "none", tailPacking = false, dedupe = false }: Choice,
    oldest: string,
    options: PlanOptions = {},
  ): Maker =>
  async (tree) => {
    const [name, level = "0"] = method.split(":");
    const compression = { method: name as CompressionMethod, level: Number(level), clusterBytes: clusterKiB << 10 };
    const kernel = parseKernelVersion(oldest);
    if (kernel === undefined) throw new Error(`${oldest} is no version`);
    const fitted = fitKernel({ compression, fragments, tailPacking, dedupe }, kernel);
    const [first] = fitted.gaveUp;
    if (first !== undefined) throw new Error(`Linux ${oldest} does not have ${first.feature}`);
    await using compressed = await compress(tree, { ...fitted, compression, hasher: nodeHasher });
    if (tree === fixedTree) checkUse({ fragments, tailPacking, dedupe }, compressed);
    return await write(tree, { ...options, compressed });
  };

/** An image that uses nothing of what it is named for would prove nothing. Fragments take the ends that tails would be. */
function checkUse({ fragments, tailPacking, dedupe }: Omit<FeatureChoice, "compression">, made: Compressed): void {
  const unused = [
    fragments !== "none" && made.stats.packedBytes === 0 && "fragments",
    fragments === "none" && tailPacking && made.inline.size === 0 && "tail packing",
    dedupe && made.stats.repeatedBytes === 0 && "dedupe",
  ].filter((name) => name !== false);
  if (unused.length > 0) throw new Error(`the tree gives no occasion for ${unused.join(", ")}`);
}

/** The image that sid's mkfs.erofs makes of the tree's tar archive; needs no root. */
export const mkfs =
  (...args: readonly string[]): Maker =>
  (tree) =>
    withTemporaryDirectory(async (folder) => {
      const [program = "", ...before] = peer("mkfs.erofs", { suite: "sid" })?.command ?? [];
      const [image, archive] = [join(folder, "image"), join(folder, "tar")];
      writeFileSync(archive, await gather(writeTar(tree)));
      execFileSync(program, [...before, "--quiet", ...args, "--tar=f", image, archive], { stdio: "pipe" });
      return readFileSync(image);
    });
