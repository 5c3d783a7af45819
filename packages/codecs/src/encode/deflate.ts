import { deflateWasm } from "../wasm/deflate.js";
import { type BlockModule, blockEncoder } from "./block-encoder.js";
import type { ClusterEncoder } from "./encoder.js";
import { instantiate } from "./module.js";

/** What assembly/deflate exports. */
interface DeflateModule extends BlockModule {
  fill(start: number, end: number, capacity: number, tries: number, longEnough: number, lazy: boolean): number;
}

/** Places that a search looks at, the length that ends it, and whether the next byte may have a better match. */
type Effort = readonly [tries: number, longEnough: number, lazy: boolean];

const efforts: Readonly<Record<number, Effort>> = {
  1: [2, 16, false],
  2: [6, 32, false],
  3: [4, 32, true],
  4: [8, 64, true],
  5: [16, 96, true],
  6: [32, 130, true],
  7: [64, 160, true],
  8: [256, 258, true],
  9: [1024, 258, true],
};

/** How hard `deflateEncoder` tries. */
export interface DeflateOptions {
  /** 1 (fast) to 9 (small), about as zlib's own. Default 6. */
  readonly level?: number | undefined;
}

/**
 * Writes raw DEFLATE (RFC 1951), each stream filled to its capacity within some bytes. The input is parsed once: the symbols
 * of a block that is too long are cut where it is full, and its codes made anew. More than 1 MiB of capacity is not made use
 * of. Throws `RangeError` for a level that isn't there, an input larger than the limit, and a range outside the input.
 */
export function deflateEncoder(options: DeflateOptions = {}): ClusterEncoder {
  const { level = 6 } = options;
  const effort = efforts[level];
  if (effort === undefined) throw new RangeError(`the level must be a whole number from 1 to 9, not ${level}`);
  const module = instantiate(deflateWasm) as DeflateModule;
  return blockEncoder(module, (start, end, capacity) => module.fill(start, end, capacity, ...effort));
}
