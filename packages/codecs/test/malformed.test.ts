import { gzipSync } from "node:zlib";
import { concatBytes, crc32, fromHex } from "@sextant/bytes";
import { CodecError, type CodecErrorCode, type CompressionFormat } from "@sextant/codecs";
import { nodeInflater } from "@sextant/codecs/node";
import { describe, expect, test } from "vitest";
import { decompressAll } from "./samples.js";

const le32 = (value: number) => Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
const withCrc = (bytes: Uint8Array) => concatBytes([bytes, le32(crc32(bytes))]);
const join = (...parts: readonly (string | Uint8Array)[]) =>
  concatBytes(parts.map((part) => (typeof part === "string" ? fromHex(part) : part)));

/** What an input must be refused with. */
interface Row {
  readonly name: string;
  readonly input: Uint8Array;
  readonly code: CodecErrorCode;
  readonly path: string;
  readonly offset: number;
}

type RowTuple = readonly [name: string, input: Uint8Array, code: CodecErrorCode, path: string, offset: number];
const rowsOf = (tuples: readonly RowTuple[]): Row[] =>
  tuples.map(([name, input, code, path, offset]) => ({ name, input, code, path, offset }));

async function expectRow(format: CompressionFormat, { input, code, path, offset }: Row): Promise<void> {
  for (const step of [1, 7, 65536]) {
    await expect(decompressAll(format, input, { source: "in.x" }, step)).rejects.toMatchObject({
      constructor: CodecError,
      code,
      context: { path, offset, source: "in.x" },
    });
  }
}

const gzipHead = "1f8b0800000000000003";
/** A member around raw DEFLATE data whose content is not looked at. */
const member = (deflate: string, trailer = "0000000000000000") => join(gzipHead, deflate, trailer);
const hello = new Uint8Array(gzipSync("hello"));
const edited = (bytes: Uint8Array, at: number, value: number) => {
  const copy = bytes.slice();
  copy[at < 0 ? copy.length + at : at] = value;
  return copy;
};

const gzipRows = rowsOf([
  ["nothing", new Uint8Array(0), "MALFORMED_TRUNCATED", "gzip.header", 0],
  ["other magic", join("1f8c0800000000000003"), "MALFORMED_HEADER", "gzip.header.magic", 0],
  ["other method", join("1f8b0700000000000003"), "MALFORMED_HEADER", "gzip.header.method", 0],
  ["reserved flags", join("1f8b0820000000000003"), "MALFORMED_HEADER", "gzip.header.flags", 0],
  ["name without end", join("1f8b0808000000000003", "6161"), "MALFORMED_TRUNCATED", "gzip.header.name", 12],
  ["extra field too long", join("1f8b0804000000000003", "ffff00"), "MALFORMED_TRUNCATED", "gzip.header.extra", 13],
  ["reserved block type", member("07"), "MALFORMED_DATA", "gzip.data.block", 11],
  ["stored block, wrong complement", member("0105000500aaaaaaaaaa"), "MALFORMED_DATA", "gzip.data.block", 15],
  ["stored block, cut", join(gzipHead, "010500faffaaaa"), "MALFORMED_TRUNCATED", "gzip.data", 17],
  ["distance before the start", member("03020000"), "MALFORMED_DATA", "gzip.data.block", 12],
  ["wrong checksum", edited(hello, -5, 0), "MISMATCH_CHECKSUM", "gzip.trailer.crc32", 17],
  ["wrong size", edited(hello, -4, 6), "MISMATCH_SIZE", "gzip.trailer.contentBytes", 21],
  ["garbage behind", join(hello, "41"), "MALFORMED_TRAILING", "gzip", 25],
  ["garbage behind zeros", join(hello, "000041"), "MALFORMED_TRAILING", "gzip", 25],
]);

describe("gzip", () => {
  test.each(gzipRows)("$name", async (row) => {
    await expectRow("gzip", row);
  });

  /** Dynamic codes as bit strings, lowest bit first: headers that zlib refuses too. */
  test.each([
    ["too many literal codes", "1 01 11111 00000 0000"],
    ["code lengths that are no prefix code", "1 01 00000 00000 0111 111 111 111 111 111 111 111 111 111"],
    ["a repeat without anything before", `1 01 00000 00000 0111 010 010 010 010 ${"000".repeat(14)} 01`],
  ])("dynamic block: %s", async (_name, text) => {
    const bits = text.replaceAll(" ", "").padEnd(256, "0");
    const bytes = Uint8Array.from({ length: bits.length / 8 }, (_, i) =>
      Number.parseInt([...bits.slice(8 * i, 8 * i + 8)].reverse().join(""), 2),
    );
    for (const inflater of [undefined, nodeInflater]) {
      await expect(decompressAll("gzip", join(gzipHead, bytes), { inflater })).rejects.toMatchObject({
        code: "MALFORMED_DATA",
      });
    }
  });
});

