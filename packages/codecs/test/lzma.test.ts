import { decodeBlock, decodeLzma, decodeMicroLzma, lzmaProperties } from "@sextant/codecs";
import { describeWithPeers } from "@sextant/peers";
import { expect, test } from "vitest";
import { machineCode, sample } from "./samples.js";

test("the properties byte", () => {
  expect(lzmaProperties(0x5d)).toEqual({ lc: 3, lp: 0, pb: 2 });
  expect(lzmaProperties(224)).toEqual({ lc: 8, lp: 4, pb: 4 });
  expect(lzmaProperties(225)).toBeUndefined();
});

const rows = [
  { lc: 3, lp: 0, pb: 2 },
  { lc: 0, lp: 0, pb: 0 },
  { lc: 4, lp: 0, pb: 4 },
  { lc: 0, lp: 4, pb: 1 },
  { lc: 1, lp: 2, pb: 3 },
];

describeWithPeers("LZMA without a container", ["xz"], ({ xz }) => {
  test.each(rows)("lc=$lc lp=$lp pb=$pb", async ({ lc, lp, pb }) => {
    for (const bytes of [sample(200_000), machineCode(300_000), new Uint8Array(100_000), new Uint8Array(0)]) {
      const filter = `--lzma1=preset=1,dict=64KiB,lc=${lc},lp=${lp},pb=${pb}`;
      const { stdout } = await xz.run(["-c", "--format=raw", filter], { input: bytes });
      // xz ends raw LZMA with an end marker.
      const output = new Uint8Array(bytes.length + 1);
      expect(decodeLzma(stdout, output, { lc, lp, pb }, { dictionaryBytes: 65536 })).toBe(bytes.length);
      expect(Buffer.compare(output.subarray(0, bytes.length), bytes)).toBe(0);

      const micro = stdout.slice();
      micro[0] = ~((pb * 5 + lp) * 9 + lc);
      const half = new Uint8Array(bytes.length >> 1);
      expect(decodeMicroLzma(micro, half, { partial: true })).toBe(half.length);
      expect(Buffer.compare(half, bytes.subarray(0, half.length))).toBe(0);
      expect(decodeMicroLzma(micro, output)).toBe(bytes.length);
    }
  });

  test("data that does not fit its output", async () => {
    const { stdout } = await xz.run(["-c", "--format=raw", "--lzma1=preset=0"], { input: sample(5000) });
    const properties = { lc: 3, lp: 0, pb: 2 };
    const cases: readonly (readonly [input: Uint8Array, outputBytes: number, code: string])[] = [
      [stdout, 4999, "MISMATCH_SIZE"],
      [stdout, 100, "MISMATCH_SIZE"],
      [stdout.subarray(0, -2), 5001, "MALFORMED_TRUNCATED"],
      [stdout.subarray(0, 4), 5001, "MALFORMED_TRUNCATED"],
      [stdout.subarray(1), 5001, "MALFORMED_DATA"],
    ];
    for (const [input, outputBytes, code] of cases) {
      expect(() => decodeLzma(input, new Uint8Array(outputBytes), properties)).toThrow(
        expect.objectContaining({ code }),
      );
    }
    expect(() => decodeMicroLzma(Uint8Array.of(0, 1, 2, 3, 4, 5), new Uint8Array(5))).toThrow(
      expect.objectContaining({ code: "MALFORMED_HEADER" }),
    );
  });

  test("blocks of .xz", async () => {
    const bytes = machineCode(131_072);
    const { stdout } = await xz.run(["-c", "--check=crc32", "--x86", "--lzma2=dict=128KiB"], { input: bytes });
    const output = new Uint8Array(bytes.length);
    expect(decodeBlock("xz", stdout, output)).toBe(bytes.length);
    expect(Buffer.compare(output, bytes)).toBe(0);
  });
});
