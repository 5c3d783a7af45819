import { constants, deflateRawSync } from "node:zlib";
import { CodecError, clusterDecoder } from "@sextant/codecs";
import { describeWithPeers } from "@sextant/peers";
import { describe, expect, test } from "vitest";
import { expectAgreement, expectContent, fast, isEqual, machines, mutations, windowLimitBytes } from "./decoders.js";
import { machineCode, random, sample } from "./samples.js";

const contents: readonly (readonly [name: string, content: Uint8Array])[] = [
  ["nothing", new Uint8Array(0)],
  ["a byte", Uint8Array.of(1)],
  ["300 bytes", sample(300)],
  ["several blocks", sample(700_000)],
  ["noise", Uint8Array.from({ length: 200_000 }, random(5))],
  ["zeros", new Uint8Array(1_000_000)],
  ["text", new TextEncoder().encode("a quick brown fox. ".repeat(20_000))],
  ["code", machineCode(500_000)],
  ["a run of each short length", Uint8Array.from({ length: 4096 }, (_, i) => (i >> 7) % (1 + (i >> 8)))],
];

describe("DEFLATE", () => {
  const ways = [
    { level: 1 },
    { level: 6 },
    { level: 9 },
    { level: 0 },
    { strategy: constants.Z_FIXED },
    { strategy: constants.Z_HUFFMAN_ONLY },
    { strategy: constants.Z_RLE },
    { memLevel: 1, windowBits: 9 },
  ] as const;
  test.each(contents)("%s", (_name, content) => {
    for (const way of ways) expectContent("deflate", deflateRawSync(content, way), content);
  });

  test("part of it, at every length", () => {
    const content = sample(700, 3);
    for (const way of ways) {
      const input = deflateRawSync(content, way);
      for (let length = 0; length <= content.length; length++) {
        expect(isEqual(fast("deflate", input, length, true), content.subarray(0, length))).toBe(true);
      }
    }
  });

  test("damaged by chance", () => {
    for (const [at, way] of ways.entries()) {
      const content = sample(3000, 50 + at);
      for (const input of mutations(deflateRawSync(content, way), at, 700)) expectAgreement("deflate", input, 6000);
    }
  });

  test("noise", () => {
    const next = random(8);
    for (let round = 0; round < 5000; round++) {
      const noise = Uint8Array.from({ length: next() % 200 }, next);
      // Nearly all of it as blocks with codes of their own, which few bits in a row make.
      if (noise[0] !== undefined && round % 4 !== 0) noise[0] = (noise[0] & 0xf8) | 5;
      expectAgreement("deflate", noise, 5000);
    }
  });
});

describeWithPeers("zstd frames", ["zstd"], ({ zstd }) => {
  const ways = ["--fast=5", "-1", "-3", "-9", "-19", "--no-check -3", "--ultra -22 --no-check", "-3 -B200KiB -T2"];
  const compress = async (way: string, content: Uint8Array, hasSize = true) => {
    const size = hasSize ? [`--stream-size=${content.length}`] : [];
    const { stdout } = await zstd.run(["-c", ...way.split(" "), ...size], { input: content });
    return stdout;
  };

  test.each(contents)("%s", async (_name, content) => {
    for (const way of ways) {
      for (const hasSize of [true, false]) expectContent("zstd", await compress(way, content, hasSize), content);
    }
  });

  test("several in a row, with some to skip", async () => {
    const parts = [sample(300), sample(5000, 2), new Uint8Array(0)];
    const skipped = Uint8Array.of(0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9);
    const input: Uint8Array[] = [skipped];
    for (const part of parts) input.push(await compress("-5", part), skipped);
    expectContent("zstd", Buffer.concat(input), Buffer.concat(parts));
  });

  test("part of it, at every length", async () => {
    const content = sample(1500, 3);
    for (const way of ways) {
      const input = await compress(way, content);
      for (let length = 0; length <= content.length; length++) {
        expect(isEqual(fast("zstd", input, length, true), content.subarray(0, length))).toBe(true);
      }
    }
  });

  test("damaged by chance", async () => {
    for (const [at, way] of ways.entries()) {
      for (const size of [400, 6000, 60_000]) {
        const content = size < 60_000 ? sample(size, 70 + at) : machineCode(size);
        const input = await compress(`--no-check ${way}`, content);
        const rounds = size < 60_000 ? 700 : 60;
        for (const damaged of mutations(input, at, rounds)) expectAgreement("zstd", damaged, 2 * size);
      }
    }
  });

  test("writes nowhere but into its own tables and the output", async () => {
    const input = await compress("--no-check -19", sample(3000));
    for (const damaged of mutations(input, 17, 1500)) {
      const length = 2000;
      machines.zstd.input(damaged.length, length)?.set(damaged);
      const around = machines.zstd.output(length + 4000).subarray(length + 64);
      around.fill(0xa5);
      machines.zstd.run(0, windowLimitBytes, true);
      expect(around.every((byte) => byte === 0xa5)).toBe(true);
    }
  });

  test("a window above the limit", async () => {
    const input = await compress("-19 --long=27 --no-check", sample(2000), false);
    const decoder = clusterDecoder();
    expect(() => decoder.decode("zstd", input, new Uint8Array(2000), { windowLimitBytes: 1 << 20 })).toThrow(
      expect.objectContaining({ code: "LIMIT_WINDOW" }),
    );
    expect(decoder.decode("zstd", input, new Uint8Array(2000))).toBe(2000);
  });
});

