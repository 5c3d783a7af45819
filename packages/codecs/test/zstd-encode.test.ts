import { concatBytes } from "@sextant/bytes";
import { zstdEncoder } from "@sextant/codecs";
import { describeWithPeers } from "@sextant/peers";
import { describe, expect, test } from "vitest";
import { machineCode, random, sample } from "./samples.js";
import { blocksOf, copies, frameHeader, framesOf, framesOfInput, words, wrongWith } from "./zstd-frames.js";

/** Read once: the program is large. */
const allCode = machineCode(4_500_000);
const code = (size: number) => allCode.subarray(0, size);
const ascii = (text: string) => new TextEncoder().encode(text);
const noise = (size: number, seed = 3) => Uint8Array.from({ length: size }, random(seed));
const levels = [1, 2, 3, 4, 5, 7, 9, 12, 14, 16, 18, 22];

/** Bytes whose frequencies fall, without repetitions: entropy coding alone. */
const skewed = (size: number) => {
  const next = random(8);
  return Uint8Array.from({ length: size }, () => Math.clz32(next()) * 3 + (next() % 3));
};

const inputs: readonly (readonly [name: string, bytes: () => Uint8Array])[] = [
  ["random bytes", () => noise(300_000)],
  ["zeros", () => new Uint8Array(600_000)],
  ["one byte all over with an end", () => concatBytes([new Uint8Array(200_000).fill(7), ascii("end")])],
  ["text", () => ascii("a quick brown fox. ".repeat(30_000))],
  ["machine code", () => code(400_000)],
  ["bytes without repetitions", () => skewed(200_000)],
  ["random bytes and zeros in turn", () => concatBytes([noise(90_000), new Uint8Array(90_000), noise(90_000, 4)])],
  ["a random run, twice", () => concatBytes([noise(70_000), noise(70_000), noise(70_000)])],
  [
    "literals for longer than lengths have bits",
    () => concatBytes([noise(100_000), new Uint8Array(28_000), ascii("x")]),
  ],
  [
    "a long match",
    () => concatBytes([noise(100), noise(100), new Uint8Array(70_000), noise(70), new Uint8Array(99_999)]),
  ],
  ["a short period", () => Uint8Array.from({ length: 300_000 }, (_, i) => (i % 7) * 31)],
  ["words of three bytes", () => words(300_000, 3, 100)],
  ["words of four bytes", () => words(300_000, 4, 500)],
  ["words of eight bytes", () => words(300_000, 8, 3000)],
  ["everything", () => sample(400_000)],
];

describe.each(levels)("level %i", (level) => {
  const encoder = zstdEncoder({ level });

  test.each(inputs)("%s", (_name, make) => {
    const input = make();
    for (const capacity of [65536, 4096]) {
      const some = capacity === 4096 ? input.subarray(0, 60_000) : input;
      expect(wrongWith(framesOfInput(encoder, some, capacity), some, capacity, 1 << 19)).toBeUndefined();
    }
  });

  test("inputs of few bytes", () => {
    for (const source of [noise(70), new Uint8Array(70), ascii("to be or not to be, that is ".repeat(3))]) {
      for (let size = 1; size <= 70; size++) {
        const input = source.subarray(0, size);
        const frames = framesOfInput(encoder, input, 4096);
        expect(frames).toHaveLength(1);
        expect(wrongWith(frames, input, 4096, 1 << 19)).toBeUndefined();
      }
    }
  });

  test("files side by side don't influence each other", () => {
    const files = [sample(9000, 2), sample(100, 3), code(40_000), sample(70_000, 4), code(4097), noise(5)];
    const other = zstdEncoder({ level });
    const alone = files.map((file) => framesOfInput(other, file, 16384).map(({ bytes }) => bytes));
    // The first fills leave what they parsed beyond their ends.
    const all = concatBytes([code(100_000), ...files, code(9000)]);
    encoder.input(all.length).set(all);
    framesOf(encoder, 0, 100_000, 4096);
    let at = 100_000;
    for (const [index, file] of files.entries()) {
      const frames = framesOf(encoder, at, at + file.length, 16384).map(({ bytes }) => bytes);
      expect(frames).toEqual(alone[index]);
      at += file.length;
    }
  });
});

