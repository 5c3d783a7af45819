// LZMA2: chunks of LZMA or of plain bytes. Source: xz-file-format.txt, 5.3.1, and the "LZMA2" part of the LZMA SDK.
import { CodecError } from "../errors.js";
import { type Input, need, type Steps } from "../steps.js";
import type { Window } from "../window.js";
import { LzmaDecoder, lzmaPadBytes } from "./lzma.js";
import { lzmaProperties } from "./models.js";

/** What the first byte of a chunk says. */
const control = {
  end: 0x00,
  /** Plain bytes, dictionary reset. */
  plainReset: 0x01,
  plain: 0x02,
  /** From here on LZMA; the lowest 5 bits belong to the size. */
  lzma: 0x80,
  stateReset: 0xa0,
  newProperties: 0xc0,
  dictionaryReset: 0xe0,
} as const;

const sizeHighMask = 0x1f;
const largestCompressedBytes = 0x10000;
/** lc + lp in LZMA2. */
const mostLiteralBits = 4;

/** Decodes one LZMA2 stream up to its end marker into the window. `path` names it in errors. */
export function* lzma2(input: Input, window: Window, dictionaryBytes: number, path: string): Steps {
  const decoder = new LzmaDecoder();
  const scratch = new Uint8Array(largestCompressedBytes + lzmaPadBytes);
  let needsDictionary = true;
  let needsProperties = true;
  for (;;) {
    yield* need(input, 1, `${path}.chunk`);
    const code = input.bytes[input.at] as number;
    const fail = (what: string): never => {
      throw new CodecError("MALFORMED_DATA", what, { path: `${path}.chunk`, offset: input.offset });
    };
    if (code === control.end) break;
    if (code > control.plain && code < control.lzma) fail(`a chunk of unknown kind ${code}`);
    if (code === control.plainReset || code >= control.dictionaryReset) {
      yield* window.reset();
      needsDictionary = false;
      needsProperties = true;
    } else if (needsDictionary) {
      fail("the first chunk does not reset the dictionary");
    }
    if (code < control.lzma) {
      yield* plainChunk(input, window, path);
      continue;
    }
    if (code >= control.newProperties) needsProperties = false;
    else if (needsProperties) fail("the first LZMA chunk has no properties");
    yield* lzmaChunk(input, window, dictionaryBytes, path, decoder, scratch);
  }
  input.at += 1;
  yield* window.emit();
}

function* plainChunk(input: Input, window: Window, path: string): Steps {
  yield* need(input, 3, `${path}.chunk`);
  const [, high = 0, low = 0] = input.take(3);
  const count = high * 256 + low + 1;
  yield* need(input, count, `${path}.chunk`);
  yield* window.room(count);
  window.bytes.set(input.take(count), window.at);
  window.at += count;
  yield* window.emitIfMuch();
}

function* lzmaChunk(
  input: Input,
  window: Window,
  dictionaryBytes: number,
  path: string,
  decoder: LzmaDecoder,
  scratch: Uint8Array,
): Steps {
  const where = `${path}.chunk`;
  const code = input.bytes[input.at] as number;
  const headBytes = code >= control.newProperties ? 6 : 5;
  yield* need(input, headBytes, where);
  const start = input.offset;
  const fail = (what: string): never => {
    throw new CodecError("MALFORMED_DATA", what, { path: where, offset: start });
  };
  const [, sizeHigh = 0, sizeLow = 0, compressedHigh = 0, compressedLow = 0, propertiesByte = 0] =
    input.take(headBytes);
  const count = (code & sizeHighMask) * 0x10000 + sizeHigh * 256 + sizeLow + 1;
  const compressed = compressedHigh * 256 + compressedLow + 1;
  if (code >= control.newProperties) {
    const properties = lzmaProperties(propertiesByte);
    if (!properties || properties.lc + properties.lp > mostLiteralBits) {
      return fail(`0x${propertiesByte.toString(16)} holds no properties of LZMA2`);
    }
    decoder.setProperties(properties);
  } else if (code >= control.stateReset) {
    decoder.resetState();
  }
  yield* need(input, compressed, where);
  yield* window.room(count);
  // The copy has room behind the chunk's end, and the decoder one kind of array.
  scratch.set(input.take(compressed));
  if (compressed < 5 || !decoder.start(scratch, 0)) fail("the chunk does not start with a range coder's zero byte");
  const status = decoder.decode(scratch, compressed, window.bytes, window.at, window.at + count, dictionaryBytes);
  if (status === "bad-distance") fail("a match refers to data before the start or out of the dictionary");
  if (status === "end-marker") fail("the chunk has an end marker, which LZMA2 does not use");
  if (status !== "full" || decoder.inputAt !== compressed || !decoder.isFinished) {
    fail(`the chunk's ${compressed} bytes do not hold exactly ${count} bytes`);
  }
  window.at += count;
  yield* window.emitIfMuch();
}
