import { type ByteSource, cached, counted, fromBytes } from "@sextant/bytes";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rejectionOf } from "./errors.js";

const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 31) & 0xff);

/** A source whose reads are answered when the test says so. */
function manual(): ByteSource & { readonly asked: string[]; answer(error?: Error): void } {
  const waiting: ((error?: Error) => void)[] = [];
  const asked: string[] = [];
  return {
    size: bytes.length,
    asked,
    read(start, end) {
      asked.push(`${start}-${end}`);
      return new Promise((resolve, reject) => {
        waiting.push((error) => (error ? reject(error) : resolve(bytes.slice(start, end))));
      });
    },
    answer(error) {
      for (const settle of waiting.splice(0)) settle(error);
    },
  };
}

/** What a series of reads costs below: requests and bytes. */
async function cost(options: Parameters<typeof cached>[1], reads: readonly (readonly [number, number])[]) {
  const below = counted(fromBytes(bytes));
  const source = cached(below, options);
  for (const [start, end] of reads) expect(await source.read(start, end)).toEqual(bytes.slice(start, end));
  return [below.count.requests, below.count.bytes];
}

describe("what reads cost below, with pages of 100 bytes", () => {
  test.each<[string, object, readonly (readonly [number, number])[], readonly [number, number]]>([
    ["one byte costs its page", {}, [[5, 6]], [1, 100]],
    ["nothing costs nothing", {}, [[5, 5]], [0, 0]],
    [
      "the same page twice costs once",
      {},
      [
        [5, 6],
        [99, 100],
        [0, 100],
      ],
      [1, 100],
    ],
    ["neighbouring pages are one request", {}, [[150, 450]], [1, 400]],
    [
      "known pages are not fetched again",
      {},
      [
        [200, 300],
        [150, 450],
      ],
      [3, 400],
    ],
    ["the last page is as short as it is", {}, [[990, 1000]], [1, 100]],
    [
      "read-ahead fetches more pages at once",
      { readAheadPages: 4 },
      [
        [0, 1],
        [100, 400],
      ],
      [1, 400],
    ],
    ["read-ahead ends at the end", { readAheadPages: 4 }, [[850, 860]], [1, 200]],
    [
      "read-ahead stops at a known page",
      { readAheadPages: 4 },
      [
        [200, 201],
        [0, 1],
      ],
      [2, 600],
    ],
    [
      "a read of more pages than are kept goes straight through",
      { pages: 3 },
      [
        [5, 6],
        [50, 450],
        [5, 6],
      ],
      [2, 500],
    ],
    [
      "the page used longest ago goes first",
      { pages: 2 },
      [
        [0, 1],
        [100, 101],
        [0, 1],
        [200, 201],
        [0, 1],
      ],
      [3, 300],
    ],
    [
      "and costs again",
      { pages: 2 },
      [
        [0, 1],
        [100, 101],
        [200, 201],
        [0, 1],
      ],
      [4, 400],
    ],
    [
      "one page",
      { pages: 1 },
      [
        [0, 1],
        [0, 1],
        [100, 101],
        [0, 1],
      ],
      [3, 300],
    ],
  ])("%s", async (_, options, reads, expected) => {
    expect(await cost({ pageBytes: 100, ...options }, reads)).toEqual(expected);
  });
});

describe("reads at the same time", () => {
  test("wait for the same request", async () => {
    const below = manual();
    const source = cached(below, { pageBytes: 100 });
    const reads = [source.read(0, 10), source.read(90, 110), source.read(0, 200)];
    expect(below.asked).toEqual(["0-100", "100-200"]);
    below.answer();
    expect(await Promise.all(reads)).toEqual([bytes.slice(0, 10), bytes.slice(90, 110), bytes.slice(0, 200)]);
  });

  test("all fail with a request that fails, and the next one tries again", async () => {
    const below = manual();
    const source = cached(below, { pageBytes: 100 });
    const reads = [source.read(0, 10), source.read(50, 250)];
    below.answer(new Error("broken"));
    for (const read of reads) expect(await rejectionOf(read)).toMatchObject({ message: "broken" });
    const again = source.read(0, 10);
    below.answer();
    expect(await again).toEqual(bytes.slice(0, 10));
    expect(below.asked).toEqual(["0-100", "100-300", "0-100"]);
  });

  test("get their bytes even where the page is gone before they arrive", async () => {
    const below = manual();
    const source = cached(below, { pageBytes: 100, pages: 1 });
    const reads = [source.read(0, 10), source.read(100, 110), source.read(200, 210)];
    below.answer();
    expect(await Promise.all(reads)).toEqual([bytes.slice(0, 10), bytes.slice(100, 110), bytes.slice(200, 210)]);
  });
});

test("a kept page does not hold the run that it came with", async () => {
  const runs: Uint8Array[] = [];
  const below: ByteSource = {
    size: 1000,
    async read(start, end) {
      const run = bytes.slice(start, end);
      runs.push(run);
      return run;
    },
  };
  const source = cached(below, { pageBytes: 100 });
  await source.read(0, 500);
  const page = await source.read(0, 100);
  expect(page.buffer.byteLength).toBe(100);
  expect(runs).toHaveLength(1);
});

test("a source that gives too few bytes is found out", async () => {
  const below: ByteSource = { size: 1000, name: "x", read: async () => new Uint8Array(7) };
  for (const options of [{ pageBytes: 100 }, { pageBytes: 100, pages: 1 }]) {
    expect(await rejectionOf(cached(below, options).read(200, 450))).toMatchObject({
      code: "MISMATCH_SOURCE",
      context: { source: "x", offset: 200 },
    });
  }
});

test.each([{ pageBytes: 0 }, { pageBytes: 1.5 }, { pages: 0 }, { readAheadPages: -1 }, { pages: Number.NaN }])(
  "refuses %o",
  (options) => {
    expect(() => cached(fromBytes(bytes), options)).toThrow(RangeError);
  },
);

test("any reads, at once or one by one, give the source's bytes", async () => {
  const setups = fc.record({
    pageBytes: fc.integer({ min: 1, max: 300 }),
    pages: fc.integer({ min: 1, max: 6 }),
    readAheadPages: fc.integer({ min: 1, max: 4 }),
    together: fc.boolean(),
    reads: fc.array(fc.tuple(fc.nat(1000), fc.nat(1000)), { maxLength: 12 }),
  });
  await fc.assert(
    fc.asyncProperty(setups, async ({ together, reads, ...options }) => {
      const source = cached(fromBytes(bytes), options);
      const check = async ([a, b]: readonly [number, number]) => {
        const [start, end] = [Math.min(a, b), Math.max(a, b)];
        expect(await source.read(start, end)).toEqual(bytes.slice(start, end));
      };
      if (together) await Promise.all(reads.map(check));
      else for (const read of reads) await check(read);
    }),
    { seed: 1, numRuns: 200 },
  );
});
