import { concatBytes } from "@sextant/bytes";
import { type ClusterEncoder, decodeBlock, lz4Encoder } from "@sextant/codecs";
import { describeWithPeers } from "@sextant/peers";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { brokenRule, sequencesOf } from "./lz4-blocks.js";
import { machineCode, random, sample } from "./samples.js";

const ascii = (text: string) => new TextEncoder().encode(text);
const noise = (size: number, seed = 3) => Uint8Array.from({ length: size }, random(seed));
const levels = Array.from({ length: 13 }, (_, level) => level);

/** Zeros with a few other bytes here and there. */
const sparse = (size: number) => {
  const next = random(11);
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 1 + (next() % 700)) bytes[at] = next();
  return bytes;
};

const kinds: readonly (readonly [name: string, bytes: Uint8Array])[] = Object.entries<(size: number) => Uint8Array>({
  noise,
  zeros: (size) => new Uint8Array(size),
  text: (size) => ascii("a quick brown fox. ".repeat(Math.ceil(size / 19))).subarray(0, size),
  "a period of 7": (size) => Uint8Array.from({ length: size }, (_, i) => (i % 7) * 31),
  "records of 8": (size) => Uint8Array.from({ length: size }, (_, i) => (i % 8 === 0 ? i >> 3 : i >> 19)),
  "machine code": machineCode,
  "sparse zeros": sparse,
  everything: sample,
}).map(([name, make]) => [name, make(400_000)]);
const incompressible = noise(1_500_000);

/** All blocks of an input, each decoded and found to keep the rules. */
function blocksOf(encoder: ClusterEncoder, input: Uint8Array, capacity: number): Uint8Array[] {
  encoder.input(input.length).set(input);
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < input.length; ) {
    const filled = encoder.fill(at, input.length, capacity);
    if (!filled) throw new Error(`nothing fits ${capacity} bytes`);
    expect(filled.bytes.length).toBeLessThanOrEqual(capacity);
    // EROFS fills clusters up with zeros in front.
    expect(filled.bytes[0]).not.toBe(0);
    expectContent(filled.bytes, input.subarray(at, at + filled.consumed));
    blocks.push(filled.bytes.slice());
    at += filled.consumed;
  }
  return blocks;
}

function expectContent(block: Uint8Array, content: Uint8Array): void {
  const output = new Uint8Array(content.length);
  expect(decodeBlock("lz4", block, output)).toBe(content.length);
  expect(Buffer.compare(output, content)).toBe(0);
  expect(brokenRule(block)).toBeUndefined();
}

describe.each(levels)("level %i", (level) => {
  const encoder = lz4Encoder({ level });

  test.each(kinds)("%s", (_name, bytes) => {
    for (const [capacity, size] of [
      [16, 600],
      [100, 3000],
      [4096, 60_000],
      [65536, 400_000],
    ] as const) {
      const blocks = blocksOf(encoder, bytes.subarray(0, size), capacity);
      // All but the last one are full: at most a match, its last literals and a length behind them did not fit.
      for (const block of blocks.slice(0, -1)) expect(block.length).toBeGreaterThanOrEqual(capacity - 16);
    }
  });

  test("inputs of few bytes", () => {
    for (const source of [noise(40), new Uint8Array(40), ascii("to be or not to be, to be or not to be, to be")]) {
      for (let size = 1; size <= 40; size++) blocksOf(encoder, source.subarray(0, size), 64);
    }
  });

  test("every capacity", () => {
    const input = sample(1000, 5);
    for (let capacity = 2; capacity < 300; capacity++) {
      encoder.input(input.length).set(input);
      const filled = encoder.fill(0, input.length, capacity);
      expectContent(filled?.bytes ?? new Uint8Array(0), input.subarray(0, filled?.consumed));
      expect(filled?.bytes.length).toBeLessThanOrEqual(capacity);
      expect(filled?.bytes.length).toBeGreaterThanOrEqual(capacity - 14);
    }
  });

  test("literals and matches of all lengths that take another byte", () => {
    for (const length of [14, 15, 16, 18, 19, 20, 269, 270, 271, 273, 274, 275, 524, 525, 526, 528, 529, 530]) {
      const input = concatBytes([noise(length), new Uint8Array(length), noise(length, 4), noise(length)]);
      for (const capacity of [length, length + 1, length + 2, 2 * length, 4 * length + 20]) {
        blocksOf(encoder, input, capacity);
      }
    }
  });

  test("does not depend on what lies beside the input, or was there before", () => {
    const input = sample(50_000, 2);
    const fresh = lz4Encoder({ level });
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

  test("a mebibyte of capacity, and more than is used of it", () => {
    const input = concatBytes([incompressible, new Uint8Array(100)]);
    expect(blocksOf(encoder, input, 1 << 20)[0]?.length).toBeGreaterThan((1 << 20) - 16);
    expect(blocksOf(encoder, input, 1 << 22)[0]?.length).toBeLessThanOrEqual(1 << 20);
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
        blocksOf(encoder, bytes, capacity);
      }),
      { seed: 7, numRuns: 60 },
    );
  });
});

