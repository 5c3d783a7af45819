/** Runs in Node and in browsers alike. */
import { collectChunks, portableHasher, toHex } from "@sextant/bytes";
import { emit, plan } from "@sextant/erofs";
import fc from "fast-check";
import { arbitraryTree } from "../../src/arbitrary-tree.js";

/** SHA-256 of the images of `count` trees that a seed decides. */
export async function imageDigests(seed: number, count: number): Promise<string[]> {
  const digests: string[] = [];
  for (const tree of fc.sample(arbitraryTree(), { seed, numRuns: count })) {
    const planned = plan(tree);
    const image = await collectChunks(emit(planned), planned.sizeBytes);
    const sha256 = portableHasher.create("sha256");
    sha256.update(image);
    digests.push(toHex(sha256.digest()));
  }
  return digests;
}

/** For tests of the browser itself. */
export function fail(message: string): never {
  throw new RangeError(message);
}

export const engine = (): string => (typeof process === "undefined" ? "browser" : "node");
