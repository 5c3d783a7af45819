export { type BlockFormat, type DecodeBlockOptions, decodeBlock } from "./block.js";
export { type ByteChunks, decompress } from "./decompress.js";
export { type CompressionFormat, detect, detectBytes } from "./detect.js";
export { CodecError, type CodecErrorCode } from "./errors.js";
export { type LzmaProperties, lzmaProperties } from "./lzma/models.js";
export { decodeLzma, decodeMicroLzma, type RawLzmaOptions } from "./lzma/raw.js";
export type { DecompressEnd, DecompressOptions, Inflater } from "./options.js";