describe("levels", () => {
  test("take more input into a block the higher they are", () => {
    const input = machineCode(600_000);
    const taken = levels.map((level) => {
      const encoder = lz4Encoder({ level });
      encoder.input(input.length).set(input);
      return encoder.fill(0, input.length, 65536)?.consumed ?? 0;
    });
    expect(taken).toEqual(taken.toSorted((a, b) => a - b));
  });

  test.each([-1, 13, 1.5, Number.NaN])("there is no level %d", (level) => {
    expect(() => lz4Encoder({ level })).toThrow(RangeError);
  });
});

test("matches reach as far back as the format allows, and not farther", () => {
  for (const level of levels) {
    const encoder = lz4Encoder({ level });
    for (const [gap, reached] of [
      [65535 - 40, true],
      [65536 - 40, false],
    ] as const) {
      // What repeats is the first thing there, so that it is found whatever is skipped.
      const word = noise(40, 6);
      const input = concatBytes([word, new Uint8Array(gap), word, new Uint8Array(20)]);
      const [block = input] = blocksOf(encoder, input, 65536);
      const literals = sequencesOf(block).reduce((sum, sequence) => sum + sequence.literals, 0);
      expect(literals < 2 * word.length).toBe(reached);
    }
  }
});

test("long inputs in one block", () => {
  for (const level of [0, 2, 12]) {
    const encoder = lz4Encoder({ level });
    const input = new Uint8Array(encoder.inputLimitBytes);
    // A byte for 255 bytes of the match, and some where the parser starts anew.
    expect(blocksOf(encoder, input, (input.length / 255) * 1.006)).toHaveLength(1);
  }
});

test("says what is wrong with its arguments", () => {
  const encoder = lz4Encoder();
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
  expect(encoder.fill(0, 10, 0)).toBeUndefined();
  expect(encoder.fill(0, 10, 1)).toBeUndefined();
  expect(encoder.fill(0, 10, 2)?.consumed).toBe(1);
});

describeWithPeers("liblz4", ["lz4"], ({ lz4 }) => {
  const le32 = (value: number) => Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);

  test.each(levels)("decodes what level %i makes", async (level) => {
    const encoder = lz4Encoder({ level });
    const inputs = kinds.map(([, bytes]) => bytes.subarray(0, 150_000));
    // The legacy frame: a magic number, and blocks with their sizes.
    const frame: Uint8Array[] = [le32(0x184c2102)];
    for (const [index, input] of inputs.entries()) {
      for (const block of blocksOf(encoder, input, index % 2 === 0 ? 4096 : 65536)) {
        frame.push(le32(block.length), block);
      }
    }
    const { stdout } = await lz4.run(["-d", "-c"], { input: concatBytes(frame) });
    expect(Buffer.compare(stdout, concatBytes(inputs))).toBe(0);
  });
});
