import type { Chunk } from "@sextant/bytes";
import type { VerityTree } from "./build.js";
import { signature, superblock, superblockAlignBytes, superblockVersion } from "./layout.js";
import type { VerityParams } from "./params.js";
import { treeOffsetAfter, treeShape } from "./shape.js";

/** Where and as what a hash area is written. */
export interface HashAreaOptions {
  /** 16 bytes, in the order in which a UUID is written as text. */
  readonly uuid: Uint8Array;
  /** Where the superblock goes in the output: a multiple of 512. Default 0. */
  readonly offset?: number;
}

/** The 512 bytes that describe a tree. Throws `RangeError` for a UUID that is not 16 bytes. */
export function encodeSuperblock(params: VerityParams, uuid: Uint8Array): Uint8Array {
  const salt = new Uint8Array(superblock.offsets.padding2 - superblock.offsets.salt);
  salt.set(params.salt);
  return superblock.encode({
    signature,
    version: superblockVersion,
    hashType: params.hashType,
    uuid,
    algorithm: params.algorithm,
    dataBlockBytes: params.dataBlockBytes,
    hashBlockBytes: params.hashBlockBytes,
    dataBlocks: BigInt(params.dataBlocks),
    saltBytes: params.salt.length,
    padding1: new Uint8Array(6),
    salt,
    padding2: new Uint8Array(168),
  });
}

/** Bytes from the superblock at `offset` (a multiple of 512, default 0) to the end of the tree. Known before hashing. */
export function hashAreaBytes(params: VerityParams, offset = 0): number {
  return treeOffsetAfter(offset, params.hashBlockBytes) + treeShape(params).treeBytes - offset;
}

/** A superblock and, from the next whole hash block on, the tree: what `veritysetup format` writes. */
export function* emitHashArea(tree: VerityTree, options: HashAreaOptions): Generator<Chunk> {
  const { uuid, offset = 0 } = options;
  if (!Number.isSafeInteger(offset) || offset < 0 || offset % superblockAlignBytes !== 0) {
    throw new RangeError(`a superblock cannot stand at ${offset}, not a multiple of ${superblockAlignBytes}`);
  }
  yield { offset, bytes: encodeSuperblock(tree.params, uuid) };
  yield* emitTree(tree, treeOffsetAfter(offset, tree.params.hashBlockBytes));
}

/** The tree alone, top level first, from `offset` on: what `veritysetup format --no-superblock` writes. */
export function* emitTree(tree: VerityTree, offset = 0): Generator<Chunk> {
  for (const [level, { offset: from }] of [...tree.shape.levels.entries()].reverse()) {
    yield { offset: offset + from, bytes: tree.levels[level] ?? new Uint8Array(0) };
  }
}
