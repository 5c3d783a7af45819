/** Runs in Node and in browsers alike. */
import { collectChunks, portableHasher, toHex } from "@sextant/bytes";
import {
  type Compressed,
  type Compression,
  type CompressionMethod,
  compress,
  compressionLevels,
  defaultClusterBytes,
  emit,
  plan,
} from "@sextant/erofs";
import { type Directory, directory, file, type Name } from "@sextant/tree";
import fc from "fast-check";
import { arbitraryTree } from "../../src/arbitrary-tree.js";
import { seededRandom } from "../../src/random.js";

/** SHA-256 of the images of `count` trees that a seed decides, compressed where a method is named. */
export async function imageDigests(seed: number, count: number, method?: CompressionMethod): Promise<string[]> {
  const digests: string[] = [];
  for (const tree of fc.sample(arbitraryTree({ maxFileBytes: 140_000 }), { seed, numRuns: count })) {
    await using compressed = method === undefined ? undefined : await pack(tree, method);
    const planned = plan(tree, { compressed });
    const image = await collectChunks(emit(planned), planned.sizeBytes);
    const sha256 = portableHasher.create("sha256");
    sha256.update(image);
    digests.push(toHex(sha256.digest()));
  }
  return digests;
}

function pack(tree: Directory, method: CompressionMethod): Promise<Compressed> {
  const compression = { method, level: compressionLevels[method].usual, clusterBytes: defaultClusterBytes };
  return compress(tree, { compression, fragments: "all", dedupe: true });
}

/** Files that compress, some that do not, and content that comes again. */
function compressibleTree(seed: number): Directory {
  const random = seededRandom(seed);
  const words = Array.from({ length: 300 }, () => random.bytes(2 + random.below(9)));
  const text = (size: number) => {
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size; ) {
      const word = random.pick(words);
      bytes.set(word.subarray(0, size - at), at);
      at += word.length;
    }
    return bytes;
  };
  const root = directory();
  const add = (name: string, bytes: Uint8Array) => root.entries.set(name as Name, file(bytes));
  for (let index = 0; index < 20; index++) add(`small-${index}`, text(random.below(30_000)));
  const large = text(700_000);
  add("large", large);
  add("large-again", large.slice());
  add("large-within", Uint8Array.from([...text(5000), ...large.subarray(0, 300_000), ...text(7000)]));
  add("noise", random.bytes(90_000));
  return root;
}

const methods: readonly Compression[] = [
  { method: "lz4", level: 0, clusterBytes: 4096 },
  { method: "lz4hc", level: 12, clusterBytes: 65536 },
  { method: "deflate", level: 9, clusterBytes: 32768 },
  { method: "zstd", level: 12, clusterBytes: 131072 },
];

/** SHA-256 of compressed images of a tree that a seed decides: each method plainly, and with all that shares. */
export async function compressedDigests(seed: number): Promise<string[]> {
  const tree = compressibleTree(seed);
  const digests: string[] = [];
  for (const compression of methods) {
    for (const more of [{}, { dedupe: true, fragments: "tails" }] as const) {
      await using compressed = await compress(tree, { compression, ...more });
      const planned = plan(tree, { compressed });
      const sha256 = portableHasher.create("sha256");
      sha256.update(await collectChunks(emit(planned), planned.sizeBytes));
      digests.push(toHex(sha256.digest()));
    }
  }
  return digests;
}

/** For tests of the browser itself. */
export function fail(message: string): never {
  throw new RangeError(message);
}

export const engine = (): string => (typeof process === "undefined" ? "browser" : "node");
