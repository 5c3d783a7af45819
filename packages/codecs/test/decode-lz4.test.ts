import { lz4Encoder } from "@sextant/codecs";
import { describe, expect, test } from "vitest";
import { expectAgreement, expectContent, fast, isEqual, mutations } from "./decoders.js";
import { random, sample } from "./samples.js";

describe("LZ4", () => {
  /** Literals, then a match; a length of 15 and more in bytes behind. */
  const sequence = (literals: readonly number[], distance?: number, match = 4) => {
    const rest = (length: number) =>
      length < 15 ? [] : [...new Array<number>(Math.floor((length - 15) / 255)).fill(255), (length - 15) % 255];
    const token = (Math.min(15, literals.length) << 4) | Math.min(15, match - 4);
    const head = [token, ...rest(literals.length), ...literals];
    return distance === undefined ? head : [...head, distance & 255, distance >> 8, ...rest(match - 4)];
  };
  const decode = (bytes: readonly number[], outputBytes: number, partial = false) =>
    fast("lz4", Uint8Array.from(bytes), outputBytes, partial);
  const letters = Array.from({ length: 300 }, (_, i) => (7 * i) & 255);

  test.each([1, 2, 3, 5, 7, 8, 13, 15, 16, 17, 31, 32, 40])("matches from %i bytes back", (distance) => {
    for (const match of [4, 5, 15, 16, 17, 18, 19, 33, 273, 274, 275, 1000]) {
      const block = [...sequence(letters.slice(0, 40), distance, match), ...sequence(letters)];
      const content = letters.slice(0, 40);
      for (let i = 0; i < match; i++) content.push(content.at(-distance) as number);
      content.push(...letters);
      expect(isEqual(decode(block, content.length), Uint8Array.from(content))).toBe(true);
      expect(decode(block, content.length - 1)).toBeUndefined();
      for (let length = 0; length <= content.length; length += 7) {
        expect(isEqual(decode(block, length, true), Uint8Array.from(content.slice(0, length)))).toBe(true);
      }
    }
  });

  test.each([
    ["nothing at all", []],
    ["literals that don't come", [0x50, 1, 2]],
    ["a length that does not end", [0xf0, 255, 255]],
    ["a length beyond all numbers", [0xf0, ...new Array<number>(5_000_000).fill(255)]],
    ["half a distance", [0x10, 1, 1]],
    ["no literals behind the last match", sequence([1, 2], 1)],
    ["a distance of zero", [...sequence([1, 2], 0), 0]],
    ["a match before the start", [...sequence([1, 2], 3), 0]],
    ["a match's length that does not end", [0x1f, 1, 1, 0, 255]],
  ])("refuses %s", (_name, bytes) => {
    expect(decode(bytes, 1000)).toBeUndefined();
  });

  test.each([0, 9])("what our encoder made at level %i, and damage to it", (level) => {
    const encoder = lz4Encoder({ level });
    for (const [size, rounds] of [
      [300, 400],
      [6000, 700],
      [60_000, 40],
    ] as const) {
      const content = sample(size, 40 + level);
      encoder.input(size).set(content);
      const bytes = encoder.fill(0, size, 2 * size)?.bytes.slice() ?? new Uint8Array(0);
      expectContent("lz4", bytes, content);
      for (const damaged of mutations(bytes, level, rounds)) expectAgreement("lz4", damaged, 2 * size);
    }
  });

  test("noise", () => {
    const next = random(9);
    for (let round = 0; round < 3000; round++) {
      expectAgreement("lz4", Uint8Array.from({ length: next() % 100 }, next), 2000);
    }
  });
});
