import { type ByteSource, equalBytes, type Hasher } from "@sextant/bytes";
import { VerityError } from "./errors.js";
import { blockHasher } from "./hash.js";
import type { VerityHashArea } from "./read.js";
import type { TreeShape } from "./shape.js";
import { entryOf } from "./trust.js";

/** Gives the digest of a data block. */
export type DigestOf = (dataBlock: number) => Uint8Array;

/** Verified blocks of the tree by their number in it, counted from the top block; least recently used first out. */
function blockCache(capacity: number) {
  const blocks = new Map<number, Uint8Array>();
  return {
    get: (number: number) => blocks.get(number),
    keep(number: number, bytes: Uint8Array) {
      blocks.delete(number);
      blocks.set(number, bytes);
      for (const oldest of blocks.keys()) {
        if (blocks.size <= capacity) break;
        blocks.delete(oldest);
      }
    },
  };
}

/** Tree blocks: verified ones from the cache, others as they come; calls at the same time share requests. */
function blockFetcher(tree: ByteSource, hashBlockBytes: number, verified: ReturnType<typeof blockCache>) {
  const coming = new Map<number, Promise<Uint8Array>>();

  const request = (from: number, end: number) => {
    const run = tree.read(from * hashBlockBytes, end * hashBlockBytes);
    for (let number = from; number < end; number++) {
      const at = (number - from) * hashBlockBytes;
      // A copy, so that a block that is kept does not keep its whole run.
      const bytes = run.then((whole) => new Uint8Array(whole.subarray(at, at + hashBlockBytes)));
      const arrived = () => void coming.delete(number);
      bytes.then(arrived, arrived);
      coming.set(number, bytes);
    }
  };

  /** Blocks `from` to `to`: bytes where they are verified, promises where not. Runs of missing ones are one request. */
  return (from: number, to: number): (Uint8Array | Promise<Uint8Array>)[] => {
    const missing = (number: number) => number <= to && !verified.get(number) && !coming.has(number);
    for (let number = from; number <= to; number++) {
      let end = number;
      while (missing(end)) end++;
      if (end > number) request(number, end);
    }
    return Array.from({ length: to - from + 1 }, (_, index) => {
      const number = from + index;
      return verified.get(number) ?? (coming.get(number) as Promise<Uint8Array>);
    });
  };
}

/**
 * Brings in the digests of data blocks `first` to `last`, verified up to the root hash, reading only the tree blocks above
 * them that are not cached. The requests for all levels start at once.
 */
export function trustedDigests(
  area: VerityHashArea,
  shape: TreeShape,
  rootHash: Uint8Array,
  hasher: Hasher,
  cachedBlocks: number,
): (first: number, last: number) => Promise<DigestOf> {
  const { hashBlockBytes } = area.params;
  const verified = blockCache(cachedBlocks);
  const fetchBlocks = blockFetcher(area.tree, hashBlockBytes, verified);
  const hash = blockHasher(area.params, hashBlockBytes, hasher);
  const digest = new Uint8Array(shape.digestBytes);

  return async (first, last) => {
    const levels = shape.levels.map(({ offset, dataBlocksPerBlock }, level) => {
      const from = Math.floor(first / dataBlocksPerBlock);
      const to = Math.floor(last / dataBlocksPerBlock);
      const base = offset / hashBlockBytes;
      return { level, from, base, pending: fetchBlocks(base + from, base + to) };
    });
    let digestOf: DigestOf = () => rootHash;
    // From the top down: each level against the one above, which is verified by then.
    for (const { level, from, base, pending } of levels.reverse()) {
      const blocks: Uint8Array[] = [];
      for (const [index, block] of pending.entries()) {
        const bytes = await block;
        const number = base + from + index;
        if (block !== bytes && verified.get(number) !== bytes) {
          hash(bytes, digest);
          if (!equalBytes(digest, digestOf(from + index))) throw mismatch(area, shape, level, from + index);
        }
        verified.keep(number, bytes);
        blocks.push(bytes);
      }
      digestOf = (child) =>
        entryOf(blocks[Math.floor(child / shape.hashesPerBlock) - from] as Uint8Array, child, shape);
    }
    return digestOf;
  };
}

function mismatch(area: VerityHashArea, shape: TreeShape, level: number, block: number): VerityError {
  const offset = area.treeOffset + (shape.levels[level]?.offset ?? 0) + block * area.params.hashBlockBytes;
  const context = { path: `tree.level${level}[${block}]`, offset, source: area.tree.name, level, block };
  if (level === shape.levels.length - 1) {
    const message = "the top block of the verity tree does not match the root hash";
    return new VerityError("MISMATCH_ROOT_HASH", message, context);
  }
  const message = `block ${block} of level ${level} of the verity tree does not match its digest in the level above`;
  return new VerityError("MISMATCH_TREE_BLOCK", message, context);
}
