import { concatBytes, fromHex } from "@sextant/bytes";
import { CodecError } from "@sextant/codecs";
import { describeWithPeers } from "@sextant/peers";
import { describe, expect, test } from "vitest";
import { Xxh64 } from "../src/zstd/xxh64.js";
import { decompressAll, machineCode, random, sample } from "./samples.js";

const ascii = (text: string) => new TextEncoder().encode(text);
const hash = (bytes: Uint8Array, step = bytes.length || 1) => {
  const state = new Xxh64();
  for (let at = 0; at < bytes.length; at += step) state.update(bytes.subarray(at, at + step));
  return state.digest().toString(16).padStart(16, "0");
};

describe("XXH64", () => {
  // Values of xxhsum -H64 (xxHash 0.8).
  test.each([
    ["", "ef46db3751d8e999"],
    ["a", "d24ec4f1a98c6e5b"],
    ["abc", "44bc2cf5ad770999"],
    ["Nobody inspects the spammish repetition", "fbcea83c8a378bf1"],
  ])("%j", (text, expected) => {
    expect(hash(ascii(text))).toBe(expected);
  });

  test("does not depend on how the bytes are cut", () => {
    const bytes = sample(10_000, 4);
    for (const step of [1, 31, 32, 33, 100]) expect(hash(bytes, step)).toBe(hash(bytes));
  });
});

const rows: readonly (readonly [options: string, content: () => Uint8Array])[] = [
  ...["--fast=5", "-1", "-3", "-5", "-7", "-9", "-12", "-15", "-19"].map(
    (level) => [level, () => sample(700_000)] as const,
  ),
  ["--ultra -22", () => sample(300_000)],
  ["--no-check", () => sample(300_000)],
  ["-1 --long=27", () => sample(900_000)],
  ["-3 -T2 -B500KiB", () => sample(2_000_000)],
  ["-3 --target-compressed-block-size=1300", () => sample(500_000)],
  ["-3", () => new Uint8Array(0)],
  ["-3", () => Uint8Array.of(1)],
  ["-3", () => sample(255)],
  ["-3", () => sample(256)],
  ["-3", () => sample(65_791)],
  ["-3", () => sample(131_073)],
  ["-3", () => new Uint8Array(3_000_000)],
  ["-3", () => Uint8Array.from({ length: 400_000 }, random(5))],
  ["-19", () => machineCode(800_000)],
  ["-1", () => machineCode(3_000_000)],
  ["-19", () => ascii("a quick brown fox. ".repeat(50_000))],
];

describeWithPeers("what zstd wrote", ["zstd"], ({ zstd }) => {
  test.each(rows)("zstd %s", async (options, content) => {
    const bytes = content();
    for (const size of [[], [`--stream-size=${bytes.length}`]]) {
      const { stdout } = await zstd.run(["-c", ...options.split(" "), ...size], { input: bytes });
      for (const step of [65536, 1009]) {
        const { bytes: actual, end } = await decompressAll("zstd", stdout, {}, step);
        expect(Buffer.compare(actual, bytes)).toBe(0);
        expect(end.consumedBytes).toBe(stdout.length);
      }
    }
  });

  test("several frames, some to skip", async () => {
    const [first, second] = [sample(9000, 1), sample(5000, 2)];
    const a = (await zstd.run(["-c"], { input: first })).stdout;
    const b = (await zstd.run(["-c", "--no-check"], { input: second })).stdout;
    const skip = fromHex("5a2a4d1803000000aabbcc");
    const all = concatBytes([skip, a, b, skip, a]);
    for (const step of [1, 10, all.length]) {
      const { bytes, end } = await decompressAll("zstd", all, {}, step);
      expect(bytes).toEqual(concatBytes([first, second, first]));
      expect(end.consumedBytes).toBe(all.length);
    }
    const one = await decompressAll("zstd", all, { members: "first" });
    expect(one.bytes).toEqual(first);
    expect(one.end.consumedBytes).toBe(skip.length + a.length);
  });

  test("a window larger than the limit is refused before it is made", async () => {
    const { stdout } = await zstd.run(["-c", "-9", "--long=23"], { input: sample(2_500_000) });
    await expect(decompressAll("zstd", stdout, { windowLimitBytes: 1 << 20 })).rejects.toMatchObject({
      constructor: CodecError,
      code: "LIMIT_WINDOW",
      context: { path: "zstd.frame.header.window" },
    });
    expect((await decompressAll("zstd", stdout)).bytes.length).toBe(2_500_000);
  });
});