describe("capacities", () => {
  const encoder = zstdEncoder();

  test.each([16, 17, 20, 24, 32, 50, 64, 100, 200, 300, 512, 1000])("%i bytes", (capacity) => {
    for (const input of [code(30 * capacity), noise(5 * capacity), new Uint8Array(5 * capacity)]) {
      expect(wrongWith(framesOfInput(encoder, input, capacity), input, capacity, 1 << 19)).toBeUndefined();
    }
  });

  test.each([4096, 8192, 65536, 131072, 1048576])("%i bytes are made use of", (capacity) => {
    for (const input of [allCode, sample(2_000_000)]) {
      const frames = framesOfInput(encoder, input.subarray(0, 20 * capacity), capacity);
      const full = frames.slice(0, -1).filter(({ bytes }) => bytes.length < capacity * 0.995);
      expect(full).toEqual([]);
    }
  });

  test("no more than 1 MiB", () => {
    const input = noise(1_500_000);
    const [frame] = framesOfInput(encoder, input, 4 << 20);
    expect(frame?.bytes.length).toBe(1 << 20);
    expect(frame?.end).toBeGreaterThan((1 << 20) - 100);
  });

  test("nothing fits into less than a frame with a byte", () => {
    encoder.input(100).set(noise(100));
    for (let capacity = 0; capacity < 10; capacity++) expect(encoder.fill(0, 100, capacity)).toBeUndefined();
    expect(encoder.fill(0, 1, 10)?.consumed).toBe(1);
  });

  test("random bytes take their own size and little more", () => {
    const input = noise(65_000);
    expect(framesOfInput(encoder, input, 65536)[0]?.bytes.length).toBeLessThan(65_000 + 16);
  });

  test("a byte again and again takes some bytes", () => {
    const input = new Uint8Array(1 << 20).fill(9);
    expect(framesOfInput(encoder, input, 4096)[0]?.bytes.length).toBe(10 + 8 * 4);
    expect(blocksOf(framesOfInput(encoder, input.subarray(0, 4096), 4096)[0]?.bytes ?? input)).toEqual([
      { type: 1, size: 4096 },
    ]);
  });
});

describe("windows", () => {
  const period = code(40_000);
  const input = concatBytes(new Array<Uint8Array>(30).fill(period));

  test.each([14, 15, 16, 17, 19, 20])("of two to the power of %i", (windowLog2) => {
    for (const level of [1, 3, 9, 19]) {
      const encoder = zstdEncoder({ level, windowLog2 });
      const frames = framesOfInput(encoder, input, 65536);
      expect(wrongWith(frames, input, 65536, 2 ** windowLog2)).toBeUndefined();
      for (const { bytes, start, end } of frames) {
        const { isSingleSegment, windowBytes } = frameHeader(bytes);
        expect(isSingleSegment).toBe(end - start <= 2 ** windowLog2);
        expect(windowBytes).toBe(Math.min(end - start, 2 ** windowLog2));
        expect(Math.max(...blocksOf(bytes).map(({ size }) => size))).toBeLessThanOrEqual(windowBytes);
      }
      // What is further back than the window must not be found.
      expect(frames.length > 3).toBe(windowLog2 < 16);
    }
  });
});

test("content of another kind gets blocks of its own", () => {
  const input = concatBytes([ascii("one two three four five six. ".repeat(100)), skewed(40_000), code(60_000)]);
  const [frame] = framesOfInput(zstdEncoder(), input, 1 << 17);
  expect(frame?.end).toBe(input.length);
  expect(blocksOf(frame?.bytes ?? input).length).toBeGreaterThan(1);
});

test("positions start again before they pass 32 bits", () => {
  const encoder = zstdEncoder({ level: 1 });
  const size = 60 << 20;
  const input = encoder.input(size);
  const text = code(100_000);
  input.set(text, size - text.length);
  const last = () => framesOf(encoder, size - text.length, size, 65536).map(({ bytes }) => bytes);
  const before = last();
  for (let round = 0; round < 60; round++) {
    encoder.fill(0, size - text.length, 65536);
    if (round % 10 === 9) expect(last()).toEqual(before);
  }
});

describe("wrong arguments", () => {
  test.each([0, 23, 1.5, Number.NaN])("level %d", (level) => {
    expect(() => zstdEncoder({ level })).toThrow(RangeError);
  });
  test.each([13, 21, 17.5])("windowLog2 %d", (windowLog2) => {
    expect(() => zstdEncoder({ windowLog2 })).toThrow(RangeError);
  });
  test("ranges", () => {
    const encoder = zstdEncoder();
    encoder.input(100);
    for (const [start, end] of [
      [-1, 5],
      [5, 5],
      [0, 101],
      [Number.NaN, 5],
    ] as const) {
      expect(() => encoder.fill(start, end, 4096)).toThrow(RangeError);
    }
    expect(() => encoder.input(encoder.inputLimitBytes + 1)).toThrow(RangeError);
  });
});

describeWithPeers("what zstd reads", ["zstd"], ({ zstd }) => {
  test.each(levels)("level %i", async (level) => {
    const encoder = zstdEncoder({ level, windowLog2: 17 });
    for (const capacity of [300, 4096, 65536, 1 << 20]) {
      const input = concatBytes([code(300_000), sample(100_000), copies(100_000, level)]);
      const frames = framesOfInput(encoder, capacity < 4096 ? input.subarray(0, 20_000) : input, capacity);
      const { stdout } = await zstd.run(["-dc", `-M${2 ** 17}`], {
        input: concatBytes(frames.map(({ bytes }) => bytes)),
      });
      expect(Buffer.compare(stdout, input.subarray(0, frames.at(-1)?.end))).toBe(0);
    }
  });
});
