import { deflateRawSync, gzipSync } from "node:zlib";
import { concatBytes, crc32, fromHex } from "@sextant/bytes";
import { CodecError, type CompressionFormat, type DecompressOptions } from "@sextant/codecs";
import { nodeInflater } from "@sextant/codecs/node";
import { describeWithPeers } from "@sextant/peers";
import { describe, expect, test } from "vitest";
import { decompressAll, random, sample } from "./samples.js";

const join = (...parts: readonly (string | Uint8Array)[]) =>
  concatBytes(parts.map((part) => (typeof part === "string" ? fromHex(part) : part)));
const gzipHead = "1f8b0800000000000003";
const withCrc = (hex: string) => {
  const bytes = fromHex(hex);
  const crc = crc32(bytes);
  return concatBytes([bytes, Uint8Array.of(crc, crc >>> 8, crc >>> 16, crc >>> 24)]);
};
/** Stream and block header of an .xz with CRC32 and nothing but LZMA2. */
const xzHead = join("fd377a585a00", withCrc("0001"), withCrc("020021010c000000"));

/** Decompresses and says what became of it; anything but a `CodecError` is thrown on. */
async function outcome(format: CompressionFormat, bytes: Uint8Array, options: DecompressOptions) {
  try {
    return (await decompressAll(format, bytes, options)).bytes;
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    expect(error.context.offset).toBeLessThanOrEqual(bytes.length);
    return error.code;
  }
}

const limits = { limitBytes: 1 << 20, windowLimitBytes: 1 << 26 };
const content = sample(6000, 21);

describeWithPeers("damaged by chance", ["xz", "zstd"], ({ xz, zstd }) => {
  const sources: readonly (readonly [
    name: string,
    format: CompressionFormat,
    pack: () => Promise<Uint8Array>,
    options: DecompressOptions,
  ])[] = [
    ["gzip", "gzip", async () => gzipSync(content), {}],
    ["gzip by zlib", "gzip", async () => gzipSync(content), { inflater: nodeInflater }],
    ["zstd", "zstd", async () => (await zstd.run(["-c"], { input: content })).stdout, {}],
    ["xz", "xz", async () => (await xz.run(["-c", "--block-size=2500"], { input: content })).stdout, {}],
    [
      "xz with filters",
      "xz",
      async () =>
        (await xz.run(["-c", "--x86", "--delta=dist=2", "--lzma2=dict=4KiB", "--check=sha256"], { input: content }))
          .stdout,
      {},
    ],
  ];

  test.each(sources)("%s: cut anywhere", async (_name, format, pack, options) => {
    const packed = await pack();
    for (let length = 0; length < packed.length; length += length < 100 ? 1 : 37) {
      expect(await outcome(format, packed.subarray(0, length), { ...limits, ...options })).toBe("MALFORMED_TRUNCATED");
    }
  });

  test.each(sources)("%s: a bit flipped", async (_name, format, pack, options) => {
    const packed = await pack();
    const next = random(99);
    for (let round = 0; round < 500; round++) {
      const damaged = packed.slice();
      const bit = round < 200 ? round : next() % (8 * damaged.length);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const result = await outcome(format, damaged, { ...limits, ...options });
      // Some header bits mean nothing for the content, such as gzip's time.
      if (typeof result !== "string") expect(Buffer.compare(result, content)).toBe(0);
    }
  });

  test("zstd without a checksum: anything but a crash", async () => {
    const packed = (await zstd.run(["-c", "--no-check", "-19"], { input: content })).stdout;
    const next = random(7);
    for (let round = 0; round < 1500; round++) {
      const damaged = packed.slice();
      for (let i = 0; i < 1 + (round % 4); i++) damaged[8 + (next() % (damaged.length - 8))] = next();
      await outcome("zstd", damaged, limits);
    }
  });
});

describe("noise", () => {
  const starts = {
    gzip: fromHex(gzipHead),
    zstd: fromHex("28b52ffd0058"),
    xz: xzHead,
  };
  test.each(["gzip", "zstd", "xz"] as const)("%s", async (format) => {
    const next = random(3);
    for (let round = 0; round < 400; round++) {
      const noise = Uint8Array.from({ length: next() % 300 }, next);
      await outcome(format, join(starts[format], noise), limits);
    }
  });

  test("LZMA in a chunk", async () => {
    const next = random(5);
    for (let round = 0; round < 400; round++) {
      const noise = Uint8Array.from({ length: 100 }, next);
      noise[0] = 0;
      const chunk = join("e00fff", Uint8Array.of(0, 99), "5d", noise, "00");
      expect(typeof (await outcome("xz", join(xzHead, chunk), limits))).toBe("string");
    }
  });
});

test("one byte more than the limit", async () => {
  const packed = gzipSync(new Uint8Array(5000));
  await expect(decompressAll("gzip", packed, { limitBytes: 4999 })).rejects.toMatchObject({ code: "LIMIT_OUTPUT" });
  expect((await decompressAll("gzip", packed, { limitBytes: 5000 })).bytes.length).toBe(5000);
});

test("a bomb stops at its limit", async () => {
  const bomb = join(gzipHead, deflateRawSync(new Uint8Array(200_000_000)), "0000000000000000");
  for (const inflater of [undefined, nodeInflater]) {
    await expect(decompressAll("gzip", bomb, { limitBytes: 1_000_000, inflater })).rejects.toMatchObject({
      code: "LIMIT_OUTPUT",
    });
  }
});
