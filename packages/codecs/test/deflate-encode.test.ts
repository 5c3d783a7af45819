import { inflateRawSync } from "node:zlib";
import { concatBytes } from "@sextant/bytes";
import { type ClusterEncoder, decodeBlock, deflateEncoder } from "@sextant/codecs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { machineCode, random, sample } from "./samples.js";

const ascii = (text: string) => new TextEncoder().encode(text);
const noise = (size: number, seed = 3) => Uint8Array.from({ length: size }, random(seed));
const levels = [1, 2, 3, 4, 5, 6, 7, 8, 9];

/** Bytes whose frequencies fall steeply, the rarest of which would have codes of more than 15 bits. */
const steep = (size: number) => {
  const next = random(8);
  return Uint8Array.from({ length: size }, () => 3 * Math.clz32(next()) + (next() % 3 === 0 ? 1 : 0));
};

const kinds: readonly (readonly [name: string, bytes: Uint8Array])[] = Object.entries<(size: number) => Uint8Array>({
  noise,
  zeros: (size) => new Uint8Array(size),
  text: (size) => ascii("a quick brown fox. ".repeat(Math.ceil(size / 19))).subarray(0, size),
  "a period of 7": (size) => Uint8Array.from({ length: size }, (_, i) => (i % 7) * 31),
  steep,
  "machine code": machineCode,
  "noise between zeros": (size) => Uint8Array.from(noise(size), (byte, at) => (at & 65536 ? byte : 0)),
  "one kind of text after another": (size) => Uint8Array.from(noise(size), (byte, at) => (byte % 7) + 30 * (at >> 15)),
  everything: sample,
}).map(([name, make]) => [name, make(400_000)]);

function expectContent(stream: Uint8Array, content: Uint8Array): void {
  expect(Buffer.compare(inflateRawSync(stream), content)).toBe(0);
}

/** All streams of an input, each of which zlib decodes. */
function streamsOf(encoder: ClusterEncoder, input: Uint8Array, capacity: number): Uint8Array[] {
  encoder.input(input.length).set(input);
  const streams: Uint8Array[] = [];
  for (let at = 0; at < input.length; ) {
    const filled = encoder.fill(at, input.length, capacity);
    if (!filled) throw new Error(`nothing fits ${capacity} bytes`);
    expect(filled.bytes.length).toBeLessThanOrEqual(capacity);
    // EROFS fills clusters up with zeros in front.
    expect(filled.bytes[0]).not.toBe(0);
    expectContent(filled.bytes, input.subarray(at, at + filled.consumed));
    streams.push(filled.bytes.slice());
    at += filled.consumed;
  }
  return streams;
}

