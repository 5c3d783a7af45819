import { type ByteSource, equalBytes, type Hasher, portableHasher } from "@sextant/bytes";
import type { WorkOptions } from "./build.js";
import { blockHasher, dataDigests } from "./hash.js";
import type { VerityHashArea } from "./read.js";
import { type Findings, noFindings, type VerityReport } from "./report.js";
import type { TreeShape } from "./shape.js";
import { checkDataSize, entryOf, shapeUnder } from "./trust.js";

/** Tree read in one request while checking. */
const treeStepBytes = 1 << 20;

/** How a check works and what its report holds. */
export interface CheckReportOptions extends WorkOptions {
  /** Findings listed at most; counting goes on. Default 100. */
  readonly maxDamage?: number;
}

export interface CheckOptions extends CheckReportOptions {
  /** Default `portableHasher`; `checkFile` of `@sextant/verity/node` is faster for files. */
  readonly hasher?: Hasher;
}

/**
 * Verifies every block of the data and of the tree, each read once, and locates what is damaged; damage is reported, not
 * thrown. Throws `VerityError` `MISMATCH_DATA_SIZE` or `MISMATCH_ROOT_HASH` where data or root hash are too short for the
 * tree.
 */
export async function checkVerity(
  data: ByteSource,
  area: VerityHashArea,
  rootHash: Uint8Array,
  options: CheckOptions = {},
): Promise<VerityReport> {
  const { hasher = portableHasher } = options;
  const shape = shapeUnder(rootHash, area.params);
  checkDataSize(data, area.params);
  const runs = dataDigests(data, area.params, shape.digestBytes, hasher, options.signal);
  return checkDigests(runs, area, rootHash, hasher, options);
}

/**
 * `checkVerity` for data whose block digests somebody else computes: `runs` gives them in the order of the blocks, each
 * run any number of whole digests. Throws `RangeError` where they are not as many as there are data blocks.
 */
export async function checkDigests(
  runs: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  area: VerityHashArea,
  rootHash: Uint8Array,
  hasher: Hasher,
  options: CheckReportOptions = {},
): Promise<VerityReport> {
  const { dataBlocks, dataBlockBytes } = area.params;
  const shape = shapeUnder(rootHash, area.params);
  const { digestBytes, hashesPerBlock } = shape;
  const findings = noFindings(area, shape, options.maxDamage ?? 100);
  const parents = parentsOf(-1, { area, shape, rootHash, hasher, findings });
  let parent: TreeBlock | undefined;
  let block = 0;
  for await (const run of runs) {
    options.signal?.throwIfAborted();
    for (let at = 0; at < run.length; ) {
      if (block >= dataBlocks) throw new RangeError(`more digests than ${dataBlocks} data blocks`);
      if (!parent || block % hashesPerBlock === 0) parent = (await parents.next()).value as TreeBlock;
      const siblings = Math.min(dataBlocks - block, hashesPerBlock - (block % hashesPerBlock));
      const digests = run.subarray(at, at + siblings * digestBytes);
      compareData(digests, block, parent, shape, findings);
      block += digests.length / digestBytes;
      at += digests.length;
    }
    options.onProgress?.(block * dataBlockBytes, shape.dataBytes);
  }
  if (block !== dataBlocks) throw new RangeError(`${block} digests for ${dataBlocks} data blocks`);
  return findings.report();
}

/** A block that holds digests, or the root hash in the place of one. */
interface TreeBlock {
  readonly bytes: Uint8Array;
  /** Whether the digests of this block and of all above it are right, up to the root hash. */
  readonly proven: boolean;
}

interface Check {
  readonly area: VerityHashArea;
  readonly shape: TreeShape;
  readonly rootHash: Uint8Array;
  readonly hasher: Hasher;
  readonly findings: Findings;
}

/** The blocks above a level (-1: the data), in order. What is above the top is the root hash. */
function parentsOf(level: number, check: Check): AsyncGenerator<TreeBlock> | Generator<TreeBlock> {
  if (level + 1 < check.shape.levels.length) return levelBlocks(level + 1, check);
  return (function* () {
    yield { bytes: check.rootHash, proven: true };
  })();
}

/** The blocks of a level, in order, each compared with the one above it. Every tree block is read just once. */
async function* levelBlocks(level: number, check: Check): AsyncGenerator<TreeBlock> {
  const { area, shape, findings } = check;
  const { hashBlockBytes } = area.params;
  const { blocks = 0, offset = 0 } = shape.levels[level] ?? {};
  const hash = blockHasher(area.params, hashBlockBytes, check.hasher);
  const digest = new Uint8Array(shape.digestBytes);
  const step = Math.max(1, treeStepBytes / hashBlockBytes);
  let block = 0;
  for await (const parent of parentsOf(level, check)) {
    const end = Math.min(blocks, block + shape.hashesPerBlock);
    while (block < end) {
      const first = block;
      const last = Math.min(end, first + step);
      const bytes = await area.tree.read(offset + first * hashBlockBytes, offset + last * hashBlockBytes);
      for (; block < last; block++) {
        const one = bytes.subarray((block - first) * hashBlockBytes, (block - first + 1) * hashBlockBytes);
        hash(one, digest);
        const matches = equalBytes(digest, entryOf(parent.bytes, block, shape));
        if (!matches) findings.treeBlock(level, block, parent.proven);
        yield { bytes: one, proven: parent.proven && matches };
      }
    }
  }
}

/** Compares digests of data blocks from `first` on, which stand under the same parent. */
function compareData(
  digests: Uint8Array,
  first: number,
  parent: TreeBlock,
  shape: TreeShape,
  findings: Findings,
): void {
  const { digestBytes } = shape;
  const count = digests.length / digestBytes;
  if (!parent.proven) findings.unproven(count);
  const from = (first % shape.hashesPerBlock) * digestBytes;
  if (equalBytes(digests, parent.bytes.subarray(from, from + digests.length))) return;
  for (let index = 0; index < count; index++) {
    const digest = digests.subarray(index * digestBytes, (index + 1) * digestBytes);
    if (!equalBytes(digest, entryOf(parent.bytes, first + index, shape))) {
      findings.dataBlock(first + index, parent.proven);
    }
  }
}
