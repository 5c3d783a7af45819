import { compareVersions, isVersion } from "@sextant/extension-release";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { oracle } from "./oracle.js";

interface VersionCase {
  readonly a: string;
  readonly b: string;
  readonly result: -1 | 0 | 1;
}

const cases = oracle<VersionCase>("version-compare");

describe("compareVersions", () => {
  it.each(cases.map((row) => [row.a, row.b, row.result] as const))(
    "%j against %j as systemd 262.1: %i",
    (a, b, result) => {
      expect(compareVersions(a, b)).toBe(result);
      expect(compareVersions(b, a)).toBe(result === 0 ? 0 : -result);
    },
  );

  it("has all the recorded rows", () => {
    expect(cases.length).toBe(259);
  });

  it("orders the rungs of the ladder", () => {
    const ladder = [
      "",
      "~1",
      "1~",
      "1~rc1",
      "1",
      "1-a",
      "1-1",
      "1^p",
      "1.a",
      "1.1",
      "1a",
      "1aa",
      "1b",
      "2",
      "11",
      "11.0",
    ];
    const sorted = [...ladder].reverse().sort(compareVersions);
    // A `~` comes before the end, so `~1` is older than nothing at all.
    expect(sorted).toEqual(["~1", "", ...ladder.slice(2)]);
  });

  it("compares numbers of any length", () => {
    const long = "9".repeat(400);
    expect(compareVersions(`1.${long}`, `1.1${"0".repeat(400)}`)).toBe(-1);
    expect(compareVersions(`1.${"0".repeat(1000)}7`, "1.7")).toBe(0);
  });

  // Bytes over 0x7f only separate, but directly after a `~` they are compared with the end, as signed characters.
  it.each([
    ["1é2", "1 2", 0],
    ["1~", "1~é", 1],
    ["1~", "1~_", -1],
    ["1~a", "1~é", 1],
  ])("%j against %j", (a, b, result) => {
    expect(compareVersions(a, b)).toBe(result);
    expect(compareVersions(b, a)).toBe(result === 0 ? 0 : -result);
  });

  const version = fc.string({ unit: fc.constantFrom(..."01289abzAZ~-^._+ "), maxLength: 9 });

  it("is antisymmetric and reflexive", () => {
    fc.assert(
      fc.property(version, version, (a, b) => {
        expect(compareVersions(a, a)).toBe(0);
        expect(compareVersions(a, b) + compareVersions(b, a)).toBe(0);
      }),
      { seed: 262, numRuns: 5000 },
    );
  });

  it("orders all short ASCII strings totally", () => {
    const all = [""];
    for (let length = 1, last = all; length <= 3; length++) {
      last = last.flatMap((start) => [..."01aA~-^._"].map((char) => start + char));
      all.push(...last);
    }
    const sorted = all.sort(compareVersions);
    const wrong: string[][] = [];
    for (const [i, a] of sorted.entries()) {
      for (const b of sorted.slice(i + 1)) if (compareVersions(a, b) > 0) wrong.push([a, b]);
    }
    expect(sorted.length).toBe(820);
    expect(wrong).toEqual([]);
  });

  // systemd-analyze 262 on x86-64 says the same of these three: a byte over 0x7f after a `~` counts as less than the end.
  it("is not transitive where other characters follow a ~", () => {
    const [a, b, c] = ["\u00e91\u00e9\u00e9~", "1~~~", "1\u00e9\u00e9~\u00e9"] as const;
    expect([compareVersions(a, b), compareVersions(b, c), compareVersions(a, c)]).toEqual([-1, -1, 1]);
  });
});

describe("isVersion", () => {
  it.each([
    ["1.2~rc^3-4", true],
    ["a", true],
    ["", false],
    ["1_2", false],
    ["1+2", false],
    ["1 2", false],
    ["é", false],
    ["1\n", false],
  ])("%j: %s", (text, valid) => {
    expect(isVersion(text)).toBe(valid);
  });
});
