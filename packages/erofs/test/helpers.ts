import { writeFileSync } from "node:fs";
import { collectChunks, fromBytes } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import type { Directory } from "@sextant/tree";
import { type ErofsImage, emit, open, type PlanOptions, plan } from "../src/index.js";

/** The image of a tree, in memory. */
export async function pack(tree: Directory, options: PlanOptions = {}): Promise<Uint8Array> {
  const planned = plan(tree, options);
  return collectChunks(emit(planned, { hasher: nodeHasher }), planned.sizeBytes);
}

export function openBytes(bytes: Uint8Array): Promise<ErofsImage> {
  return open(fromBytes(bytes));
}

/** The image of a tree, in a file. */
export async function packFile(tree: Directory, path: string, options: PlanOptions = {}): Promise<Uint8Array> {
  const bytes = await pack(tree, options);
  writeFileSync(path, bytes);
  return bytes;
}
