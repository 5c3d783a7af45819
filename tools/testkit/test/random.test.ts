import { crc32, equalBytes } from "@sextant/bytes";
import { describe, expect, test } from "vitest";
import { mutations, seededRandom } from "../src/index.js";

describe("seededRandom", () => {
  test("gives what it gave on every machine", () => {
    const random = seededRandom(1);
    const drawn = [random.below(1000), random.below(1000), random.below(2 ** 32), ...random.bytes(3)];
    expect(drawn).toMatchInlineSnapshot(`
      [
        955,
        765,
        2819883760,
        6,
        145,
        226,
      ]
    `);
    expect(random.shuffled("abcdef").sort().join("")).toBe("abcdef");
  });

  test("reaches every number below the limit, evenly enough", () => {
    const random = seededRandom(7);
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < 10_000; i++) {
      const drawn = random.below(10);
      counts[drawn] = (counts[drawn] ?? 0) + 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(900);
    expect(Math.max(...counts)).toBeLessThan(1100);
  });

  test("refuses limits that it cannot reach", () => {
    expect(() => seededRandom(1).below(0)).toThrow(RangeError);
    expect(() => seededRandom(1).below(2 ** 32 + 1)).toThrow(RangeError);
    expect(() => seededRandom(1).pick([])).toThrow(RangeError);
  });
});

describe("mutations", () => {
  const bytes = seededRandom(3).bytes(10_000);

  test("are the same for the same seed, and leave the original alone", () => {
    const before = bytes.slice();
    const digests = (seed: number) =>
      [...mutations(bytes, { seed, count: 200 })].map(({ what, bytes: damaged }) => [what, crc32(damaged)]);
    expect(digests(1)).toEqual(digests(1));
    expect(digests(2)).not.toEqual(digests(1));
    expect(equalBytes(bytes, before)).toBe(true);
  });

  test("cover the kinds of damage, half of it in the head", () => {
    const made = [...mutations(bytes, { seed: 4, count: 500, headBytes: 100 })];
    for (const word of ["flipped", "set to 0x", "cut to", "copied from", "taken out", "filled with", "; "]) {
      expect(made.some(({ what }) => what.includes(word))).toBe(true);
    }
    const places = made.flatMap(({ what }) => /^bit \d of byte (\d+) flipped/.exec(what)?.[1] ?? []).map(Number);
    expect(places.filter((place) => place < 100).length).toBeGreaterThan(places.length / 3);
  });

  test.each([1, 2, 3, 7])("do not fail on %d bytes", (size) => {
    expect([...mutations(bytes.subarray(0, size), { seed: size, count: 300 })]).toHaveLength(300);
  });
});
