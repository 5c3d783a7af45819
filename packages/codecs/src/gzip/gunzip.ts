import { crc32 } from "@sextant/bytes";
import { deflateWindowBytes, inflate } from "../deflate/inflate.js";
import { CodecError } from "../errors.js";
import type { DecompressOptions, Inflater } from "../options.js";
import { type Input, more, need, refill, runAsync, type Steps } from "../steps.js";
import { Window } from "../window.js";
import {
  gzipFlags,
  gzipHeader,
  gzipMagic,
  gzipTrailer,
  methodDeflate,
  reservedFlags,
  textLimitBytes,
} from "./layout.js";

type Crc32 = (bytes: Uint8Array, crc?: number) => number;

/** Reads a member's header with all its optional parts (RFC 1952, 2.3.1) and checks it. */
function* memberHeader(input: Input): Steps {
  const start = input.offset;
  const fail = (path: string, what: string, offset = start): never => {
    throw new CodecError("MALFORMED_HEADER", what, { path, offset });
  };
  let crc = 0;
  const part = function* (count: number, path: string): Steps<Uint8Array> {
    yield* need(input, count, path);
    const bytes = input.take(count);
    crc = crc32(bytes, crc);
    return bytes;
  };
  const text = function* (path: string): Steps {
    for (let length = 0; ; ) {
      yield* need(input, 1, path);
      const end = input.bytes.subarray(input.at, input.end).indexOf(0);
      const count = end < 0 ? input.available : end + 1;
      length += count;
      if (length > textLimitBytes) {
        throw new CodecError("LIMIT_RANGE", `text is longer than ${textLimitBytes} bytes`, { path, offset: start });
      }
      yield* part(count, path);
      if (end >= 0) return;
    }
  };

  const { magic, method, flags } = gzipHeader.decode(yield* part(gzipHeader.size, "gzip.header"), 0, start);
  if (magic !== gzipMagic) fail("gzip.header.magic", "this is no gzip member");
  if (method !== methodDeflate) fail("gzip.header.method", `the compression method is ${method}, not 8 (deflate)`);
  if (flags & reservedFlags) fail("gzip.header.flags", `reserved flags are set: 0x${flags.toString(16)}`);
  if (flags & gzipFlags.extra) {
    const [low = 0, high = 0] = yield* part(2, "gzip.header.extra");
    yield* part(low | (high << 8), "gzip.header.extra");
  }
  if (flags & gzipFlags.name) yield* text("gzip.header.name");
  if (flags & gzipFlags.comment) yield* text("gzip.header.comment");
  if (flags & gzipFlags.headerCrc) {
    const expected = crc & 0xffff;
    const [low = 0, high = 0] = yield* part(2, "gzip.header.crc16");
    if ((low | (high << 8)) !== expected) {
      throw new CodecError("MISMATCH_CHECKSUM", "the checksum of the header differs", {
        path: "gzip.header.crc16",
        offset: input.offset - 2,
      });
    }
  }
}

/** Reads a member's trailer and compares it with what came out. */
function* memberTrailer(input: Input, crc: number, contentBytes: number): Steps {
  yield* need(input, gzipTrailer.size, "gzip.trailer");
  const offset = input.offset;
  const trailer = gzipTrailer.decode(input.take(gzipTrailer.size), 0, offset);
  if (trailer.crc32 !== crc) {
    throw new CodecError("MISMATCH_CHECKSUM", "the checksum of the content differs", {
      path: "gzip.trailer.crc32",
      offset,
    });
  }
  const stated = contentBytes % 2 ** 32;
  if (trailer.contentBytes !== stated) {
    throw new CodecError(
      "MISMATCH_SIZE",
      `the trailer states ${trailer.contentBytes} bytes modulo 2^32, there are ${stated}`,
      { path: "gzip.trailer.contentBytes", offset: offset + 4 },
    );
  }
}

/** What follows a member: true for another member, false for the end. Zeros fill the rest up (tapes, block devices). */
function* nextMember(input: Input): Steps<boolean> {
  const start = input.offset;
  if (!(yield* more(input))) return false;
  if (input.bytes[input.at] !== 0) {
    if (input.bytes[input.at] === (gzipMagic & 0xff)) return true;
    throw trailing(start);
  }
  while (yield* more(input)) {
    if (input.take(input.available).some((byte) => byte !== 0)) throw trailing(start);
  }
  return false;
}

const trailing = (offset: number) =>
  new CodecError(
    "MALFORMED_TRAILING",
    "after the last gzip member comes something that is neither zeros nor a member",
    {
      path: "gzip",
      offset,
    },
  );

/** Decompresses gzip members (RFC 1952) with checks of checksum and size. */
export function* gunzip(input: Input, options: DecompressOptions): Steps {
  const window = new Window(deflateWindowBytes);
  do {
    yield* memberHeader(input);
    yield* window.reset();
    let crc = 0;
    let length = 0;
    for (const steps = inflate(input, window, "gzip.data"); ; ) {
      const { done, value } = steps.next();
      if (done) break;
      if (value !== undefined) {
        crc = crc32(value, crc);
        length += value.length;
      }
      yield value;
    }
    yield* memberTrailer(input, crc, length);
  } while (options.members !== "first" && (yield* nextMember(input)));
}

/** As `gunzip`, with a DEFLATE decoder of the machine. */
export async function* gunzipWith(
  inflater: Inflater,
  input: Input,
  chunks: AsyncIterator<Uint8Array>,
  options: DecompressOptions,
): AsyncGenerator<Uint8Array> {
  const checksum: Crc32 = inflater.crc32 ?? crc32;
  do {
    yield* runAsync(memberHeader(input), input, chunks);
    const start = input.offset;
    let crc = 0;
    let length = 0;
    const next = async () => {
      if (input.available === 0 && !input.ended) await refill(input, chunks);
      return input.available === 0 ? undefined : input.take(input.available);
    };
    const contents = inflater.inflateRaw(next);
    try {
      for (;;) {
        const { done, value } = await contents.next();
        if (done) {
          input.at -= value;
          break;
        }
        crc = checksum(value, crc);
        length += value.length;
        yield value;
      }
    } catch (error) {
      if (!(error instanceof CodecError) || error.context.offset !== undefined) throw error;
      const offset = error.code === "MALFORMED_TRUNCATED" ? input.offset : start;
      throw new CodecError(error.code, error.message, { path: "gzip.data", offset }, { cause: error });
    } finally {
      await contents.return(0);
    }
    yield* runAsync(memberTrailer(input, crc, length), input, chunks);
  } while (options.members !== "first" && (yield* runAsync(nextMember(input), input, chunks)));
}