describe.each(levels)("level %i", (level) => {
  const encoder = deflateEncoder({ level });

  test.each(kinds)("%s", (_name, bytes) => {
    for (const [capacity, size, slack] of [
      [16, 600, 6],
      [100, 3000, 30],
      [4096, 60_000, 30],
      [65536, 400_000, 30],
    ] as const) {
      const streams = streamsOf(encoder, bytes.subarray(0, size), capacity);
      for (const stream of streams.slice(0, -1)) expect(stream.length).toBeGreaterThanOrEqual(capacity - slack);
    }
  });

  test("our own decoder takes them", () => {
    for (const [, bytes] of kinds) {
      const input = bytes.subarray(0, 100_000);
      const streams = streamsOf(encoder, input, 9000);
      const output = new Uint8Array(input.length);
      let at = 0;
      for (const stream of streams) at += decodeBlock("deflate", stream, output.subarray(at), { partial: true });
      expect(Buffer.compare(output, input)).toBe(0);
    }
  });

  test("inputs of few bytes", () => {
    for (const source of [noise(40), new Uint8Array(40), ascii("to be or not to be, to be or not to be, to be")]) {
      for (let size = 1; size <= 40; size++) streamsOf(encoder, source.subarray(0, size), 64);
    }
  });

  test("every capacity", () => {
    const input = sample(1000, 5);
    encoder.input(input.length).set(input);
    for (let capacity = 3; capacity < 300; capacity++) {
      const filled = encoder.fill(0, input.length, capacity);
      if (!filled) throw new Error(`nothing fits ${capacity} bytes`);
      expectContent(filled.bytes, input.subarray(0, filled.consumed));
      expect(filled.bytes.length).toBeLessThanOrEqual(capacity);
      expect(filled.bytes.length).toBeGreaterThanOrEqual(capacity - 6);
    }
  });

  test("does not depend on what lies beside the input, or was there before", () => {
    const input = sample(50_000, 2);
    const fresh = deflateEncoder({ level });
    fresh.input(input.length).set(input);
    const expected = fresh.fill(0, input.length, 4096);
    for (const before of [1, 1000, 50_000]) {
      const all = concatBytes([input.subarray(0, before), input, input]);
      encoder.input(all.length).set(all);
      encoder.fill(0, all.length, 9999);
      const actual = encoder.fill(before, before + input.length, 4096);
      expect(actual?.consumed).toBe(expected?.consumed);
      expect(Buffer.compare(actual?.bytes ?? input, expected?.bytes ?? input)).toBe(0);
    }
  });

  test("any bytes and capacities", () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.tuple(fc.nat(255), fc.integer({ min: 1, max: 400 })).map(([byte, size]) => new Uint8Array(size).fill(byte)),
      fc.constantFrom("usr/lib/", "ELF", "abcd").map(ascii),
    );
    const content = fc.array(piece, { minLength: 1, maxLength: 60 }).map((pieces) => concatBytes(pieces));
    fc.assert(
      fc.property(content, fc.integer({ min: 16, max: 700 }), (bytes, capacity) => {
        streamsOf(encoder, bytes, capacity);
      }),
      { seed: 7, numRuns: 60 },
    );
  });
});

describe("levels", () => {
  test("take more input into a stream the higher they are", () => {
    const input = machineCode(600_000);
    const taken = levels.map((level) => {
      const encoder = deflateEncoder({ level });
      encoder.input(input.length).set(input);
      return encoder.fill(0, input.length, 65536)?.consumed ?? 0;
    });
    expect(taken).toEqual(taken.toSorted((a, b) => a - b));
  });

  test.each([0, 10, 1.5, Number.NaN])("there is no level %d", (level) => {
    expect(() => deflateEncoder({ level })).toThrow(RangeError);
  });
});

test("matches reach as far back as the format allows, and not farther", () => {
  const word = noise(200, 6);
  for (const level of levels) {
    const encoder = deflateEncoder({ level });
    const sizes = [32768, 32769].map((distance) => {
      const input = concatBytes([word, new Uint8Array(distance - word.length), word]);
      return streamsOf(encoder, input, 4096)[0]?.length ?? 0;
    });
    expect(sizes[0]).toBeLessThan((sizes[1] ?? 0) - 100);
  }
});

test("a mebibyte of capacity, long inputs, and more than is used of the capacity", () => {
  const encoder = deflateEncoder({ level: 1 });
  const zeros = new Uint8Array(encoder.inputLimitBytes);
  expect(streamsOf(encoder, zeros, 20_000)).toHaveLength(1);
  const input = concatBytes([noise(1_200_000), new Uint8Array(100)]);
  expect(streamsOf(encoder, input, 1 << 20)[0]?.length).toBeGreaterThan((1 << 20) - 16);
  expect(streamsOf(encoder, input, 1 << 22)[0]?.length).toBeLessThanOrEqual(1 << 20);
});

test("says what is wrong with its arguments", () => {
  const encoder = deflateEncoder();
  expect(() => encoder.input(encoder.inputLimitBytes + 1)).toThrow(RangeError);
  encoder.input(10).fill(1);
  for (const [start, end] of [
    [0, 11],
    [-1, 5],
    [5, 5],
    [6, 5],
    [Number.NaN, 5],
  ] as const) {
    expect(() => encoder.fill(start, end, 100)).toThrow(RangeError);
  }
  for (const capacity of [0, 1, 2]) expect(encoder.fill(0, 10, capacity)).toBeUndefined();
  expect(encoder.fill(0, 10, 3)?.consumed).toBeGreaterThan(0);
});
