import { type ByteSource, digestBytes, equalBytes, type HashAlgorithm, slice, toSafeNumber } from "@sextant/bytes";
import { VerityError } from "./errors.js";
import {
  type HashType,
  hashTypes,
  isBlockBytes,
  maxBlockBytes,
  maxSaltBytes,
  minBlockBytes,
  type SuperblockRecord,
  signature,
  superblock,
  superblockVersion,
} from "./layout.js";
import { type VerityParams, verityParams } from "./params.js";
import { treeOffsetAfter, treeShape } from "./shape.js";

/** What a superblock says. Nothing vouches for it: with wrong parameters the root hash does not come out. */
export interface VeritySuperblock {
  readonly params: VerityParams;
  /** 16 bytes, in the order in which a UUID is written as text. */
  readonly uuid: Uint8Array;
}

/** A tree that is there to check data with. */
export interface VerityHashArea {
  readonly params: VerityParams;
  /** Exactly the tree, from its top block on. */
  readonly tree: ByteSource;
  /** Where the tree starts in the source that it is part of, for messages and reports. */
  readonly treeOffset: number;
  /** Of the superblock, where there is one. */
  readonly uuid?: Uint8Array | undefined;
}

export interface OpenOptions {
  /** Where the superblock stands in the source. Default 0. */
  readonly offset?: number;
}

/**
 * Decodes and validates a superblock of 512 bytes; `base` is its absolute offset and `source` its name, for errors. Throws
 * `VerityError` `MALFORMED_SUPERBLOCK` or `UNSUPPORTED_…`; `BytesError` for fewer bytes and for 2^53 blocks and more.
 */
export function decodeSuperblock(bytes: Uint8Array, base = 0, source?: string): VeritySuperblock {
  const fields = superblock.decode(bytes, 0, base);
  const wrong = (code: VerityError["code"], field: keyof SuperblockRecord, message: string) =>
    new VerityError(code, message, { path: `superblock.${field}`, offset: base + superblock.offsets[field], source });

  if (!equalBytes(fields.signature, signature)) {
    throw wrong("MALFORMED_SUPERBLOCK", "signature", "this is not a verity superblock");
  }
  if (fields.version !== superblockVersion) {
    throw wrong("UNSUPPORTED_VERSION", "version", `superblock version ${fields.version} is not ${superblockVersion}`);
  }
  if (fields.hashType !== hashTypes.normal && fields.hashType !== hashTypes.chromeOs) {
    throw wrong("UNSUPPORTED_HASH_TYPE", "hashType", `hash type ${fields.hashType} is neither 0 nor 1`);
  }
  if (!Object.hasOwn(digestBytes, fields.algorithm)) {
    const name = JSON.stringify(fields.algorithm);
    throw wrong("UNSUPPORTED_ALGORITHM", "algorithm", `the hash algorithm ${name} is not sha256 or sha512`);
  }
  for (const field of ["dataBlockBytes", "hashBlockBytes"] as const) {
    if (isBlockBytes(fields[field])) continue;
    const range = `not a power of two from ${minBlockBytes} to ${maxBlockBytes}`;
    throw wrong("UNSUPPORTED_BLOCK_SIZE", field, `a block size of ${fields[field]} is ${range}`);
  }
  if (fields.saltBytes > maxSaltBytes) {
    throw wrong("MALFORMED_SUPERBLOCK", "saltBytes", `a salt of ${fields.saltBytes} bytes is longer than its field`);
  }
  if (fields.dataBlocks === 0n) throw wrong("MALFORMED_SUPERBLOCK", "dataBlocks", "the tree covers no data blocks");
  const params: VerityParams = {
    algorithm: fields.algorithm as HashAlgorithm,
    hashType: fields.hashType as HashType,
    dataBlockBytes: fields.dataBlockBytes,
    hashBlockBytes: fields.hashBlockBytes,
    dataBlocks: toSafeNumber(fields.dataBlocks, "superblock.dataBlocks", base + superblock.offsets.dataBlocks),
    salt: fields.salt.subarray(0, fields.saltBytes),
  };
  return { params, uuid: fields.uuid };
}

/**
 * Reads the superblock (one request, 512 bytes) and finds the tree behind it. Throws `VerityError`, also
 * `MALFORMED_HASH_AREA` where the source ends before the tree does.
 */
export async function openHashArea(source: ByteSource, options: OpenOptions = {}): Promise<VerityHashArea> {
  const { offset = 0 } = options;
  if (offset + superblock.size > source.size) {
    const left = Math.max(0, source.size - offset);
    throw new VerityError("MALFORMED_HASH_AREA", `a superblock needs ${superblock.size} bytes, ${left} are left`, {
      path: "superblock",
      offset,
      source: source.name,
    });
  }
  const bytes = await source.read(offset, offset + superblock.size);
  const { params, uuid } = decodeSuperblock(bytes, offset, source.name);
  const treeOffset = treeOffsetAfter(offset, params.hashBlockBytes);
  return { params, uuid, treeOffset, tree: treeWithin(source, treeOffset, params) };
}

/**
 * A hash area without a superblock: the parameters come from elsewhere, and the tree starts at `treeOffset`. Throws
 * `RangeError` for impossible parameters, `VerityError` `MALFORMED_HASH_AREA` where the source is too short.
 */
export function bareHashArea(source: ByteSource, params: VerityParams, treeOffset = 0): VerityHashArea {
  const checked = verityParams(params.dataBlocks * params.dataBlockBytes, params);
  return { params: checked, treeOffset, tree: treeWithin(source, treeOffset, checked) };
}

function treeWithin(source: ByteSource, treeOffset: number, params: VerityParams): ByteSource {
  const { treeBytes } = treeShape(params);
  // A tree without blocks may begin past the end: a superblock needs no padding that nothing follows.
  if (treeBytes === 0) return slice(source, 0, 0);
  if (treeOffset + treeBytes > source.size) {
    const left = Math.max(0, source.size - treeOffset);
    const message = `the tree over ${params.dataBlocks} data blocks has ${treeBytes} bytes, ${left} are left`;
    throw new VerityError("MALFORMED_HASH_AREA", message, { path: "tree", offset: treeOffset, source: source.name });
  }
  return slice(source, treeOffset, treeOffset + treeBytes);
}
