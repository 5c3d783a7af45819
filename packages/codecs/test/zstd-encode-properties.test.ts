import { zstdEncoder } from "@sextant/codecs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { random, sample } from "./samples.js";
import { copies, framesOf, framesOfInput, words, wrongWith } from "./zstd-frames.js";

const generators = [
  copies,
  sample,
  (size: number, seed: number) => words(size, 2 + (seed % 9), 2 + (seed % 700), seed),
  (size: number, seed: number) => {
    const next = random(seed);
    return Uint8Array.from({ length: size }, () => (next() % 50 === 0 ? next() : next() % 3));
  },
] as const;

const content = fc
  .tuple(fc.nat(generators.length - 1), fc.integer({ min: 1, max: 18 }), fc.nat(), fc.integer({ min: 1 }))
  .map(([kind, magnitude, size, seed]) => (generators[kind] ?? sample)(1 + (size % 2 ** magnitude), seed));
const capacities = fc.integer({ min: 4, max: 20 }).chain((log) => fc.integer({ min: 2 ** log, max: 2 ** (log + 1) }));

test("whatever comes decodes", () => {
  const encoders = [1, 2, 3, 4, 6, 8, 13, 17, 19].flatMap((level) =>
    [14, 17, 20].map((windowLog2) => ({ windowLog2, encoder: zstdEncoder({ level, windowLog2 }) })),
  );
  const property = fc.property(content, capacities, fc.constantFrom(...encoders), (input, capacity, setting) => {
    const some = input.subarray(0, 40 * capacity);
    const frames = framesOfInput(setting.encoder, some, capacity);
    expect(wrongWith(frames, some, capacity, 2 ** setting.windowLog2)).toBeUndefined();
  });
  fc.assert(property, { seed: 4711, numRuns: 400 });
});

test("bytes depend on the range alone", () => {
  const levels = [1, 3, 5, 9, 14, 18];
  const used = levels.map((level) => zstdEncoder({ level }));
  const property = fc.property(
    content,
    capacities,
    fc.nat(levels.length - 1),
    fc.nat(5000),
    (input, capacity, at, gap) => {
      const some = input.subarray(0, 20 * capacity);
      const fresh = framesOfInput(zstdEncoder({ level: levels[at] }), some, capacity);
      const encoder = used[at] as (typeof used)[number];
      const room = encoder.input(gap + some.length + gap);
      room.fill(gap);
      // The same content before it, which must not be found.
      room.set(some.subarray(0, gap));
      room.set(some, gap);
      const frames = framesOf(encoder, gap, gap + some.length, capacity);
      expect(frames.map(({ bytes }) => Buffer.from(bytes).toString("latin1"))).toEqual(
        fresh.map(({ bytes }) => Buffer.from(bytes).toString("latin1")),
      );
    },
  );
  fc.assert(property, { seed: 1147, numRuns: 100 });
});
