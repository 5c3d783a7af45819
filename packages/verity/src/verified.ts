import { type ByteSource, checkRange, equalBytes, type Hasher, portableHasher } from "@sextant/bytes";
import { VerityError } from "./errors.js";
import { blockHasher } from "./hash.js";
import type { VerityHashArea } from "./read.js";
import { checkDataSize, shapeUnder } from "./trust.js";
import { trustedDigests } from "./trusted.js";

export interface VerifiedOptions {
  /** Default `portableHasher`. */
  readonly hasher?: Hasher;
  /** Verified tree blocks that are kept, least recently used first out. Default 1024 (4 MiB of 4096-byte blocks). */
  readonly cachedBlocks?: number;
}

/**
 * The data under a tree as a source that gives only bytes whose chain of digests ends at `rootHash`. Its size is what
 * the tree covers. A read asks for the whole data blocks it touches in one request and, at the same time, for the tree
 * blocks above them that are not yet known, in one request for each level and run; nothing else of the tree is read. Data are not
 * kept: put `cached` around it where the same blocks are read again.
 *
 * Reads throw `VerityError` `MISMATCH_DATA_BLOCK`, `MISMATCH_TREE_BLOCK` or `MISMATCH_ROOT_HASH` with the block and its offset.
 * Throws `MISMATCH_DATA_SIZE` and `MISMATCH_ROOT_HASH` at once where data or root hash are too short for the tree.
 */
export function verifiedSource(
  data: ByteSource,
  area: VerityHashArea,
  rootHash: Uint8Array,
  options: VerifiedOptions = {},
): ByteSource {
  const { hasher = portableHasher, cachedBlocks = 1024 } = options;
  const { params } = area;
  const shape = shapeUnder(rootHash, params);
  checkDataSize(data, params);
  const digestsAbove = trustedDigests(area, shape, rootHash, hasher, cachedBlocks);
  const hash = blockHasher(params, params.dataBlockBytes, hasher);

  const verify = (blocks: Uint8Array, first: number, digestOf: (block: number) => Uint8Array) => {
    const digests = new Uint8Array((blocks.length / params.dataBlockBytes) * shape.digestBytes);
    hash(blocks, digests);
    for (let at = 0; at < digests.length; at += shape.digestBytes) {
      const block = first + at / shape.digestBytes;
      if (equalBytes(digests.subarray(at, at + shape.digestBytes), digestOf(block))) continue;
      const offset = block * params.dataBlockBytes;
      const code = shape.levels.length === 0 ? "MISMATCH_ROOT_HASH" : "MISMATCH_DATA_BLOCK";
      const message = `data block ${block} does not match its digest in the verity tree`;
      throw new VerityError(code, message, { path: `data[${block}]`, offset, source: data.name, block });
    }
  };

  const verified: ByteSource = {
    size: shape.dataBytes,
    name: data.name,
    async read(start, end) {
      checkRange(verified, start, end);
      if (start === end) return new Uint8Array(0);
      const first = Math.floor(start / params.dataBlockBytes);
      const last = Math.floor((end - 1) / params.dataBlockBytes);
      const base = first * params.dataBlockBytes;
      const [blocks, digestOf] = await Promise.all([
        data.read(base, (last + 1) * params.dataBlockBytes),
        digestsAbove(first, last),
      ]);
      verify(blocks, first, digestOf);
      return blocks.subarray(start - base, end - base);
    },
  };
  return verified;
}
