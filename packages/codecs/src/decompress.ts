import type { CompressionFormat } from "./detect.js";
import { CodecError } from "./errors.js";
import { gunzip, gunzipWith } from "./gzip/gunzip.js";
import type { DecompressEnd, DecompressOptions } from "./options.js";
import { Input, runAsync, type Steps } from "./steps.js";
import { unxz } from "./xz/unxz.js";
import { unzstd } from "./zstd/unzstd.js";

const decoders: Readonly<Partial<Record<CompressionFormat, (input: Input, options: DecompressOptions) => Steps>>> = {
  gzip: gunzip,
  xz: unxz,
  zstd: unzstd,
};

/** The decoder of a format. Throws `CodecError` `UNSUPPORTED_FORMAT`. */
export function decoderOf(format: CompressionFormat): (input: Input, options: DecompressOptions) => Steps {
  const decoder = decoders[format];
  if (!decoder)
    throw new CodecError("UNSUPPORTED_FORMAT", `${format} is not among the formats that can be decompressed`);
  return decoder;
}

/** Any of the ways that bytes come one chunk after another. */
export type ByteChunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

async function* iterate(chunks: ByteChunks): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

/**
 * Decompresses a stream as it comes. Chunks that come out belong to the caller; each is at most some MiB long. Memory: the
 * stream's window (see `windowLimitBytes`) and about 1 MiB.
 *
 * Every checksum and size that the format has is verified: gzip's CRC-32 and length (RFC 1952), xz's check, index and
 * headers (xz-file-format.txt), zstd's XXH64 and content size (RFC 8878). What came out before an error is not verified.
 *
 * Throws `CodecError` with the offset in the compressed input. Returns how far it got in the input.
 */
export async function* decompress(
  format: CompressionFormat,
  chunks: ByteChunks,
  options: DecompressOptions = {},
): AsyncGenerator<Uint8Array, DecompressEnd> {
  const limit = options.limitBytes ?? Number.POSITIVE_INFINITY;
  const input = new Input();
  const iterator = iterate(chunks);
  const decoder = decoderOf(format);
  const output =
    format === "gzip" && options.inflater
      ? gunzipWith(options.inflater, input, iterator, options)
      : runAsync(decoder(input, options), input, iterator);
  let total = 0;
  try {
    for await (const chunk of output) {
      total += chunk.length;
      if (total > limit) throw tooMuch(limit, input.offset);
      yield chunk;
    }
  } catch (error) {
    throw named(error, options.source);
  } finally {
    await iterator.return(undefined);
  }
  return { consumedBytes: input.offset };
}

export function tooMuch(limit: number, offset: number): CodecError {
  return new CodecError("LIMIT_OUTPUT", `the content has more than ${limit} bytes`, { path: "content", offset });
}

/** The same error with the name of the input in it. */
function named(error: unknown, source: string | undefined): unknown {
  if (!(error instanceof CodecError) || source === undefined || error.context.source !== undefined) return error;
  return new CodecError(error.code, error.message, { ...error.context, source }, { cause: error });
}
