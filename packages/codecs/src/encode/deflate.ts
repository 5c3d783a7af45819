import { deflateWasm } from "../wasm/deflate.js";
import type { ClusterEncoder, Filled } from "./encoder.js";
import { instantiate, type ModuleMemory } from "./module.js";

/** What assembly/deflate exports. Addresses and sizes are bytes. */
interface DeflateModule {
  readonly memory: ModuleMemory;
  inputAddress(): number;
  slackBytes(): number;
  outputAddress(): number;
  streamBytes(): number;
  fill(start: number, end: number, capacity: number, tries: number, longEnough: number, lazy: boolean): number;
}

const pageBytes = 65536;
const inputLimitBytes = 16 * 1024 * 1024;

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
 * Writes raw DEFLATE (RFC 1951), each stream filled to its capacity within some bytes. More than 1 MiB of capacity is not
 * made use of. Throws `RangeError` for a level that isn't there, an input larger than the limit, and a range outside the
 * input.
 */
export function deflateEncoder(options: DeflateOptions = {}): ClusterEncoder {
  const { level = 6 } = options;
  const effort = efforts[level];
  if (effort === undefined) throw new RangeError(`the level must be a whole number from 1 to 9, not ${level}`);
  const module = instantiate(deflateWasm) as DeflateModule;
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
      const consumed = module.fill(start, end, capacity, ...effort);
      if (consumed === 0) return undefined;
      return { consumed, bytes: new Uint8Array(module.memory.buffer, output, module.streamBytes()) };
    },
  };
}
