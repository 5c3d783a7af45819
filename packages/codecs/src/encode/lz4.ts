import { lz4Wasm } from "../wasm/lz4.js";
import type { ClusterEncoder, Filled } from "./encoder.js";
import { instantiate, type ModuleMemory } from "./module.js";

/** What assembly/lz4 exports. Addresses and sizes are bytes. */
interface Lz4Module {
  readonly memory: ModuleMemory;
  inputAddress(): number;
  slackBytes(): number;
  outputAddress(): number;
  blockBytes(): number;
  fill(start: number, end: number, capacity: number, parse: number, tries: number): number;
}

const pageBytes = 65536;
const inputLimitBytes = 16 * 1024 * 1024;

/** How a level finds its matches: `parse` as assembly/lz4/index.ts numbers it, and how many places a search looks at. */
interface Effort {
  readonly parse: 0 | 1 | 2;
  readonly tries: number;
}

/**
 * Fast, lazy, and from level 3 on optimal parsing. With blocks of 64 KiB each level is smaller than the same level of
 * liblz4 1.10, and level 12 takes about as long as level 3: a search costs the least part of the time.
 */
const efforts: readonly Effort[] = [
  { parse: 0, tries: 1 },
  { parse: 1, tries: 2 },
  { parse: 1, tries: 8 },
  ...[2, 4, 8, 12, 16, 24, 32, 64, 512, 4096].map((tries) => ({ parse: 2, tries }) as const),
];

/** How hard `lz4Encoder` tries. */
export interface Lz4Options {
  /** 0 (default) is LZ4: fast. 1 to 12 are LZ4HC: smaller and slower, decompressed just as fast. */
  readonly level?: number | undefined;
}

/**
 * Writes LZ4 blocks without a frame, each filled to its capacity. More than 1 MiB of capacity is not made use of. Throws
 * `RangeError` for a level that isn't there, an input larger than the limit, and a range outside the input.
 */
export function lz4Encoder(options: Lz4Options = {}): ClusterEncoder {
  const { level = 0 } = options;
  const effort = efforts[level];
  if (effort === undefined) throw new RangeError(`the level must be a whole number from 0 to 12, not ${level}`);
  const module = instantiate(lz4Wasm) as Lz4Module;
  const base = module.inputAddress();
  const output = module.outputAddress();
  let inputBytes = 0;
  return {
    inputLimitBytes,
    input(bytes) {
      if (bytes > inputLimitBytes) throw new RangeError(`an input has at most ${inputLimitBytes} bytes, not ${bytes}`);
      const missing = base + bytes + module.slackBytes() - module.memory.buffer.byteLength;
      if (missing > 0) module.memory.grow(Math.ceil(missing / pageBytes));
      inputBytes = bytes;
      return new Uint8Array(module.memory.buffer, base, bytes);
    },
    fill(start, end, capacity): Filled | undefined {
      if (!(start >= 0 && start < end && end <= inputBytes)) {
        throw new RangeError(`there is no input from ${start} to ${end}`);
      }
      const consumed = module.fill(start, end, capacity, effort.parse, effort.tries);
      if (consumed === 0) return undefined;
      return { consumed, bytes: new Uint8Array(module.memory.buffer, output, module.blockBytes()) };
    },
  };
}
