export { type BlockFormat, type DecodeBlockOptions, decodeBlock } from "./block.js";
export {
  type ClusterAlgorithm,
  type ClusterDecoder,
  clusterDecoder,
  type DecodeClusterOptions,
} from "./decode/cluster.js";
export { type ByteChunks, decompress } from "./decompress.js";
export { type CompressionFormat, detect, detectBytes } from "./detect.js";
export { type DeflateOptions, deflateEncoder } from "./encode/deflate.js";
export type { ClusterEncoder, Filled } from "./encode/encoder.js";
export { type Lz4Options, lz4Encoder } from "./encode/lz4.js";
export { type ZstdOptions, zstdEncoder } from "./encode/zstd.js";
export { CodecError, type CodecErrorCode } from "./errors.js";
export { type LzmaProperties, lzmaProperties } from "./lzma/models.js";
export { decodeLzma, decodeMicroLzma, type RawLzmaOptions } from "./lzma/raw.js";
export type { DecompressEnd, DecompressOptions, Inflater } from "./options.js";
