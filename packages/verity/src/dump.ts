import type { Span } from "@sextant/bytes";
import { superblock } from "./layout.js";
import { decodeSuperblock } from "./read.js";
import { treeOffsetAfter, treeShape } from "./shape.js";

/**
 * Every field of a superblock and the place of each level of the tree behind it, with offsets absolute where `base` is that
 * of the superblock. Throws what `decodeSuperblock` throws.
 */
export function dumpHashArea(bytes: Uint8Array, base = 0): Span[] {
  const { params } = decodeSuperblock(bytes, base);
  const { levels } = treeShape(params);
  const tree = treeOffsetAfter(base, params.hashBlockBytes);
  const spans = superblock.spans(bytes, 0, base);
  for (const [level, { blocks, offset }] of [...levels.entries()].reverse()) {
    const start = tree + offset;
    const value = blocks === 1 ? "1 block" : `${blocks} blocks`;
    spans.push({ start, end: start + blocks * params.hashBlockBytes, path: `tree.level${level}`, value });
  }
  return spans;
}
