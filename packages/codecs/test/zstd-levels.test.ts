import { concatBytes } from "@sextant/bytes";
import { zstdEncoder } from "@sextant/codecs";
import { describe, expect, test } from "vitest";
import { machineCode, random, sample } from "./samples.js";
import { copies, type Frame, framesOf, framesOfInput, words, wrongWith } from "./zstd-frames.js";

// What parsers of levels 5 to 22 look for; zstd-encode.test.ts has the format.
const levels = Array.from({ length: 18 }, (_, index) => index + 5);
const windowLog2 = 20;
const noise = (size: number, seed = 3) => Uint8Array.from({ length: size }, random(seed));

const allOf = (frames: readonly Frame[]) => concatBytes(frames.map(({ bytes }) => bytes));

/** Sentences out of a vocabulary in which few words are frequent, with phrases that come again, as bytes. */
function prose(size: number, seed: number): Uint8Array {
  const next = random(seed);
  const letters = "etaoinshrdlucmfwypvbgkqjxz";
  const vocabulary = Array.from({ length: 3000 }, () =>
    Array.from({ length: 2 + (next() % 9) }, () => letters[Math.min(next() % 26, next() % 26)]).join(""),
  );
  const word = () => vocabulary[(next() % 3000) >> (next() % 12)] ?? "";
  const phrases = Array.from({ length: 2000 }, () => Array.from({ length: 2 + (next() % 5) }, word).join(" "));
  const parts: string[] = [];
  for (let length = 0; length < size; ) {
    const text = next() % 3 === 0 ? (phrases[(next() % 2000) >> (next() % 8)] ?? "") : word();
    parts.push(text, next() % 11 === 0 ? ".\n" : " ");
    length += text.length;
  }
  return new TextEncoder().encode(parts.join("")).slice(0, size);
}

/** Records of 24 bytes with few fields that change, which repeat the last distances. */
function table(rows: number): Uint8Array {
  const next = random(6);
  const bytes = new Uint8Array(rows * 24);
  const view = new DataView(bytes.buffer);
  for (let row = 0; row < rows; row++) {
    view.setUint32(row * 24, row * 17, true);
    view.setUint32(row * 24 + 8, next() % 5, true);
    view.setUint16(row * 24 + 18, next() % 9 === 0 ? next() : 77, true);
  }
  return bytes;
}

const inputs: readonly (readonly [name: string, bytes: () => Uint8Array])[] = [
  ["zeros", () => new Uint8Array(500_000)],
  ["one long match", () => concatBytes([noise(5000), noise(100_000), noise(100_000)])],
  ["matches from as far as the window reaches", () => concatBytes([noise((1 << 20) - 50), noise(300)])],
  ["matches from half as far", () => concatBytes([noise((1 << 19) - 50), noise(300), noise(5000)])],
  ["nothing to find", () => noise(150_000)],
  ["nothing but three bytes to find", () => words(40_000, 3, 60)],
  ["longer and longer matches from farther and farther", () => copies(100_000, 9)],
  ["a record again and again", () => table(6000)],
  ["runs with a byte between", () => Uint8Array.from({ length: 90_000 }, (_, at) => (at % 997 === 0 ? at >> 8 : 0))],
  ["two words in turn", () => words(60_000, 40, 2)],
  ["machine code", () => machineCode(100_000)],
  ["everything", () => sample(120_000, 5)],
];

describe.each(levels)("level %i", (level) => {
  const encoder = zstdEncoder({ level, windowLog2 });

  test.each(inputs)("%s", (_name, make) => {
    const input = make();
    // All of it in one frame, where its ratio allows, and in many.
    const frames = framesOfInput(encoder, input, 1 << 20);
    expect(wrongWith(frames, input, 1 << 20, 1 << windowLog2)).toBeUndefined();
    const some = input.subarray(0, 20_000);
    expect(wrongWith(framesOfInput(encoder, some, 4096), some, 4096, 1 << windowLog2)).toBeUndefined();
  });

  test("neither what was compressed before nor which encoder it is matters", () => {
    const input = concatBytes([copies(60_000, 9), machineCode(60_000), table(1000)]);
    const frames = framesOfInput(encoder, input, 65536);
    const again = framesOfInput(zstdEncoder({ level, windowLog2 }), input, 65536);
    expect(Buffer.compare(allOf(again), allOf(frames))).toBe(0);
  });

  test("inputs of few bytes", () => {
    const input = table(4);
    encoder.input(input.length).set(input);
    for (let size = 1; size <= 40; size++) {
      for (const start of [0, 24]) {
        const frames = framesOf(encoder, start, start + size, 4096);
        expect(frames).toHaveLength(1);
        expect(wrongWith(frames, input, 4096, 1 << windowLog2)).toBeUndefined();
      }
    }
  });
});

const sizeAt = (input: Uint8Array, level: number) =>
  allOf(framesOfInput(zstdEncoder({ level, windowLog2 }), input, 1 << 20)).length;

test("no level makes machine code much larger than the one before it", () => {
  const input = machineCode(500_000);
  const sizes = levels.map((level) => sizeAt(input, level));
  expect(sizes.filter((size, index) => size > (sizes[index - 1] ?? size) * 1.01)).toEqual([]);
  expect(sizes.at(-1)).toBeLessThan((sizes[0] ?? 0) * 0.95);
});

test("better parsers make prose smaller", () => {
  const input = prose(300_000, 2);
  const sizes = [5, 6, 7, 12, 15, 19].map((level) => sizeAt(input, level));
  expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
  expect(new Set(sizes).size).toBe(sizes.length);
});

test("the optimal parse takes three bytes from near rather than literals", () => {
  const input = words(60_000, 3, 60);
  expect(sizeAt(input, 12)).toBeLessThan(sizeAt(input, 10));
});
