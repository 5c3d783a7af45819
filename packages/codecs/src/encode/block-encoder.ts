import type { ClusterEncoder, Filled } from "./encoder.js";
import type { ModuleMemory } from "./module.js";

/** What an encoder in WebAssembly exports besides its own `fill`. Addresses and sizes are bytes. */
export interface BlockModule {
  readonly memory: ModuleMemory;
  inputAddress(): number;
  /** What must exist behind the input. */
  slackBytes(): number;
  outputAddress(): number;
  /** Size of what was filled last. */
  blockBytes(): number;
}

const pageBytes = 65536;
const inputLimitBytes = 16 * 1024 * 1024;

/** A `ClusterEncoder` out of a module; `fill` gives how many bytes of the input it took. */
export function blockEncoder(
  module: BlockModule,
  fill: (start: number, end: number, capacity: number) => number,
): ClusterEncoder {
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
      const consumed = fill(start, end, capacity);
      if (consumed === 0) return undefined;
      return { consumed, bytes: new Uint8Array(module.memory.buffer, output, module.blockBytes()) };
    },
  };
}
