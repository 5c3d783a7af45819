import { sha256, sha512 } from "@noble/hashes/sha2.js";

/** The digests that verity, DDIs and signatures use. */
export type HashAlgorithm = "sha256" | "sha512";

/** A digest in progress. */
export interface HashState {
  update(bytes: Uint8Array): void;
  digest(): Uint8Array;
}

/**
 * How bytes are hashed. `portableHasher` runs anywhere; `nodeHasher` of `@sextant/bytes/node` is several times as fast.
 * Both give the same digests, so callers pass one as an option and results never depend on it.
 */
export interface Hasher {
  create(algorithm: HashAlgorithm): HashState;
  hash(algorithm: HashAlgorithm, bytes: Uint8Array): Uint8Array;
}

const functions = { sha256, sha512 };

/** Pure TypeScript digests: for browsers and small inputs. */
export const portableHasher: Hasher = {
  create(algorithm) {
    const state = functions[algorithm].create();
    return { update: (bytes) => void state.update(bytes), digest: () => state.digest() };
  },
  hash: (algorithm, bytes) => functions[algorithm](bytes),
};

/** Bytes that each algorithm gives. */
export const digestBytes = { sha256: 32, sha512: 64 } as const satisfies Record<HashAlgorithm, number>;