const zstdHead = "28b52ffd";
const zstdRows = rowsOf([
  ["nothing", new Uint8Array(0), "MALFORMED_TRUNCATED", "zstd.magic", 0],
  ["other magic", join("28b52ffe"), "MALFORMED_HEADER", "zstd.magic", 0],
  ["reserved bit", join(zstdHead, "0800"), "UNSUPPORTED_FEATURE", "zstd.frame.header.descriptor", 4],
  ["dictionary", join(zstdHead, "010001"), "UNSUPPORTED_FEATURE", "zstd.frame.header.dictionaryId", 4],
  ["window of 2 TiB", join(zstdHead, "00ff"), "LIMIT_WINDOW", "zstd.frame.header.window", 4],
  ["content of 2^62", join(zstdHead, "e00000000000000040"), "LIMIT_RANGE", "zstd.frame.header.contentSize", 4],
  ["segment of 1 GiB", join(zstdHead, "a000000040"), "LIMIT_WINDOW", "zstd.frame.header.window", 4],
  ["reserved block type", join(zstdHead, "0000", "070000"), "MALFORMED_DATA", "zstd.block", 6],
  ["block larger than the window", join(zstdHead, "0000", "096000"), "MALFORMED_DATA", "zstd.block", 6],
  ["run larger than the window", join(zstdHead, "2004", "2b0000", "61"), "MALFORMED_DATA", "zstd.block", 6],
  ["cut block header", join(zstdHead, "0000", "0100"), "MALFORMED_TRUNCATED", "zstd.block", 8],
  ["cut block", join(zstdHead, "0000", "290000", "61"), "MALFORMED_TRUNCATED", "zstd.block", 10],
  [
    "less than stated",
    join(zstdHead, "2005", "210000", "61626364"),
    "MISMATCH_SIZE",
    "zstd.frame.header.contentSize",
    0,
  ],
  [
    "wrong checksum",
    join(zstdHead, "2401", "090000", "61", "00000000"),
    "MISMATCH_CHECKSUM",
    "zstd.frame.checksum",
    10,
  ],
  ["cut checksum", join(zstdHead, "2401", "090000", "61", "0000"), "MALFORMED_TRUNCATED", "zstd.frame.checksum", 12],
  ["garbage behind", join(zstdHead, "2001", "090000", "61", "00000000"), "MALFORMED_TRAILING", "zstd.magic", 10],
  ["cut skippable frame", join("502a4d18", "05000000", "00"), "MALFORMED_TRUNCATED", "zstd.skippable", 9],
  ["block of one byte", join(zstdHead, "0000", "0d0000", "00"), "MALFORMED_DATA", "zstd.block", 6],
  ["literals beyond the block", join(zstdHead, "0000", "150000", "2861"), "MALFORMED_DATA", "zstd.block", 6],
  ["tree of no former block", join(zstdHead, "0000", "2d0000", "1340000100"), "MALFORMED_DATA", "zstd.block", 6],
  [
    "tables of no former block",
    join(zstdHead, "0000", "2d0000", "0861", "01fc", "01"),
    "MALFORMED_DATA",
    "zstd.block",
    6,
  ],
  ["reserved sequence bits", join(zstdHead, "0000", "2d0000", "0861", "0101", "01"), "MALFORMED_DATA", "zstd.block", 6],
  // Runs of codes: no literal, offset code 5, the shortest match.
  [
    "offset before the start",
    join(zstdHead, "0000", "3d0000", "00", "01", "54", "000500", "20"),
    "MALFORMED_DATA",
    "zstd.block",
    6,
  ],
  [
    "sequences without end mark",
    join(zstdHead, "0000", "3d0000", "00", "01", "54", "000500", "00"),
    "MALFORMED_DATA",
    "zstd.block",
    6,
  ],
]);

describe("zstd", () => {
  test.each(zstdRows)("$name", async (row) => {
    await expectRow("zstd", row);
  });
});

