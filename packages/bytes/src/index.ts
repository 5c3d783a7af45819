export { type CachedOptions, cached } from "./cached.js";
export { crc32, crc32cRaw } from "./crc.js";
export { type Cursor, cursor } from "./cursor.js";
export { BytesError, type BytesErrorCode, CodedError, describeError, type ErrorContext } from "./errors.js";
export { digestBytes, type HashAlgorithm, type Hasher, type HashState, portableHasher } from "./hash.js";
export type { Fetch, FetchInit, HttpAnswer, HttpReader } from "./http.js";
export { withKnown } from "./known.js";
export {
  bytesField,
  type Field,
  type RecordOf,
  type RecordType,
  record,
  type Span,
  textField,
  toSafeNumber,
  u8,
  u16be,
  u16le,
  u32be,
  u32le,
  u64be,
  u64le,
  viewOf,
} from "./record.js";
export { type ByteSink, type Chunk, collectChunks, pourChunks, writeChunks } from "./sink.js";
export {
  type ByteSource,
  checkRange,
  compareBytes,
  concatBytes,
  concatenated,
  counted,
  equalBytes,
  fromBlob,
  fromBytes,
  fromHex,
  type ReadCount,
  readChunks,
  slice,
  toHex,
  zeros,
} from "./source.js";
export { fromUrl, type UrlOptions, type UrlSource } from "./url.js";
