import { constants, deflateRawSync, gzipSync } from "node:zlib";
import { concatBytes, fromHex } from "@sextant/bytes";
import { decodeBlock } from "@sextant/codecs";
import { nodeInflater } from "@sextant/codecs/node";
import { describeWithPeers } from "@sextant/peers";
import { describe, expect, test } from "vitest";
import { decompressAll, machineCode, random, sample } from "./samples.js";

const engines = [
  ["ours", {}],
  ["zlib", { inflater: nodeInflater }],
] as const;

const contents: readonly (readonly [name: string, content: () => Uint8Array])[] = [
  ["nothing", () => new Uint8Array(0)],
  ["a byte", () => Uint8Array.of(9)],
  ["a bit of everything", () => sample(600_000)],
  ["zeros", () => new Uint8Array(1_000_000)],
  ["noise", () => Uint8Array.from({ length: 200_000 }, random(8))],
  ["machine code", () => machineCode(2_000_000)],
];
const strategies = [
  { level: 0 },
  { level: 1 },
  { level: 6 },
  { level: 9, memLevel: 9 },
  { level: 9, memLevel: 1 },
  { strategy: constants.Z_FIXED },
  { strategy: constants.Z_HUFFMAN_ONLY },
  { strategy: constants.Z_RLE },
];

describe.each(engines)("gzip by %s", (_name, options) => {
  test.each(contents)("%s, by every strategy of zlib", async (_content, content) => {
    const bytes = content();
    for (const strategy of strategies) {
      const packed = gzipSync(bytes, strategy);
      for (const step of [65536, 501]) {
        const { bytes: actual, end } = await decompressAll("gzip", packed, options, step);
        expect(Buffer.compare(actual, bytes)).toBe(0);
        expect(end.consumedBytes).toBe(packed.length);
      }
    }
  });

  test("several members, zeros behind them, in steps of any size", async () => {
    const parts = [sample(4000, 1), new Uint8Array(0), sample(70_000, 2)];
    const packed = concatBytes([...parts.map((part) => gzipSync(part)), new Uint8Array(700)]);
    for (const step of [1, 2, 3, 17, 1000, packed.length]) {
      const { bytes, end } = await decompressAll("gzip", packed, options, step);
      expect(Buffer.compare(bytes, concatBytes(parts))).toBe(0);
      expect(end.consumedBytes).toBe(packed.length);
    }
    const first = await decompressAll("gzip", packed, { ...options, members: "first" }, 700);
    expect(Buffer.compare(first.bytes, parts[0] ?? packed)).toBe(0);
    expect(first.end.consumedBytes).toBe(gzipSync(parts[0] ?? packed).length);
  });

  test("a header with every optional part", async () => {
    // FTEXT, FHCRC, FEXTRA, FNAME and FCOMMENT; the CRC16 is that of the bytes before, by zlib.crc32.
    const header = fromHex("1f8b081f0000000002ff0400414200006e616d6500636f6d6d656e7400");
    const { crc32 } = await import("@sextant/bytes");
    const crc = crc32(header) & 0xffff;
    const body = gzipSync("content").subarray(10);
    const packed = concatBytes([header, Uint8Array.of(crc & 0xff, crc >> 8), body]);
    for (const step of [1, 1000]) {
      expect(new TextDecoder().decode((await decompressAll("gzip", packed, options, step)).bytes)).toBe("content");
    }
    packed[17] = 0x6f;
    await expect(decompressAll("gzip", packed, options)).rejects.toMatchObject({
      code: "MISMATCH_CHECKSUM",
      context: { path: "gzip.header.crc16", offset: header.length },
    });
  });
});

describeWithPeers("what gzip wrote", ["gzip"], ({ gzip }) => {
  test.each(["-1", "-6", "-9", "--rsyncable"])("gzip %s", async (option) => {
    const bytes = sample(500_000);
    const { stdout } = await gzip.run(["-c", option], { input: bytes });
    expect(Buffer.compare((await decompressAll("gzip", stdout)).bytes, bytes)).toBe(0);
  });
});

test("raw blocks, whole and in part", () => {
  const bytes = sample(300_000);
  const block = deflateRawSync(bytes);
  const whole = new Uint8Array(bytes.length);
  expect(decodeBlock("deflate", block, whole)).toBe(bytes.length);
  expect(Buffer.compare(whole, bytes)).toBe(0);
  const larger = new Uint8Array(bytes.length + 10);
  expect(decodeBlock("deflate", block, larger)).toBe(bytes.length);
  const part = new Uint8Array(1000);
  expect(decodeBlock("deflate", block, part, { partial: true })).toBe(1000);
  expect(part).toEqual(bytes.subarray(0, 1000));
  expect(() => decodeBlock("deflate", block, part)).toThrow(expect.objectContaining({ code: "LIMIT_OUTPUT" }));
  expect(() => decodeBlock("deflate", concatBytes([block, part]), whole)).toThrow(
    expect.objectContaining({ code: "MALFORMED_TRAILING" }),
  );
});
