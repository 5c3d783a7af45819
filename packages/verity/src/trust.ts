import type { ByteSource } from "@sextant/bytes";
import { VerityError } from "./errors.js";
import type { VerityParams } from "./params.js";
import { type TreeShape, treeShape } from "./shape.js";

/** The shape of the tree, if the root hash has the size for it. Throws `VerityError` `MISMATCH_ROOT_HASH`. */
export function shapeUnder(rootHash: Uint8Array, params: VerityParams): TreeShape {
  const shape = treeShape(params);
  if (rootHash.length === shape.digestBytes) return shape;
  const message = `the root hash has ${rootHash.length} bytes, ${params.algorithm} gives ${shape.digestBytes}`;
  throw new VerityError("MISMATCH_ROOT_HASH", message, { path: "rootHash" });
}

/** Throws `VerityError` `MISMATCH_DATA_SIZE` where the data are shorter than what the tree covers. */
export function checkDataSize(data: Pick<ByteSource, "size" | "name">, params: VerityParams): void {
  const { dataBlocks, dataBlockBytes } = params;
  if (data.size >= dataBlocks * dataBlockBytes) return;
  const message = `the tree covers ${dataBlocks} blocks of ${dataBlockBytes} bytes, the data have ${data.size} bytes`;
  throw new VerityError("MISMATCH_DATA_SIZE", message, { path: "data", offset: data.size, source: data.name });
}

/** The digest of child number `child` (in the level below) in the block that stands above it. */
export function entryOf(block: Uint8Array, child: number, shape: TreeShape): Uint8Array {
  const at = (child % shape.hashesPerBlock) * shape.digestBytes;
  return block.subarray(at, at + shape.digestBytes);
}
