import { deflateWindowBytes, inflate } from "./deflate/inflate.js";
import { CodecError } from "./errors.js";
import { decodeLz4 } from "./lz4/decode.js";
import type { DecompressOptions } from "./options.js";
import { Input, runSync, type Steps } from "./steps.js";
import { Window } from "./window.js";
import { unxz } from "./xz/unxz.js";
import { unzstd } from "./zstd/unzstd.js";

/** Formats of compressed blocks in filesystem images: raw DEFLATE, LZ4 blocks, or whole .xz streams and zstd frames. */
export type BlockFormat = "deflate" | "lz4" | "xz" | "zstd";

/** How a block is decompressed. */
export interface DecodeBlockOptions extends Pick<DecompressOptions, "windowLimitBytes" | "hasher"> {
  /** `output` may be shorter than the content; what does not fit is left. Default false: that is `LIMIT_OUTPUT`. */
  readonly partial?: boolean | undefined;
}

function decoderOf(
  format: Exclude<BlockFormat, "lz4">,
  input: Input,
  outputBytes: number,
  options: DecodeBlockOptions,
): Steps {
  switch (format) {
    case "deflate":
      return inflate(input, new Window(deflateWindowBytes, outputBytes), "deflate");
    case "xz":
      return unxz(input, options);
    case "zstd":
      return unzstd(input, options);
  }
}

/**
 * Decompresses a block that is all here into `output` and returns how many bytes came out. The input must end with the
 * compressed data, unless `partial`. Throws `CodecError`.
 */
export function decodeBlock(
  format: BlockFormat,
  block: Uint8Array,
  output: Uint8Array,
  options: DecodeBlockOptions = {},
): number {
  if (format === "lz4") return decodeLz4(block, output, options);
  const input = new Input();
  input.push(block);
  let at = 0;
  for (const chunk of runSync(decoderOf(format, input, output.length, options), input)) {
    const room = output.length - at;
    output.set(chunk.length > room ? chunk.subarray(0, room) : chunk, at);
    at += Math.min(chunk.length, room);
    if (chunk.length <= room) continue;
    if (options.partial) return at;
    const context = { path: format, offset: input.offset };
    throw new CodecError("LIMIT_OUTPUT", `the content has more than ${output.length} bytes`, context);
  }
  if (input.available > 0 && !options.partial) {
    const context = { path: format, offset: input.offset };
    throw new CodecError("MALFORMED_TRAILING", "behind the compressed data there is something", context);
  }
  return at;
}
