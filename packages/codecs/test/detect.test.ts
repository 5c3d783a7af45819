import { fromHex } from "@sextant/bytes";
import { decompress, detect } from "@sextant/codecs";
import { describe, expect, test } from "vitest";

const rows = [
  ["1f8b0800", "gzip"],
  ["fd377a585a0000", "xz"],
  ["fd377a585a01", undefined],
  ["28b52ffd24", "zstd"],
  ["502a4d1800000000", "zstd"],
  ["5f2a4d1800000000", "zstd"],
  ["602a4d1800000000", undefined],
  ["425a6839314159265359", "bzip2"],
  ["425a6830", undefined],
  ["04224d18", "lz4"],
  ["02214c18", "lz4"],
  ["5d00008000ffffffffffffffff00", "lzma"],
  ["5d0000800000100000000000000000", "lzma"],
  ["5d0000800000100000000001", undefined],
  ["", undefined],
  ["1f", undefined],
  ["30373037", undefined],
] as const;

describe("detect", () => {
  test.each(rows)("%s is %s", (hex, format) => {
    expect(detect(fromHex(hex))).toBe(format);
  });
});

test.each(["bzip2", "lz4", "lzma"] as const)("%s is refused by name", async (format) => {
  await expect(decompress(format, []).next()).rejects.toMatchObject({ code: "UNSUPPORTED_FORMAT" });
});
