import { type ByteSource, type Hasher, portableHasher, readChunks, viewOf } from "@sextant/bytes";
import { blockBytes, digestBytes } from "./layout.js";

export interface FsVerityOptions {
  /** Default: `portableHasher`; `nodeHasher` gives the same, faster. */
  readonly hasher?: Hasher | undefined;
}

/** Size of `struct fsverity_descriptor`, and where its fields are that are not 0 here. */
const descriptorBytes = 256;
const descriptorAt = { version: 0, hashAlgorithm: 1, blockBytesLog2: 2, dataSize: 8, rootHash: 16 } as const;
/** FS_VERITY_HASH_ALG_SHA256 */
const sha256Algorithm = 1;

/**
 * The digest that fs-verity gives a file with SHA-256, blocks of 4096 bytes and no salt: what `fsverity digest` prints and
 * composefs names objects by. Reads the source once; holds a block for each level of the tree.
 * Source: Documentation/filesystems/fsverity.rst, "Merkle tree" and "fs-verity descriptor".
 */
export async function fsVerityDigest(source: ByteSource, options: FsVerityOptions = {}): Promise<Uint8Array> {
  const { hasher = portableHasher } = options;
  const tree = merkleTree(hasher);
  for await (const bytes of readChunks(source)) tree.add(bytes);
  const descriptor = new Uint8Array(descriptorBytes);
  descriptor[descriptorAt.version] = 1;
  descriptor[descriptorAt.hashAlgorithm] = sha256Algorithm;
  descriptor[descriptorAt.blockBytesLog2] = Math.log2(blockBytes);
  viewOf(descriptor).setBigUint64(descriptorAt.dataSize, BigInt(source.size), true);
  if (source.size > 0) descriptor.set(tree.root(), descriptorAt.rootHash);
  return hasher.hash("sha256", descriptor);
}

/** A block that is being filled with the digests of the level below. */
interface Level {
  readonly block: Uint8Array;
  used: number;
}

function merkleTree(hasher: Hasher) {
  const levels: Level[] = [];
  /** A full block is hashed when more comes: if nothing does, it is the root. */
  const put = (index: number, digest: Uint8Array) => {
    const level = levels[index] ?? { block: new Uint8Array(blockBytes), used: 0 };
    levels[index] = level;
    if (level.used === blockBytes) {
      put(index + 1, hasher.hash("sha256", level.block));
      level.block.fill(0);
      level.used = 0;
    }
    level.block.set(digest, level.used);
    level.used += digestBytes;
  };
  return {
    /** Takes data; only the last piece may end within a block. */
    add(bytes: Uint8Array) {
      for (let at = 0; at < bytes.length; at += blockBytes) {
        const block = bytes.subarray(at, at + blockBytes);
        put(0, hasher.hash("sha256", block.length === blockBytes ? block : padded(block)));
      }
    },
    root(): Uint8Array {
      const [first] = levels;
      if (levels.length === 1 && first?.used === digestBytes) return first.block.subarray(0, digestBytes);
      for (let index = 0; ; index++) {
        const digest = hasher.hash("sha256", levels[index]?.block ?? new Uint8Array(blockBytes));
        if (index + 1 >= levels.length) return digest;
        put(index + 1, digest);
      }
    },
  };
}

function padded(bytes: Uint8Array): Uint8Array {
  const block = new Uint8Array(blockBytes);
  block.set(bytes);
  return block;
}
