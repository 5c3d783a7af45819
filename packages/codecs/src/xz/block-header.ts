import { crc32 } from "@sextant/bytes";
import { CodecError } from "../errors.js";
import { arm64Filter, armFilter, armThumbFilter, ia64Filter, powerpcFilter, sparcFilter } from "./bcj.js";
import { riscvFilter } from "./bcj-riscv.js";
import { x86Filter } from "./bcj-x86.js";
import { deltaFilter, type Filter, startingAt } from "./filter.js";
import { blockFlags, filterIds, filterNames, lzma2DictionaryBytes, lzma2LargestSizeByte } from "./layout.js";
import { decodeVli } from "./vli.js";

/** What a block's header says (xz-file-format.txt, 3.1). */
export interface BlockHeader {
  /** Bytes of compressed data, if stated. */
  readonly compressedBytes: number | undefined;
  /** Bytes of content, if stated. */
  readonly contentBytes: number | undefined;
  /** Filters before LZMA2, in the encoder's order. */
  readonly filters: readonly Filter[];
  readonly dictionaryBytes: number;
}

const smallestDictionaryBytes = 4096;

/** Filters without properties but a start offset, and the alignment of that. */
const branchFilters: ReadonlyMap<number, { readonly create: () => Filter; readonly alignment: number }> = new Map([
  [filterIds.x86, { create: x86Filter, alignment: 1 }],
  [filterIds.powerpc, { create: powerpcFilter, alignment: 4 }],
  [filterIds.ia64, { create: ia64Filter, alignment: 16 }],
  [filterIds.arm, { create: armFilter, alignment: 4 }],
  [filterIds.armThumb, { create: armThumbFilter, alignment: 2 }],
  [filterIds.sparc, { create: sparcFilter, alignment: 4 }],
  [filterIds.arm64, { create: arm64Filter, alignment: 4 }],
  [filterIds.riscv, { create: riscvFilter, alignment: 2 }],
]);

/** Parses a whole block header. `base` is its offset. Throws `CodecError`. */
export function parseBlockHeader(bytes: Uint8Array, base: number): BlockHeader {
  const end = bytes.length - 4;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const fail = (path: string, at: number, what: string): never => {
    throw new CodecError("MALFORMED_HEADER", what, { path: `xz.block.header.${path}`, offset: base + at });
  };
  if (view.getUint32(end, true) !== crc32(bytes.subarray(0, end))) {
    const context = { path: "xz.block.header.crc32", offset: base + end };
    throw new CodecError("MISMATCH_CHECKSUM", "the checksum of the block header differs", context);
  }
  const flags = view.getUint8(1);
  if (flags & blockFlags.reserved) {
    const context = { path: "xz.block.header.flags", offset: base + 1 };
    throw new CodecError("UNSUPPORTED_FEATURE", `reserved block flags are set: 0x${flags.toString(16)}`, context);
  }
  const body = bytes.subarray(0, end);
  let at = 2;
  const vli = (path: string): number => {
    const found = decodeVli(body, at, `xz.block.header.${path}`, base) ?? fail(path, at, "the header is too short");
    at += found.size;
    return found.value;
  };
  const compressedBytes = flags & blockFlags.compressedSize ? vli("compressedSize") : undefined;
  if (compressedBytes === 0) fail("compressedSize", at, "the compressed size is zero");
  const contentBytes = flags & blockFlags.uncompressedSize ? vli("uncompressedSize") : undefined;
  const filters: Filter[] = [];
  let dictionaryBytes = 0;
  const last = flags & blockFlags.filterCountMask;
  for (let index = 0; index <= last; index++) {
    const path = `filters[${index}]`;
    const start = at;
    const id = vli(path);
    const size = vli(path);
    if (size > end - at) fail(path, start, `the properties have ${size} bytes, the header ends after ${end - at}`);
    const properties = bytes.subarray(at, at + size);
    at += size;
    const wrong = (what: string) => fail(path, start, what);
    if (index === last) dictionaryBytes = dictionary(id, properties, wrong, base + start);
    else filters.push(filterOf(id, properties, wrong, base + start));
  }
  if (body.subarray(at).some((byte) => byte !== 0)) fail("padding", at, "the padding is not zero");
  return { compressedBytes, contentBytes, filters, dictionaryBytes };
}

function unsupported(what: string, offset: number): never {
  throw new CodecError("UNSUPPORTED_FEATURE", what, { path: "xz.block.header.filters", offset });
}

/** The dictionary size of the filter that comes last, which has to be LZMA2 (5.3.1). */
function dictionary(id: number, properties: Uint8Array, wrong: (what: string) => never, offset: number): number {
  if (id !== filterIds.lzma2) {
    const name = filterNames.get(id);
    if (name !== undefined) wrong(`the last filter is ${name}, not LZMA2`);
    unsupported(`the filter 0x${id.toString(16)} is not known`, offset);
  }
  const [sizeByte = 0xff] = properties;
  if (properties.length !== 1 || sizeByte > lzma2LargestSizeByte) return wrong("LZMA2 has no valid dictionary size");
  return Math.max(smallestDictionaryBytes, lzma2DictionaryBytes(sizeByte));
}

/** A filter that stands before LZMA2: delta (5.3.3) or one for branches (5.3.2). */
function filterOf(id: number, properties: Uint8Array, wrong: (what: string) => never, offset: number): Filter {
  if (id === filterIds.delta) {
    const [distance] = properties;
    if (distance === undefined || properties.length !== 1) return wrong("the delta filter has one byte of properties");
    return deltaFilter(distance + 1);
  }
  const branch = branchFilters.get(id);
  if (!branch) {
    if (id === filterIds.lzma2) return wrong("LZMA2 stands before another filter");
    return unsupported(`the filter 0x${id.toString(16)} is not known`, offset);
  }
  if (properties.length === 0) return branch.create();
  if (properties.length !== 4) return wrong("a branch filter has no or four bytes of properties");
  const start = new DataView(properties.buffer, properties.byteOffset, 4).getUint32(0, true);
  if (start % branch.alignment !== 0) wrong(`the start offset ${start} is no multiple of ${branch.alignment}`);
  return startingAt(start, branch.create());
}
