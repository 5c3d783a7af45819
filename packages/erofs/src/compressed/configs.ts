import { viewOf } from "@sextant/bytes";
import { ErofsError } from "../errors.js";
import { featureIncompat, hasFeature } from "../features.js";
import { superOffset } from "../layout.js";
import { readBytes, type Volume } from "../volume.js";
import {
  algorithm,
  algorithmNames,
  configAlign,
  configSize,
  deflateConfigRecord,
  lz4ConfigRecord,
  lzmaConfigRecord,
  maxClusterBytes,
  maxLzmaDictionaryBytes,
  maxZstdWindowBytes,
  zstdConfigRecord,
  zstdWindowLog2Base,
} from "./layout.js";

/** What an image says of one algorithm, as it stands behind the superblock. */
export interface StoredConfig {
  readonly name: (typeof algorithmNames)[number];
  /** Where its size stands, in bytes; the record follows. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** All configurations, in the order of the algorithms' numbers. */
export async function* readConfigs({ superblock, pages }: Volume): AsyncGenerator<StoredConfig> {
  if (!hasFeature(superblock.record.featureIncompat, featureIncompat.compressionConfigs)) return;
  let at = superOffset + superblock.superblockBytes;
  for (const [number, name] of algorithmNames.entries()) {
    if ((superblock.algorithms & (1 << number)) === 0) continue;
    const path = `compression ${name}`;
    const offset = Math.ceil(at / configAlign) * configAlign;
    const start = offset + configSize.size;
    const size = configSize.get(viewOf(await readBytes(pages, offset, start, path)), 0);
    yield { name, offset, bytes: await readBytes(pages, start, start + size, path) };
    at = start + size;
  }
}

/** What clusters can be, as the configurations say. */
export interface ClusterLimits {
  /** Largest physical cluster of LZ4. */
  readonly lz4Bytes: number;
  /** Largest window of zstd. */
  readonly zstdWindowBytes: number;
}

/** The limits, checked as kernels do that mount the image. Throws `MALFORMED_SUPERBLOCK`, `UNSUPPORTED_COMPRESSION`. */
export async function readLimits(volume: Volume): Promise<ClusterLimits> {
  let lz4Bytes: number = volume.superblock.blockBytes;
  let zstdWindowBytes: number = maxZstdWindowBytes;
  for await (const config of readConfigs(volume)) {
    const limit = limitOf(config, volume.superblock.blockBytes);
    if (config.name === "lz4") lz4Bytes = limit;
    if (config.name === "zstd") zstdWindowBytes = limit;
  }
  return { lz4Bytes, zstdWindowBytes };
}

const configBytes = {
  [algorithmNames[algorithm.lz4]]: lz4ConfigRecord.size,
  [algorithmNames[algorithm.lzma]]: lzmaConfigRecord.size,
  [algorithmNames[algorithm.deflate]]: deflateConfigRecord.size,
  [algorithmNames[algorithm.zstd]]: zstdConfigRecord.size,
} as const;

function limitOf({ name, offset, bytes }: StoredConfig, blockBytes: number): number {
  const fail = (code: "MALFORMED_SUPERBLOCK" | "UNSUPPORTED_COMPRESSION", message: string) =>
    new ErofsError(code, message, { path: `compression ${name}`, offset });
  const least = configBytes[name];
  if (bytes.length < least) throw fail("MALFORMED_SUPERBLOCK", `${bytes.length} bytes say nothing of ${name}`);
  const bounded = (limit: number, most: number) => {
    if (limit <= most) return limit;
    throw fail("MALFORMED_SUPERBLOCK", `${name} would need ${limit} bytes, kernels give it ${most}`);
  };
  const checkFormat = (format: number) => {
    if (format !== 0) throw fail("UNSUPPORTED_COMPRESSION", `${name} has the unknown format ${format}`);
  };
  switch (name) {
    case "lz4":
      return bounded(Math.max(1, lz4ConfigRecord.decode(bytes).maxClusterBlocks) * blockBytes, maxClusterBytes);
    case "lzma": {
      const { dictionaryBytes, format } = lzmaConfigRecord.decode(bytes);
      checkFormat(format);
      return bounded(dictionaryBytes, maxLzmaDictionaryBytes);
    }
    case "deflate":
      return bounded(2 ** deflateConfigRecord.decode(bytes).windowLog2, 2 ** 15);
    case "zstd": {
      const { windowLog2, format } = zstdConfigRecord.decode(bytes);
      checkFormat(format);
      return bounded(2 ** (windowLog2 + zstdWindowLog2Base), maxZstdWindowBytes);
    }
  }
}

const zstdMagicBytes = 4;

/** The window that a zstd frame asks for (RFC 8878, 3.1.1.1), in bytes; undefined where there is no frame header. */
export function zstdWindow(frame: Uint8Array): number | undefined {
  const descriptor = frame[zstdMagicBytes];
  if (descriptor === undefined) return undefined;
  const isSingle = (descriptor & 0x20) !== 0;
  const windowAt = zstdMagicBytes + 1;
  if (!isSingle) {
    const value = frame[windowAt];
    if (value === undefined) return undefined;
    const base = 2 ** (10 + (value >> 3));
    return base + (base / 8) * (value & 7);
  }
  // The content is the window then; behind the descriptor stands the dictionary's id, and then its size.
  const sizeAt = windowAt + ([0, 1, 2, 4][descriptor & 3] ?? 0);
  const sizeBytes = [1, 2, 4, 8][descriptor >> 6] ?? 0;
  if (sizeAt + sizeBytes > frame.length) return undefined;
  let size = sizeBytes === 2 ? 256 : 0;
  for (let i = 0; i < sizeBytes; i++) size += (frame[sizeAt + i] ?? 0) * 2 ** (8 * i);
  return size;
}
