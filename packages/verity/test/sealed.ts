import { type ByteSource, collectChunks, fromBytes } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import {
  buildVerity,
  emitHashArea,
  hashAreaBytes,
  openHashArea,
  type VerityHashArea,
  type VerityOptions,
  type VerityTree,
} from "@sextant/verity";
import { pattern, uuid } from "./cases.js";

/** Data with their tree, in memory. */
export interface Sealed {
  readonly data: Uint8Array;
  readonly tree: VerityTree;
  /** Superblock and tree as a file has them. */
  readonly area: Uint8Array;
}

export async function sealed(blocks: number, options: VerityOptions = {}): Promise<Sealed> {
  const data = pattern(blocks * (options.dataBlockBytes ?? 4096));
  const tree = await buildVerity(fromBytes(data), { ...options, hasher: nodeHasher });
  const area = await collectChunks(emitHashArea(tree, { uuid }), hashAreaBytes(tree.params));
  return { data, tree, area };
}

/** The hash area in a source of that name. */
export function opened(area: Uint8Array | ByteSource, name = "hash"): Promise<VerityHashArea> {
  return openHashArea(area instanceof Uint8Array ? fromBytes(area, name) : area);
}

/** A copy with one bit flipped. */
export function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice();
  const at = Math.floor(bit / 8);
  copy[at] = (copy[at] ?? 0) ^ (1 << (bit % 8));
  return copy;
}

/** The error that a promise rejects with; fails where it resolves. */
export async function rejectionOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => {
      throw new Error("nothing was thrown");
    },
    (error: unknown) => error,
  );
}