describe("clusters", () => {
  const content = sample(90_000, 6);
  const input = deflateRawSync(content);

  test("into an output, or to a view", () => {
    const decoder = clusterDecoder();
    const output = new Uint8Array(content.length + 1).fill(7);
    expect(decoder.decode("deflate", input, output)).toBe(content.length);
    expect(Buffer.compare(output.subarray(0, content.length), content)).toBe(0);
    expect(output.at(-1)).toBe(7);
    expect(Buffer.compare(decoder.view("deflate", input, content.length), content)).toBe(0);
  });

  test("without a copy of the input", () => {
    const decoder = clusterDecoder();
    for (let round = 0; round < 3; round++) {
      decoder.input("deflate", input.length, content.length).set(input);
      const room = decoder.input("deflate", input.length, content.length + 100_000 * round);
      room.set(input);
      expect(Buffer.compare(decoder.view("deflate", room, content.length + 100_000 * round), content)).toBe(0);
    }
    const behind = decoder.input("deflate", 1000 + input.length, content.length);
    behind.fill(0, 0, 1000);
    behind.set(input, 1000);
    expect(Buffer.compare(decoder.view("deflate", behind.subarray(1000), content.length), content)).toBe(0);
    const room = decoder.input("deflate", input.length, 100);
    room.set(input);
    expect(() => decoder.view("deflate", room, 101)).toThrow(RangeError);
    expect(() => decoder.view("zstd", room, 100)).toThrow(RangeError);
  });

  test("says what is wrong as the decoder in TypeScript does", () => {
    const decoder = clusterDecoder();
    const failing = (bytes: Uint8Array, length: number) => () =>
      decoder.decode("deflate", bytes, new Uint8Array(length));
    expect(failing(input, 500)).toThrow(expect.objectContaining({ code: "LIMIT_OUTPUT" }));
    expect(failing(input.subarray(0, 100), 90_000)).toThrow(expect.objectContaining({ code: "MALFORMED_TRUNCATED" }));
    expect(failing(Buffer.concat([input, input]), 90_000)).toThrow(
      expect.objectContaining({ code: "MALFORMED_TRAILING" }),
    );
    expect(() => decoder.view("zstd", input, 90_000)).toThrow(expect.objectContaining({ code: "MALFORMED_HEADER" }));
    expect(() => decoder.view("lzma", new Uint8Array(5), 10)).toThrow(CodecError);
    expect(failing(input, 90_000)()).toBe(90_000);
  });

  test("more than the machines take", () => {
    const decoder = clusterDecoder();
    const output = new Uint8Array(2 ** 28);
    expect(decoder.decode("deflate", input, output)).toBe(content.length);
    expect(Buffer.compare(output.subarray(0, content.length), content)).toBe(0);
  });
});
