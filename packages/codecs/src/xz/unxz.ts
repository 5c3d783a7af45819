// .xz containers: streams of blocks with an index. Source: xz-file-format.txt (version 1.2.1), sections named at each step.
import { crc32, equalBytes, type Hasher, type HashState, portableHasher } from "@sextant/bytes";
import { CodecError, type CodecErrorCode } from "../errors.js";
import { lzma2 } from "../lzma/lzma2.js";
import { type DecompressOptions, defaultWindowLimitBytes } from "../options.js";
import { type Input, more, need, type Steps } from "../steps.js";
import { Window } from "../window.js";
import { type BlockHeader, parseBlockHeader } from "./block-header.js";
import { type Check, createCheck } from "./check.js";
import { filtered } from "./filter.js";
import { checkBytes, footerMagic, headerMagic, streamFooter, streamHeader } from "./layout.js";
import { readVli } from "./vli.js";

const indexIndicator = 0x00;

/** What the blocks of a stream were, to compare with its index: as a digest, so that any number of blocks fits. */
interface Records {
  count: number;
  readonly digest: HashState;
}

function addRecord(records: Records, unpaddedBytes: number, contentBytes: number): void {
  records.count += 1;
  const pair = new Float64Array([unpaddedBytes, contentBytes]);
  records.digest.update(new Uint8Array(pair.buffer));
}

function fail(code: CodecErrorCode, path: string, offset: number, what: string): never {
  throw new CodecError(code, what, { path, offset });
}

/** Decompresses .xz streams, checking everything that the format lets one check. */
export function* unxz(input: Input, options: DecompressOptions): Steps {
  const hasher = options.hasher ?? portableHasher;
  const windowLimit = options.windowLimitBytes ?? defaultWindowLimitBytes;
  do {
    yield* stream(input, hasher, windowLimit);
  } while (options.members !== "first" && (yield* nextStream(input)));
}

function* stream(input: Input, hasher: Hasher, windowLimit: number): Steps {
  const checkId = yield* readStreamHeader(input);
  const records: Records = { count: 0, digest: hasher.create("sha256") };
  for (;;) {
    yield* need(input, 1, "xz.block");
    if (input.bytes[input.at] === indexIndicator) break;
    const check = createCheck(checkId, hasher);
    if (!check)
      return fail("UNSUPPORTED_FEATURE", "xz.header.check", input.offset, `the check ${checkId} is not known`);
    yield* block(input, check, checkBytes[checkId] ?? 0, windowLimit, records);
  }
  const indexBytes = yield* readIndex(input, hasher, records);
  yield* readStreamFooter(input, checkId, indexBytes);
}

/** 2.1.1; returns the id of the check. */
function* readStreamHeader(input: Input): Steps<number> {
  const offset = input.offset;
  yield* need(input, streamHeader.size, "xz.header");
  const bytes = input.take(streamHeader.size);
  const header = streamHeader.decode(bytes, 0, offset);
  if (!equalBytes(header.magic, headerMagic))
    fail("MALFORMED_HEADER", "xz.header.magic", offset, "this is no .xz stream");
  if (crc32(bytes.subarray(6, 8)) !== header.crc32) {
    fail("MISMATCH_CHECKSUM", "xz.header.crc32", offset + 8, "the checksum of the stream header differs");
  }
  if (header.reserved !== 0 || header.check > 15) {
    fail("UNSUPPORTED_FEATURE", "xz.header.flags", offset + 6, "reserved stream flags are set");
  }
  return header.check;
}

/** 2.1.2 */
function* readStreamFooter(input: Input, checkId: number, indexBytes: number): Steps {
  const offset = input.offset;
  yield* need(input, streamFooter.size, "xz.footer");
  const bytes = input.take(streamFooter.size);
  const footer = streamFooter.decode(bytes, 0, offset);
  if (!equalBytes(footer.magic, footerMagic)) {
    fail("MALFORMED_HEADER", "xz.footer.magic", offset + 10, 'the stream footer does not end with "YZ"');
  }
  if (crc32(bytes.subarray(4, 10)) !== footer.crc32) {
    fail("MISMATCH_CHECKSUM", "xz.footer.crc32", offset, "the checksum of the stream footer differs");
  }
  if (footer.reserved !== 0 || footer.check !== checkId) {
    fail("MALFORMED_HEADER", "xz.footer.flags", offset + 8, "the flags of stream header and footer differ");
  }
  const stated = (footer.backwardSize + 1) * 4;
  if (stated !== indexBytes) {
    const what = `the footer states an index of ${stated} bytes, it has ${indexBytes}`;
    fail("MISMATCH_SIZE", "xz.footer.backwardSize", offset + 4, what);
  }
}

