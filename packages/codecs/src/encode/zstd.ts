import { zstdWasm } from "../wasm/zstd.js";
import type { ClusterEncoder, Filled } from "./encoder.js";
import { instantiate, type ModuleMemory } from "./module.js";

/** What assembly/zstd exports. Addresses and sizes are bytes. */
interface ZstdModule {
  readonly memory: ModuleMemory;
  /** Returns the address of the input. */
  prepare(level: number, windowLog2: number): number;
  memoryBytes(inputBytes: number): number;
  fill(start: number, end: number, capacity: number): number;
  frameAddress(): number;
  frameBytes(): number;
}

const pageBytes = 65536;
const inputLimitBytes = 64 * 1024 * 1024;
const highestLevel = 22;
const defaultWindowLog2 = 19;
const smallestWindowLog2 = 14;
/** The kernel takes no larger windows from EROFS images. */
const largestWindowLog2 = 20;

/** How `zstdEncoder` compresses. */
export interface ZstdOptions {
  /** 1 (fast) to 22 (small), about as zstd's own. Default 3. */
  readonly level?: number | undefined;
  /** Log2 of the window in bytes, 14 to 20: what decompressing needs in memory. Default 19, 512 KiB. */
  readonly windowLog2?: number | undefined;
}

/**
 * Writes zstd frames (RFC 8878), each filled to its capacity within some bytes. A frame states the size of its content and
 * has neither checksum nor dictionary. More than 1 MiB of capacity is not made use of. Throws `RangeError` for a level or a
 * window that isn't there, an input larger than the limit, and a range outside the input.
 */
export function zstdEncoder(options: ZstdOptions = {}): ClusterEncoder {
  const { level = 3, windowLog2 = defaultWindowLog2 } = options;
  if (!Number.isInteger(level) || level < 1 || level > highestLevel) {
    throw new RangeError(`the level must be a whole number from 1 to ${highestLevel}, not ${level}`);
  }
  if (!Number.isInteger(windowLog2) || windowLog2 < smallestWindowLog2 || windowLog2 > largestWindowLog2) {
    throw new RangeError(`windowLog2 must be from ${smallestWindowLog2} to ${largestWindowLog2}, not ${windowLog2}`);
  }
  const module = instantiate(zstdWasm) as ZstdModule;
  const base = module.prepare(level, windowLog2);
  let inputBytes = 0;
  const makeRoom = (bytes: number) => {
    const missing = module.memoryBytes(bytes) - module.memory.buffer.byteLength;
    if (missing > 0) module.memory.grow(Math.ceil(missing / pageBytes));
  };
  makeRoom(0);
  return {
    inputLimitBytes,
    input(bytes) {
      if (bytes > inputLimitBytes) throw new RangeError(`an input has at most ${inputLimitBytes} bytes, not ${bytes}`);
      makeRoom(bytes);
      inputBytes = bytes;
      return new Uint8Array(module.memory.buffer, base, bytes);
    },
    fill(start, end, capacity): Filled | undefined {
      if (!(start >= 0 && start < end && end <= inputBytes)) {
        throw new RangeError(`there is no input from ${start} to ${end}`);
      }
      const consumed = module.fill(start, end, capacity);
      if (consumed === 0) return undefined;
      return { consumed, bytes: new Uint8Array(module.memory.buffer, module.frameAddress(), module.frameBytes()) };
    },
  };
}
