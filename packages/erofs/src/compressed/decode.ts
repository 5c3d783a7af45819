import { type ClusterDecoder, CodecError } from "@sextant/codecs";
import { ErofsError } from "../errors.js";
import { type AlgorithmName, maxDecodedBytes } from "./layout.js";

/** How the bytes of a cluster become those of an extent. */
export interface ClusterCode {
  readonly algorithm: AlgorithmName | "stored";
  /** What is compressed ends with the cluster, zeros before it (feature `0padding`); else it begins with it. */
  readonly padded: boolean;
  /** The cluster may hold more than what is wanted. */
  readonly partial: boolean;
  /** Of stored clusters: by how many bytes they are turned round. */
  readonly turnedBytes: number;
  /** Zeros may come before the compressed data up to here. */
  readonly padLimitBytes: number;
}

/**
 * Fills `output` with the beginning of what a cluster holds. Throws `MALFORMED_CLUSTER` where that is not exactly as much,
 * or with `partial` not as much, or does not decompress. `ErofsError` without place.
 */
export function decodeCluster(
  decoder: ClusterDecoder,
  stored: Uint8Array,
  output: Uint8Array,
  code: ClusterCode,
): void {
  const { algorithm, partial } = code;
  if (output.length > maxDecodedBytes) {
    throw new ErofsError("LIMIT_CLUSTER", `a cluster of ${output.length} bytes is larger than ${maxDecodedBytes}`);
  }
  if (algorithm === "stored") {
    copyStored(stored, output, code.turnedBytes);
    return;
  }
  const from = code.padded ? skipPadding(stored, code.padLimitBytes) : 0;
  const got = decompress(decoder, algorithm, stored.subarray(from), output, partial || !code.padded);
  if (got === output.length) return;
  throw new ErofsError("MALFORMED_CLUSTER", `the cluster holds ${got} bytes, expected ${output.length}`);
}

/**
 * As `decodeCluster`, for a cluster that is compressed; gives the output, which belongs to the decoder and stays until its
 * next call. Without a copy where `stored` is what the decoder's `input` gave.
 */
export function viewCluster(
  decoder: ClusterDecoder,
  stored: Uint8Array,
  outputBytes: number,
  { algorithm, partial, padded, padLimitBytes }: ClusterCode & { readonly algorithm: AlgorithmName },
): Uint8Array {
  const from = padded ? skipPadding(stored, padLimitBytes) : 0;
  const options = { partial: partial || !padded, windowLimitBytes: maxDecodedBytes };
  const output = attempt(() => decoder.view(algorithm, stored.subarray(from), outputBytes, options));
  if (output.length === outputBytes) return output;
  throw new ErofsError("MALFORMED_CLUSTER", `the cluster holds ${output.length} bytes, expected ${outputBytes}`);
}

function decompress(
  decoder: ClusterDecoder,
  algorithm: AlgorithmName,
  input: Uint8Array,
  output: Uint8Array,
  partial: boolean,
): number {
  return attempt(() => decoder.decode(algorithm, input, output, { partial, windowLimitBytes: maxDecodedBytes }));
}

function attempt<T>(decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    if (!(cause instanceof CodecError)) throw cause;
    throw new ErofsError("MALFORMED_CLUSTER", `the cluster does not decompress: ${cause.message}`, {}, { cause });
  }
}

function copyStored(stored: Uint8Array, output: Uint8Array, turnedBytes: number): void {
  if (output.length > stored.length) {
    throw new ErofsError("MALFORMED_CLUSTER", `${stored.length} stored bytes cannot be ${output.length}`);
  }
  const behind = Math.min(output.length, stored.length - turnedBytes);
  output.set(stored.subarray(turnedBytes, turnedBytes + behind));
  output.set(stored.subarray(0, output.length - behind), behind);
}

/** Where the compressed data begins: behind zeros, which are less than a block. */
export function skipPadding(stored: Uint8Array, limitBytes: number): number {
  const limit = Math.min(stored.length, limitBytes);
  let at = 0;
  while (at < limit && stored[at] === 0) at++;
  if (at < limit) return at;
  throw new ErofsError("MALFORMED_CLUSTER", `the cluster begins with ${at} zeros`);
}
