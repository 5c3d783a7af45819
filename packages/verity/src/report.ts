import type { VerityHashArea } from "./read.js";
import type { TreeShape } from "./shape.js";

/** A block that does not have the digest that stands above it. */
export interface Damage {
  readonly area: "data" | "tree";
  /** Level of a tree block (0 is next to the data); undefined for data. */
  readonly level: number | undefined;
  /** Number within its level, or in the data. */
  readonly block: number;
  /** Of the block, in bytes, in the data or in the source that holds the hash area. */
  readonly offset: number;
  readonly bytes: number;
  /** The data blocks that it is, or vouches for. */
  readonly firstDataBlock: number;
  readonly dataBlocks: number;
  /**
   * True where the expected digest itself is proven, so that it is this block which is wrong (or, for the top block, the
   * root hash). False where a damaged block stands above: then either may be.
   */
  readonly certain: boolean;
}

/** What a check has found. */
export interface VerityReport {
  /** Everything matches, up to the root hash. */
  readonly ok: boolean;
  /** Blocks checked. */
  readonly dataBlocks: number;
  readonly treeBlocks: number;
  /** Blocks that are certainly wrong. */
  readonly damagedDataBlocks: number;
  readonly damagedTreeBlocks: number;
  /** Blocks that differ from what a damaged block says about them. */
  readonly suspectBlocks: number;
  /** Data blocks with a damaged block above them: nothing proves them right. */
  readonly unprovenDataBlocks: number;
  /** The first findings, a block before what is below it; the counts above go on where the list ends. */
  readonly damage: readonly Damage[];
}

/** Collects what a check finds: a bounded list, and counts. */
export interface Findings {
  treeBlock(level: number, block: number, certain: boolean): void;
  dataBlock(block: number, certain: boolean): void;
  unproven(dataBlocks: number): void;
  report(): VerityReport;
}

/** Nothing found yet; the list takes `maxDamage` findings. */
export function noFindings(area: VerityHashArea, shape: TreeShape, maxDamage: number): Findings {
  const { dataBlocks, dataBlockBytes, hashBlockBytes } = area.params;
  const damage: Damage[] = [];
  const counts = { damagedDataBlocks: 0, damagedTreeBlocks: 0, suspectBlocks: 0, unprovenDataBlocks: 0 };
  const list = (found: Damage) => {
    if (!found.certain) counts.suspectBlocks += 1;
    else if (found.area === "data") counts.damagedDataBlocks += 1;
    else counts.damagedTreeBlocks += 1;
    if (damage.length < maxDamage) damage.push(found);
  };
  return {
    treeBlock(level, block, certain) {
      const { offset = 0, dataBlocksPerBlock = 1 } = shape.levels[level] ?? {};
      const firstDataBlock = block * dataBlocksPerBlock;
      list({
        area: "tree",
        level,
        block,
        offset: area.treeOffset + offset + block * hashBlockBytes,
        bytes: hashBlockBytes,
        firstDataBlock,
        dataBlocks: Math.min(dataBlocks - firstDataBlock, dataBlocksPerBlock),
        certain,
      });
    },
    dataBlock(block, certain) {
      const offset = block * dataBlockBytes;
      const bytes = dataBlockBytes;
      list({ area: "data", level: undefined, block, offset, bytes, firstDataBlock: block, dataBlocks: 1, certain });
    },
    unproven(count) {
      counts.unprovenDataBlocks += count;
    },
    report: () => ({
      ok: counts.damagedDataBlocks + counts.damagedTreeBlocks === 0,
      dataBlocks,
      treeBlocks: shape.treeBytes / hashBlockBytes,
      ...counts,
      damage,
    }),
  };
}