// An .xz stream in its parts, with CRC32 as the check: "abc" in a chunk of plain bytes.
const xzMagic = "fd377a585a00";
const flags = fromHex("0001");
const header = join(xzMagic, withCrc(flags));
const blockHead = (fields: string) => {
  const bytes = fromHex(fields);
  const size = Math.ceil((1 + bytes.length + 4) / 4) * 4;
  const whole = new Uint8Array(size - 4);
  whole[0] = size / 4 - 1;
  whole.set(bytes, 1);
  return withCrc(whole);
};
const lzma2 = "21010c";
const abc = fromHex("01000261626300");
const check = le32(crc32(new TextEncoder().encode("abc")));
const block = (head = blockHead(`00${lzma2}`), data = abc, sum = check) =>
  join(head, data, new Uint8Array(-data.length & 3), sum);
const index = (records = "011703") => {
  const bytes = fromHex(`00${records}`);
  return withCrc(join(bytes, new Uint8Array(-bytes.length & 3)));
};
const footer = (indexBytes: number, footerFlags = flags) => {
  const body = join(le32(indexBytes / 4 - 1), footerFlags);
  return join(le32(crc32(body)), body, "595a");
};
const whole = join(header, block(), index(), footer(index().length));

const xzRows = rowsOf([
  ["nothing", new Uint8Array(0), "MALFORMED_TRUNCATED", "xz.header", 0],
  ["other magic", join("fd377a585a01", withCrc(flags)), "MALFORMED_HEADER", "xz.header.magic", 0],
  ["header checksum", join(xzMagic, flags, "00000000"), "MISMATCH_CHECKSUM", "xz.header.crc32", 8],
  ["reserved flags", join(xzMagic, withCrc(fromHex("0011"))), "UNSUPPORTED_FEATURE", "xz.header.flags", 6],
  ["unknown check", join(xzMagic, withCrc(fromHex("0002")), block()), "UNSUPPORTED_FEATURE", "xz.header.check", 12],
  [
    "block header checksum",
    join(header, edited(blockHead(`00${lzma2}`), -1, 0)),
    "MISMATCH_CHECKSUM",
    "xz.block.header.crc32",
    20,
  ],
  ["reserved block flags", join(header, blockHead(`04${lzma2}`)), "UNSUPPORTED_FEATURE", "xz.block.header.flags", 13],
  ["unknown filter", join(header, blockHead("01200021010c")), "UNSUPPORTED_FEATURE", "xz.block.header.filters", 14],
  ["unknown last filter", join(header, blockHead("002000")), "UNSUPPORTED_FEATURE", "xz.block.header.filters", 14],
  ["no LZMA2 at the end", join(header, blockHead("000400")), "MALFORMED_HEADER", "xz.block.header.filters[0]", 14],
  ["LZMA2 twice", join(header, blockHead(`01${lzma2}${lzma2}`)), "MALFORMED_HEADER", "xz.block.header.filters[0]", 14],
  ["LZMA2 without size", join(header, blockHead("002100")), "MALFORMED_HEADER", "xz.block.header.filters[0]", 14],
  ["dictionary size 41", join(header, blockHead("00210129")), "MALFORMED_HEADER", "xz.block.header.filters[0]", 14],
  ["dictionary of 4 GiB", join(header, blockHead("00210128")), "LIMIT_WINDOW", "xz.block.header.filters.lzma2", 12],
  [
    "misaligned start",
    join(header, blockHead(`01070402000000${lzma2}`)),
    "MALFORMED_HEADER",
    "xz.block.header.filters[0]",
    14,
  ],
  [
    "delta without distance",
    join(header, blockHead(`010300${lzma2}`)),
    "MALFORMED_HEADER",
    "xz.block.header.filters[0]",
    14,
  ],
  [
    "properties beyond the header",
    join(header, blockHead("000440")),
    "MALFORMED_HEADER",
    "xz.block.header.filters[0]",
    14,
  ],
  ["padding not zero", join(header, blockHead(`00${lzma2}000001`)), "MALFORMED_HEADER", "xz.block.header.padding", 17],
  [
    "compressed size zero",
    join(header, blockHead(`4000${lzma2}`)),
    "MALFORMED_HEADER",
    "xz.block.header.compressedSize",
    15,
  ],
  [
    "number too long",
    join(header, blockHead(`40ffffffffffffffffff01${lzma2}`)),
    "MALFORMED_HEADER",
    "xz.block.header.compressedSize",
    14,
  ],
  [
    "number with zeros",
    join(header, blockHead(`408000${lzma2}`)),
    "MALFORMED_HEADER",
    "xz.block.header.compressedSize",
    14,
  ],
  [
    "size of 2^62",
    join(header, blockHead(`40808080808080808040${lzma2}`)),
    "LIMIT_RANGE",
    "xz.block.header.compressedSize",
    14,
  ],
  [
    "other compressed size",
    join(header, block(blockHead(`4008${lzma2}`))),
    "MISMATCH_SIZE",
    "xz.block.header.compressedSize",
    12,
  ],
  [
    "other content size",
    join(header, block(blockHead(`8004${lzma2}`))),
    "MISMATCH_SIZE",
    "xz.block.header.uncompressedSize",
    12,
  ],
  [
    "chunk of unknown kind",
    join(header, block(undefined, fromHex("03000000"))),
    "MALFORMED_DATA",
    "xz.block.data.chunk",
    24,
  ],
  [
    "no dictionary reset",
    join(header, block(undefined, fromHex("02000061"))),
    "MALFORMED_DATA",
    "xz.block.data.chunk",
    24,
  ],
  [
    "no properties",
    join(header, block(undefined, fromHex("0100006180000000040000000000"))),
    "MALFORMED_DATA",
    "xz.block.data.chunk",
    28,
  ],
  [
    "properties of no LZMA2",
    join(header, block(undefined, fromHex("e000000004640000000000"))),
    "MALFORMED_DATA",
    "xz.block.data.chunk",
    24,
  ],
  [
    "range coder not zero",
    join(header, block(undefined, fromHex("e0000000045d0100000000"))),
    "MALFORMED_DATA",
    "xz.block.data.chunk",
    24,
  ],
  [
    "distance before the start",
    join(header, block(undefined, fromHex("e0000000075dff00ffffffffffffff"))),
    "MALFORMED_DATA",
    "xz.block.data.chunk",
    24,
  ],
  [
    "chunk too long for its content",
    join(header, block(undefined, fromHex("e0000000075d0000000000000000"))),
    "MALFORMED_DATA",
    "xz.block.data.chunk",
    24,
  ],
  ["block padding", join(header, blockHead(`00${lzma2}`), abc, "01", check), "MALFORMED_DATA", "xz.block.padding", 31],
  ["content checksum", join(header, block(undefined, undefined, le32(0))), "MISMATCH_CHECKSUM", "xz.block.check", 32],
  ["index of two", join(header, block(), index("0217031703")), "MISMATCH_SIZE", "xz.index.count", 36],
  ["index of none", join(header, block(), index("00")), "MISMATCH_SIZE", "xz.index.count", 36],
  ["other sizes in the index", join(header, block(), index("011803")), "MISMATCH_SIZE", "xz.index.records", 36],
  [
    "index padding",
    join(header, block(), withCrc(fromHex("0001170300000001"))),
    "MISMATCH_CHECKSUM",
    "xz.index.crc32",
    40,
  ],
  ["index checksum", join(header, block(), edited(index(), -1, 0)), "MISMATCH_CHECKSUM", "xz.index.crc32", 40],
  ["footer magic", join(header, block(), index(), edited(footer(8), -1, 0)), "MALFORMED_HEADER", "xz.footer.magic", 54],
  [
    "footer checksum",
    join(header, block(), index(), edited(footer(8), 0, 0)),
    "MISMATCH_CHECKSUM",
    "xz.footer.crc32",
    44,
  ],
  [
    "footer flags",
    join(header, block(), index(), footer(8, fromHex("0004"))),
    "MALFORMED_HEADER",
    "xz.footer.flags",
    52,
  ],
  ["backward size", join(header, block(), index(), footer(12)), "MISMATCH_SIZE", "xz.footer.backwardSize", 48],
  ["odd padding", join(whole, "000000"), "MALFORMED_TRAILING", "xz.padding", 56],
  ["garbage behind", join(whole, "41"), "MALFORMED_TRAILING", "xz.padding", 56],
  ["stream out of step", join(whole, "00", whole), "MALFORMED_TRAILING", "xz.padding", 57],
]);

describe("xz", () => {
  test("the rows' stream itself is sound", async () => {
    expect(new TextDecoder().decode((await decompressAll("xz", whole, {}, 1)).bytes)).toBe("abc");
  });

  test.each(xzRows)("$name", async (row) => {
    await expectRow("xz", row);
  });
});
