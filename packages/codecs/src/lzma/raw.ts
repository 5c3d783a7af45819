import { CodecError } from "../errors.js";
import { LzmaDecoder, lzmaPadBytes } from "./lzma.js";
import { type LzmaProperties, lzmaProperties } from "./models.js";

/** How LZMA data is decoded. */
export interface RawLzmaOptions {
  /** Furthest distance of a match, in bytes. Default: any. */
  readonly dictionaryBytes?: number | undefined;
  /** `output` may be shorter than what the input holds. Default false: input and output must end together. */
  readonly partial?: boolean | undefined;
}

const rangeCoderBytes = 5;

/**
 * Decodes LZMA data without any header, such as squashfs' lzma has behind its 13 bytes. Fills `output`, or less of it where
 * an end marker comes before. Returns how many bytes came out. Throws `CodecError`.
 */
export function decodeLzma(
  input: Uint8Array,
  output: Uint8Array,
  properties: LzmaProperties,
  options: RawLzmaOptions = {},
): number {
  const padded = new Uint8Array(input.length + lzmaPadBytes);
  padded.set(input);
  return decodePadded(padded, input.length, output, properties, options);
}

/**
 * Decodes MicroLZMA, the form that XZ Utils made for EROFS: LZMA whose first byte, always zero, is replaced by the inverted
 * properties byte. Fills `output`. Throws `CodecError`.
 */
export function decodeMicroLzma(input: Uint8Array, output: Uint8Array, options: RawLzmaOptions = {}): number {
  const byte = ~(input[0] ?? 0xff) & 0xff;
  const properties = lzmaProperties(byte);
  if (!properties || properties.lc + properties.lp > 4) {
    const what = `0x${byte.toString(16)} holds no properties of MicroLZMA`;
    throw new CodecError("MALFORMED_HEADER", what, { path: "lzma.properties", offset: 0 });
  }
  const padded = new Uint8Array(input.length + lzmaPadBytes);
  padded.set(input);
  padded[0] = 0;
  return decodePadded(padded, input.length, output, properties, options);
}

function decodePadded(
  padded: Uint8Array,
  inputBytes: number,
  output: Uint8Array,
  properties: LzmaProperties,
  { dictionaryBytes = 2 ** 32 - 1, partial = false }: RawLzmaOptions,
): number {
  const fail = (code: "MALFORMED_DATA" | "MALFORMED_TRUNCATED" | "MISMATCH_SIZE", what: string): never => {
    throw new CodecError(code, what, { path: "lzma", offset: Math.min(decoder.inputAt, inputBytes) });
  };
  const decoder = new LzmaDecoder();
  decoder.setProperties(properties);
  if (inputBytes < rangeCoderBytes) fail("MALFORMED_TRUNCATED", "the data is shorter than the start of a range coder");
  if (!decoder.start(padded, 0)) fail("MALFORMED_DATA", "the data does not start with a range coder's zero byte");
  const status = decoder.decode(padded, inputBytes, output, 0, output.length, dictionaryBytes);
  if (status === "truncated") fail("MALFORMED_TRUNCATED", "the data ends before the content is complete");
  if (status === "bad-distance")
    fail("MALFORMED_DATA", "a match refers to data before the start or out of the dictionary");
  const isWhole = status === "end-marker" || (status === "full" && decoder.isFinished);
  if (!partial && !(isWhole && decoder.inputAt === inputBytes)) {
    fail("MISMATCH_SIZE", `the data does not hold exactly ${output.length} bytes`);
  }
  return decoder.outputAt;
}
