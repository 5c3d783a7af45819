import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeTar } from "@sextant/archive";
import { collectChunks } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import { emit, type PlanOptions, plan } from "@sextant/erofs";
import { peer } from "@sextant/peers";
import { withTemporaryDirectory } from "@sextant/testkit";
import type { Directory } from "@sextant/tree";
import { gather } from "../src/gather.js";

/** Makes the image of a tree. */
export type Maker = (tree: Directory) => Promise<Uint8Array>;

/** The image that this project writes. */
export const ours =
  (options: PlanOptions = {}): Maker =>
  (tree) => {
    const planned = plan(tree, options);
    return collectChunks(emit(planned, { hasher: nodeHasher }), planned.sizeBytes);
  };

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
