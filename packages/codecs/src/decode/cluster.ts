import { decodeBlock } from "../block.js";
import { decodeMicroLzma } from "../lzma/raw.js";
import { defaultWindowLimitBytes } from "../options.js";
import { deflateMachine, lz4Machine, type Machine, zstdMachine } from "./machine.js";

/** How clusters of filesystem images are compressed: LZ4 blocks, raw DEFLATE, zstd frames, or MicroLZMA. */
export type ClusterAlgorithm = "lz4" | "deflate" | "zstd" | "lzma";

/** How a cluster is decoded. */
export interface DecodeClusterOptions {
  /** The output may be shorter than the content; what does not fit is left. Default false. */
  readonly partial?: boolean | undefined;
  /** Of zstd: the largest window that a frame may ask for, in bytes. Default 256 MiB. */
  readonly windowLimitBytes?: number | undefined;
}

/** Decodes clusters that are here as a whole, one after another. */
export interface ClusterDecoder {
  /**
   * Decodes `input` into `output` and gives how many bytes came out. Without `partial` the output must hold all that is
   * there, and the input must end with it. Throws `CodecError`, with offsets in the input.
   */
  decode(algorithm: ClusterAlgorithm, input: Uint8Array, output: Uint8Array, options?: DecodeClusterOptions): number;
  /**
   * Room for an input of so many bytes, whose content will have up to `outputBytes`: what is put there need not be copied
   * once more. It, or the end of it where something else comes before, is for the next call of `decode` or `view` with these
   * very numbers, and gone afterwards.
   */
  input(algorithm: ClusterAlgorithm, inputBytes: number, outputBytes: number): Uint8Array;
  /** As `decode`, with an output of `outputBytes` that belongs to the decoder, and stays until the next call. */
  view(algorithm: ClusterAlgorithm, input: Uint8Array, outputBytes: number, options?: DecodeClusterOptions): Uint8Array;
}

const makers: Readonly<Partial<Record<ClusterAlgorithm, () => Machine>>> = {
  zstd: zstdMachine,
  deflate: deflateMachine,
  lz4: lz4Machine,
};

/**
 * A decoder of clusters. Where there is WebAssembly, LZ4, DEFLATE and zstd run in it, at nearly the speed of native code; each is
 * compiled when first needed. Memory: the largest input and output so far, for each algorithm.
 *
 * What the fast decoders do not take goes to those in TypeScript, which say what is wrong with it.
 */
export function clusterDecoder(): ClusterDecoder {
  const machines = new Map<ClusterAlgorithm, Machine | undefined>();
  const machineOf = (algorithm: ClusterAlgorithm): Machine | undefined => {
    if (!machines.has(algorithm)) machines.set(algorithm, start(makers[algorithm]));
    return machines.get(algorithm);
  };
  let room: Room | undefined;

  /** Has a machine decode, and gives what came out; undefined where it did not. */
  const decodeFast = (
    algorithm: ClusterAlgorithm,
    input: Uint8Array,
    outputBytes: number,
    { partial = false, windowLimitBytes = defaultWindowLimitBytes }: DecodeClusterOptions,
  ): Uint8Array | undefined => {
    const machine = machineOf(algorithm);
    if (machine === undefined) return undefined;
    let skippedBytes = 0;
    if (room === undefined || !isEndOf(input, room.bytes)) {
      const target = machine.input(input.length, outputBytes);
      if (target === undefined) return undefined;
      target.set(input);
    } else if (room.algorithm !== algorithm || room.outputBytes !== outputBytes) {
      throw new RangeError(`the input is in room for ${room.algorithm} and ${room.outputBytes} bytes of output`);
    } else {
      skippedBytes = room.bytes.length - input.length;
    }
    const count = machine.run(skippedBytes, windowLimitBytes, partial);
    return count < 0 ? undefined : machine.output(count);
  };

  return {
    decode(algorithm, input, output, options = {}) {
      const decoded = decodeFast(algorithm, input, output.length, options);
      if (decoded) output.set(decoded);
      const count = decoded ? decoded.length : decodeSlowly(algorithm, input, output, options);
      room = undefined;
      return count;
    },
    input(algorithm, inputBytes, outputBytes) {
      const bytes = machineOf(algorithm)?.input(inputBytes, outputBytes) ?? new Uint8Array(inputBytes);
      room = { bytes, algorithm, outputBytes };
      return bytes;
    },
    view(algorithm, input, outputBytes, options = {}) {
      const decoded = decodeFast(algorithm, input, outputBytes, options);
      room = undefined;
      if (decoded) return decoded;
      const output = new Uint8Array(outputBytes);
      return output.subarray(0, decodeSlowly(algorithm, input, output, options));
    },
  };
}

/** What `input` gave, and what for. */
interface Room {
  readonly bytes: Uint8Array;
  readonly algorithm: ClusterAlgorithm;
  readonly outputBytes: number;
}

const isEndOf = (part: Uint8Array, whole: Uint8Array) =>
  part.buffer === whole.buffer &&
  part.byteOffset >= whole.byteOffset &&
  part.byteOffset + part.length === whole.byteOffset + whole.length;

/** Undefined where there is no WebAssembly, or no memory for it. */
function start(make: (() => Machine) | undefined): Machine | undefined {
  try {
    return make?.();
  } catch {
    return undefined;
  }
}

function decodeSlowly(
  algorithm: ClusterAlgorithm,
  input: Uint8Array,
  output: Uint8Array,
  options: DecodeClusterOptions,
): number {
  if (algorithm === "lzma") return decodeMicroLzma(input, output, options);
  return decodeBlock(algorithm, input, output, options);
}
