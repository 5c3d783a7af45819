import { createCipheriv, createHash, hash as hashOnce } from "node:crypto";
import type { Hasher } from "../hash.js";

/** Node's digests: over a GiB/s where the processor has SHA instructions. */
export const nodeHasher: Hasher = {
  create(algorithm) {
    const state = createHash(algorithm);
    return { update: (bytes) => void state.update(bytes), digest: () => plain(state.digest()) };
  },
  hash: (algorithm, bytes) => plain(hashOnce(algorithm, bytes, "buffer")),
  fingerprint(bytes) {
    const cipher = createCipheriv("aes-128-gcm", zeroKey, zeroNonce);
    cipher.setAAD(bytes);
    cipher.final();
    return plain(cipher.getAuthTag());
  },
};

const zeroKey = new Uint8Array(16);
const zeroNonce = new Uint8Array(12);

/** Not a Buffer: its `slice` does not copy, which code written for `Uint8Array` relies on. */
const plain = (buffer: Buffer) => new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