/** 2.2: what lies between streams. True for another stream, false for the end. */
function* nextStream(input: Input): Steps<boolean> {
  const start = input.offset;
  while (yield* more(input)) {
    if (input.bytes[input.at] !== 0) {
      if ((input.offset - start) % 4 === 0 && input.bytes[input.at] === headerMagic[0]) return true;
      return fail("MALFORMED_TRAILING", "xz.padding", input.offset, "after a stream comes something that is no stream");
    }
    input.at += 1;
  }
  if ((input.offset - start) % 4 !== 0) {
    fail("MALFORMED_TRAILING", "xz.padding", start, "the padding after a stream is no multiple of 4 bytes");
  }
  return false;
}

/** 3: one block. */
function* block(input: Input, check: Check, checkLength: number, windowLimit: number, records: Records): Steps {
  const start = input.offset;
  yield* need(input, 1, "xz.block.header");
  const headerBytes = ((input.bytes[input.at] as number) + 1) * 4;
  yield* need(input, headerBytes, "xz.block.header");
  const header = parseBlockHeader(input.take(headerBytes), start);
  if (header.dictionaryBytes > windowLimit) {
    const what = `the dictionary has ${header.dictionaryBytes} bytes, more than the limit of ${windowLimit}`;
    fail("LIMIT_WINDOW", "xz.block.header.filters.lzma2", start, what);
  }
  const dataStart = input.offset;
  let content = 0;
  for (const steps = decoder(input, header); ; ) {
    const { done, value } = steps.next();
    if (done) break;
    if (value !== undefined) {
      check.update(value);
      content += value.length;
    }
    yield value;
  }
  const compressed = input.offset - dataStart;
  compareSize(header.compressedBytes, compressed, "xz.block.header.compressedSize", start);
  compareSize(header.contentBytes, content, "xz.block.header.uncompressedSize", start);
  const padding = -compressed & 3;
  yield* zeroPadding(input, padding, "xz.block.padding");
  yield* need(input, checkLength, "xz.block.check");
  const checkAt = input.offset;
  if (!equalBytes(input.take(checkLength), check.digest())) {
    fail("MISMATCH_CHECKSUM", "xz.block.check", checkAt, "the checksum of the content differs");
  }
  addRecord(records, headerBytes + compressed + checkLength, content);
}

function* zeroPadding(input: Input, count: number, path: string): Steps {
  yield* need(input, count, path);
  const offset = input.offset;
  if (input.take(count).some((byte) => byte !== 0)) fail("MALFORMED_DATA", path, offset, "the padding is not zero");
}

/** LZMA2, then the filters from the last to the first. */
function decoder(input: Input, header: BlockHeader): Steps {
  const window = new Window(header.dictionaryBytes, header.contentBytes);
  let steps = lzma2(input, window, header.dictionaryBytes, "xz.block.data");
  for (const filter of header.filters.toReversed()) steps = filtered(steps, filter);
  return steps;
}

function compareSize(stated: number | undefined, actual: number, path: string, offset: number): void {
  if (stated === undefined || stated === actual) return;
  fail("MISMATCH_SIZE", path, offset, `the block header states ${stated} bytes, there are ${actual}`);
}

/** 4: the index, which repeats the sizes of all blocks. Returns its size in bytes. */
function* readIndex(input: Input, hasher: Hasher, blocks: Records): Steps<number> {
  const start = input.offset;
  let crc = crc32(input.take(1));
  const vli = function* (path: string): Steps<number> {
    const { value, bytes } = yield* readVli(input, path);
    crc = crc32(bytes, crc);
    return value;
  };
  const count = yield* vli("xz.index.count");
  if (count !== blocks.count) {
    fail("MISMATCH_SIZE", "xz.index.count", start, `the index has ${count} records for ${blocks.count} blocks`);
  }
  const stated: Records = { count: 0, digest: hasher.create("sha256") };
  while (stated.count < count) addRecord(stated, yield* vli("xz.index.record"), yield* vli("xz.index.record"));
  if (!equalBytes(stated.digest.digest(), blocks.digest.digest())) {
    fail("MISMATCH_SIZE", "xz.index.records", start, "the sizes in the index are not those of the blocks");
  }
  const padding = -(input.offset - start) & 3;
  yield* zeroPadding(input, padding, "xz.index.padding");
  crc = crc32(new Uint8Array(padding), crc);
  yield* need(input, 4, "xz.index.crc32");
  const crcAt = input.offset;
  const [a = 0, b = 0, c = 0, d = 0] = input.take(4);
  if ((a | (b << 8) | (c << 16) | (d << 24)) >>> 0 !== crc) {
    fail("MISMATCH_CHECKSUM", "xz.index.crc32", crcAt, "the checksum of the index differs");
  }
  return input.offset - start;
}
