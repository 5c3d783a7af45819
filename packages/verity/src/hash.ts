import type { ByteSource, Hasher } from "@sextant/bytes";
import { hashTypes } from "./layout.js";
import type { VerityParams } from "./params.js";

/** Data read in one request while hashing; a multiple of every block size. */
const readStepBytes = 1 << 20;

/** Writes the salted digests of the whole blocks of `blocks` into `out`, one after another. */
export type BlockHasher = (blocks: Uint8Array, out: Uint8Array) => void;

/** Hashes blocks of `blockBytes` with the algorithm, type and salt of the parameters. */
export function blockHasher(params: VerityParams, blockBytes: number, hasher: Hasher): BlockHasher {
  const { algorithm, salt } = params;
  // One call over salt and block side by side beats two updates; the copy costs a few percent of the digest.
  const salted = new Uint8Array(salt.length + blockBytes);
  const blockAt = params.hashType === hashTypes.normal ? salt.length : 0;
  salted.set(salt, params.hashType === hashTypes.normal ? 0 : blockBytes);
  return (blocks, out) => {
    let at = 0;
    for (let start = 0; start < blocks.length; start += blockBytes) {
      salted.set(blocks.subarray(start, start + blockBytes), blockAt);
      const digest = hasher.hash(algorithm, salted);
      out.set(digest, at);
      at += digest.length;
    }
  };
}

/** The digests of all data blocks, in order, in runs of about a MiB of data. Reads each data block once. */
export async function* dataDigests(
  data: ByteSource,
  params: VerityParams,
  digestBytes: number,
  hasher: Hasher,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const { dataBlockBytes } = params;
  const hash = blockHasher(params, dataBlockBytes, hasher);
  const end = params.dataBlocks * dataBlockBytes;
  for (let at = 0; at < end; at += readStepBytes) {
    signal?.throwIfAborted();
    const blocks = await data.read(at, Math.min(end, at + readStepBytes));
    const digests = new Uint8Array((blocks.length / dataBlockBytes) * digestBytes);
    hash(blocks, digests);
    yield digests;
  }
}
