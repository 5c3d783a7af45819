import { instantiate } from "../encode/module.js";
import { inflateWasm } from "../wasm/inflate.js";
import { unlz4Wasm } from "../wasm/unlz4.js";
import { unzstdWasm } from "../wasm/unzstd.js";

/** Bytes around input and output that the modules may read, and behind the output write. */
const slackBytes = 64;
const pageBytes = 65536;
/** Larger inputs with their outputs are left to the decoders that need no memory of their own. */
const areaLimitBytes = 2 ** 28;

/** One decoder in WebAssembly. */
export interface Machine {
  /**
   * Makes room for so much input and output, and gives that for the input; undefined where that is too much. What it gave
   * before is gone.
   */
  input(inputBytes: number, outputBytes: number): Uint8Array | undefined;
  /** Decodes what is in the input behind so many bytes. Gives how many bytes came out, or -1. */
  run(skippedBytes: number, windowLimitBytes: number, partial: boolean): number;
  /** The first `count` bytes of the output. */
  output(count: number): Uint8Array;
}

type Decode = (
  input: number,
  inputEnd: number,
  output: number,
  outputEnd: number,
  windowLimitBytes: number,
  partial: boolean,
) => number;

interface DecoderExports {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  /** Where input and output may begin. */
  readonly areas: () => number;
}

/** Instantiates the decoder of zstd frames. Throws where there is no WebAssembly. */
export function zstdMachine(): Machine {
  const exports = instantiate(unzstdWasm) as unknown as DecoderExports & { readonly decode: Decode };
  return machine(exports, exports.decode);
}

/** Instantiates the decoder of raw DEFLATE. Throws where there is no WebAssembly. */
export function deflateMachine(): Machine {
  return machineWithoutWindow(inflateWasm);
}

/** Instantiates the decoder of LZ4 blocks. Throws where there is no WebAssembly. */
export function lz4Machine(): Machine {
  return machineWithoutWindow(unlz4Wasm);
}

function machineWithoutWindow(wasm: string): Machine {
  const exports = instantiate(wasm) as unknown as DecoderExports & {
    readonly decode: (input: number, inputEnd: number, output: number, outputEnd: number, partial: boolean) => number;
  };
  return machine(exports, (input, inputEnd, output, outputEnd, _windowLimitBytes, partial) =>
    exports.decode(input, inputEnd, output, outputEnd, partial),
  );
}

function machine({ memory, areas }: DecoderExports, decode: Decode): Machine {
  const inputAt = areas();
  let bytes = new Uint8Array(memory.buffer);
  let inputEnd = inputAt;
  let outputAt = inputAt;
  let outputEnd = inputAt;
  return {
    input(inputBytes, outputBytes) {
      if (inputBytes + outputBytes > areaLimitBytes) return undefined;
      inputEnd = inputAt + inputBytes;
      outputAt = Math.ceil((inputEnd + 2 * slackBytes) / slackBytes) * slackBytes;
      outputEnd = outputAt + outputBytes;
      const missing = outputEnd + slackBytes - bytes.length;
      if (missing > 0) {
        try {
          memory.grow(Math.ceil(missing / pageBytes));
        } catch {
          return undefined;
        }
        bytes = new Uint8Array(memory.buffer);
      }
      return bytes.subarray(inputAt, inputEnd);
    },
    run: (skippedBytes, windowLimitBytes, partial) =>
      decode(inputAt + skippedBytes, inputEnd, outputAt, outputEnd, windowLimitBytes, partial),
    output: (count) => bytes.subarray(outputAt, outputAt + count),
  };
}
