import { lz4Wasm } from "../wasm/lz4.js";
import { type BlockModule, blockEncoder } from "./block-encoder.js";
import type { ClusterEncoder } from "./encoder.js";
import { instantiate } from "./module.js";

/** What assembly/lz4 exports. */
interface Lz4Module extends BlockModule {
  fill(start: number, end: number, capacity: number, parse: number, tries: number): number;
}

/** Ways to parse, as assembly/lz4/index.ts numbers them. */
const parses = { fast: 0, lazy: 1, optimal: 2 } as const;

/** How a level parses, and how many places a search looks at. */
type Effort = readonly [parse: keyof typeof parses, tries: number];

/**
 * With blocks of 64 KiB each level is smaller than the same level of liblz4 1.10. Optimal parsing finds its matches with so
 * few searches that level 12 takes less than twice as long as level 3.
 */
const efforts: readonly Effort[] = [
  ["fast", 1],
  ["lazy", 2],
  ["lazy", 8],
  ["optimal", 2],
  ["optimal", 4],
  ["optimal", 8],
  ["optimal", 12],
  ["optimal", 16],
  ["optimal", 24],
  ["optimal", 32],
  ["optimal", 64],
  ["optimal", 512],
  ["optimal", 4096],
];

/** How hard `lz4Encoder` tries. */
export interface Lz4Options {
  /** 0 (default) is LZ4: fast. 1 to 12 are LZ4HC: smaller and slower, decompressed just as fast. */
  readonly level?: number | undefined;
}

/**
 * Writes LZ4 blocks without a frame (LZ4 block format description, 2022-07-31), each filled to its capacity within some bytes.
 * More than 1 MiB of capacity is not made use of. Throws `RangeError` for a level that isn't there, an input larger than
 * the limit, and a range outside the input.
 */
export function lz4Encoder(options: Lz4Options = {}): ClusterEncoder {
  const { level = 0 } = options;
  const effort = efforts[level];
  if (effort === undefined) throw new RangeError(`the level must be a whole number from 0 to 12, not ${level}`);
  const module = instantiate(lz4Wasm) as Lz4Module;
  const [parse, tries] = effort;
  return blockEncoder(module, (start, end, capacity) => module.fill(start, end, capacity, parses[parse], tries));
}
