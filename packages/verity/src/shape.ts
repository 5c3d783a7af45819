import { digestBytes } from "@sextant/bytes";
import { VerityError } from "./errors.js";
import { superblock } from "./layout.js";
import type { VerityParams } from "./params.js";

/** One level of a tree: the digests of all blocks of the level below, or of the data. */
export interface LevelShape {
  readonly blocks: number;
  /** Of its first block, in bytes from the start of the tree. */
  readonly offset: number;
  /** Data blocks that one block of this level vouches for. */
  readonly dataBlocksPerBlock: number;
}

/** Where everything is in a tree. */
export interface TreeShape {
  readonly digestBytes: number;
  readonly hashesPerBlock: number;
  /**
   * As the kernel numbers them: level 0 holds the digests of the data, the last is the top, a single block. On disk the
   * top comes first. Data of one block have no level: their digest is the root hash.
   */
  readonly levels: readonly LevelShape[];
  readonly treeBytes: number;
  /** Bytes under the tree. */
  readonly dataBytes: number;
}

/** The shape of the tree with these parameters. Throws `VerityError` `LIMIT_TREE_BYTES` where sizes pass 2^53. */
export function treeShape(params: VerityParams): TreeShape {
  const { dataBlocks, dataBlockBytes, hashBlockBytes } = params;
  const digest = digestBytes[params.algorithm];
  const hashesPerBlock = hashBlockBytes / digest;
  const counts: number[] = [];
  // At least 8 hashes fit a block, so that 2^53 data blocks end after 18 levels.
  for (let blocks = dataBlocks; blocks > 1; ) {
    blocks = Math.ceil(blocks / hashesPerBlock);
    counts.push(blocks);
  }
  let treeBlocks = 0;
  const levels: LevelShape[] = [];
  for (const [level, blocks] of [...counts.entries()].reverse()) {
    const dataBlocksPerBlock = hashesPerBlock ** (level + 1);
    levels.unshift({ blocks, offset: treeBlocks * hashBlockBytes, dataBlocksPerBlock });
    treeBlocks += blocks;
  }
  const treeBytes = treeBlocks * hashBlockBytes;
  const dataBytes = dataBlocks * dataBlockBytes;
  if (!Number.isSafeInteger(dataBytes + treeBytes)) {
    throw new VerityError("LIMIT_TREE_BYTES", `${dataBlocks} data blocks are more than this program can address`, {
      path: "superblock.dataBlocks",
    });
  }
  return { digestBytes: digest, hashesPerBlock, levels, treeBytes, dataBytes };
}

/**
 * Where the tree starts in a source whose superblock stands at `superblockOffset`: at the next whole hash block *of the
 * source*, as veritysetup counts with `--hash-offset`.
 */
export function treeOffsetAfter(superblockOffset: number, hashBlockBytes: number): number {
  return Math.ceil((superblockOffset + superblock.size) / hashBlockBytes) * hashBlockBytes;
}
