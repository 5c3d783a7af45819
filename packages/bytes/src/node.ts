import { createHash, hash as hashOnce } from "node:crypto";
import type { Hasher } from "./hash.js";

/** Node's digests: over a GiB/s where the processor has SHA instructions. */
export const nodeHasher: Hasher = {
  create(algorithm) {
    const state = createHash(algorithm);
    return { update: (bytes) => void state.update(bytes), digest: () => state.digest() };
  },
  hash: (algorithm, bytes) => hashOnce(algorithm, bytes, "buffer"),
};
