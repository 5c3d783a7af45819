import { type ByteSource, type Hasher, portableHasher } from "@sextant/bytes";
import { VerityError } from "./errors.js";
import { blockHasher, dataDigests } from "./hash.js";
import { type VerityOptions, type VerityParams, verityParams } from "./params.js";
import { type TreeShape, treeShape } from "./shape.js";

/** A tree is built in memory: this much covers 256 GiB of data with SHA-256 and 4096-byte blocks. */
const maxTreeBytes = 2 ** 31;

/** A hash tree, in memory: 8 MiB for a GiB of data with SHA-256 and 4096-byte blocks. */
export interface VerityTree {
  readonly params: VerityParams;
  readonly shape: TreeShape;
  readonly rootHash: Uint8Array;
  /** The bytes of each level, whole hash blocks filled up with zeros; level 0, the one over the data, first. */
  readonly levels: readonly Uint8Array[];
}

/** What may be watched while data are hashed. */
export interface WorkOptions {
  /** Ends the work with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Told now and then how many bytes of the data are done. */
  readonly onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
}

export interface BuildOptions extends VerityOptions, WorkOptions {
  /** Default `portableHasher`; `@sextant/verity/node` has a faster way for files. */
  readonly hasher?: Hasher;
}

/**
 * Builds the tree over `data`, reading them once from start to end. Throws `RangeError` for options that do not fit each
 * other or the data, `VerityError` `LIMIT_TREE_BYTES` for a tree over 2 GiB.
 */
export async function buildVerity(data: ByteSource, options: BuildOptions = {}): Promise<VerityTree> {
  const { hasher = portableHasher } = options;
  const params = verityParams(data.size, options);
  const shape = treeShape(params);
  return treeFromDigests(params, dataDigests(data, params, shape.digestBytes, hasher, options.signal), hasher, options);
}

/**
 * The tree over data whose block digests somebody else computed: `runs` gives them in the order of the blocks, each run
 * any number of whole digests. Throws `RangeError` where they are not as many as there are data blocks.
 */
export async function treeFromDigests(
  params: VerityParams,
  runs: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  hasher: Hasher,
  options: WorkOptions = {},
): Promise<VerityTree> {
  const shape = treeShape(params);
  if (shape.treeBytes > maxTreeBytes) {
    throw new VerityError("LIMIT_TREE_BYTES", `a tree of ${shape.treeBytes} bytes is larger than ${maxTreeBytes}`);
  }
  const { hashBlockBytes, dataBlocks, dataBlockBytes } = params;
  const levels = shape.levels.map((level) => new Uint8Array(level.blocks * hashBlockBytes));
  const rootHash = new Uint8Array(shape.digestBytes);

  // Digests fill hash blocks without gaps, so a level is the digests of the one below in a row, then zeros.
  const digests = levels[0] ?? rootHash;
  const expected = dataBlocks * shape.digestBytes;
  let at = 0;
  for await (const run of runs) {
    options.signal?.throwIfAborted();
    if (at + run.length > expected) throw new RangeError(`more digests than ${dataBlocks} data blocks`);
    digests.set(run, at);
    at += run.length;
    options.onProgress?.((at / shape.digestBytes) * dataBlockBytes, shape.dataBytes);
  }
  if (at !== expected) throw new RangeError(`${at / shape.digestBytes} digests for ${dataBlocks} data blocks`);

  const hash = blockHasher(params, hashBlockBytes, hasher);
  for (const [level, bytes] of levels.entries()) hash(bytes, levels[level + 1] ?? rootHash);
  return { params, shape, rootHash, levels };
}
