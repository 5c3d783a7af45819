import type { Name } from "@sextant/tree";
import { direntRecord } from "./layout.js";

/** Size and shape of a directory's data. */
export interface DirectoryShape {
  /** Bytes: whole blocks, and what the last one uses. */
  readonly size: number;
  /** Index of the first name in each block. */
  readonly firstOfBlock: readonly number[];
}

/** Fills block after block with entries, as many as each takes, in the given order. */
export function shapeDirectory(names: readonly Name[], blockBytes: number): DirectoryShape {
  const firstOfBlock = [0];
  let used = 0;
  for (const [index, name] of names.entries()) {
    const bytes = direntRecord.size + name.length;
    if (used + bytes > blockBytes) {
      firstOfBlock.push(index);
      used = 0;
    }
    used += bytes;
  }
  return { size: (firstOfBlock.length - 1) * blockBytes + used, firstOfBlock };
}

/** Number of the block in which the name with that index stands. */
export function blockOfName(shape: DirectoryShape, index: number): number {
  const next = shape.firstOfBlock.findIndex((first) => first > index);
  return (next < 0 ? shape.firstOfBlock.length : next) - 1;
}
