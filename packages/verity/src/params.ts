import { digestBytes, type HashAlgorithm } from "@sextant/bytes";
import { type HashType, hashTypes, isBlockBytes, maxBlockBytes, maxSaltBytes, minBlockBytes } from "./layout.js";

/** Everything that decides the tree over given data. */
export interface VerityParams {
  readonly algorithm: HashAlgorithm;
  readonly hashType: HashType;
  readonly dataBlockBytes: number;
  readonly hashBlockBytes: number;
  /** Data blocks that the tree covers; what follows them in the data is not protected. */
  readonly dataBlocks: number;
  /** 0…256 bytes. */
  readonly salt: Uint8Array;
}

export interface VerityOptions {
  /** Default sha256. */
  readonly algorithm?: HashAlgorithm;
  /** 1 (the kernel's, default) or 0 (the original Chrome OS format). */
  readonly hashType?: HashType;
  /** 0…256 bytes. Default none. */
  readonly salt?: Uint8Array;
  /** Power of two, 512…65536. Default 4096. */
  readonly dataBlockBytes?: number;
  /** Power of two, 512…65536. Default 4096. */
  readonly hashBlockBytes?: number;
  /** Blocks to cover. Default: all of the data, which then must be whole blocks. */
  readonly dataBlocks?: number;
}

/**
 * Checked parameters for data of `dataBytes`. Throws `RangeError`, also for data that are empty or end within a block:
 * veritysetup leaves such an end unprotected without a word, so here a caller has to ask for it with `dataBlocks`.
 */
export function verityParams(dataBytes: number, options: VerityOptions = {}): VerityParams {
  const { algorithm = "sha256", hashType = hashTypes.normal, salt = new Uint8Array(0) } = options;
  const { dataBlockBytes = 4096, hashBlockBytes = 4096 } = options;
  if (!Object.hasOwn(digestBytes, algorithm)) throw new RangeError(`no such hash algorithm: ${algorithm}`);
  if (hashType !== hashTypes.normal && hashType !== hashTypes.chromeOs)
    throw new RangeError(`no hash type ${hashType}`);
  if (salt.length > maxSaltBytes) throw new RangeError(`a salt of ${salt.length} bytes is longer than ${maxSaltBytes}`);
  for (const bytes of [dataBlockBytes, hashBlockBytes]) {
    if (isBlockBytes(bytes)) continue;
    throw new RangeError(`a block of ${bytes} bytes is not a power of two from ${minBlockBytes} to ${maxBlockBytes}`);
  }
  const dataBlocks = options.dataBlocks ?? dataBytes / dataBlockBytes;
  if (options.dataBlocks === undefined && !Number.isSafeInteger(dataBlocks)) {
    throw new RangeError(`data of ${dataBytes} bytes are not whole blocks of ${dataBlockBytes}`);
  }
  if (!Number.isSafeInteger(dataBlocks) || dataBlocks < 1)
    throw new RangeError(`cannot cover ${dataBlocks} data blocks`);
  if (dataBlocks * dataBlockBytes > dataBytes) {
    throw new RangeError(`data of ${dataBytes} bytes have no ${dataBlocks} blocks of ${dataBlockBytes}`);
  }
  return { algorithm, hashType, dataBlockBytes, hashBlockBytes, dataBlocks, salt };
}
