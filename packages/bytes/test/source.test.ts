import {
  type ByteSource,
  type Chunk,
  collectChunks,
  compareBytes,
  concatBytes,
  concatenated,
  counted,
  equalBytes,
  fromBlob,
  fromBytes,
  fromHex,
  readChunks,
  slice,
  toHex,
  withKnown,
  writeChunks,
  zeros,
} from "@sextant/bytes";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rejectionOf } from "./errors.js";

const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);
const range = (start: number, end: number) => bytes.subarray(start, end);

const sources: readonly [string, ByteSource][] = [
  ["bytes", fromBytes(bytes, "b")],
  ["a blob", fromBlob(new Blob([bytes]), "b")],
  ["a slice", slice(fromBytes(concatBytes([new Uint8Array(5), bytes, new Uint8Array(5)]), "b"), 5, 105)],
  ["a slice of a slice", slice(slice(fromBytes(concatBytes([new Uint8Array(5), bytes]), "b"), 3), 2)],
  [
    "parts",
    concatenated(
      [range(0, 1), range(1, 1), range(1, 40), range(40, 100)].map((part) => fromBytes(part)),
      "b",
    ),
  ],
  ["a counted source", counted(fromBytes(bytes, "b"))],
  ["a source of which a part is known", withKnown(fromBytes(bytes, "b"), 10, range(10, 50))],
];

describe.each(sources)("%s", (_, source) => {
  test("gives exactly the bytes that are asked for", async () => {
    expect([source.size, source.name]).toEqual([100, "b"]);
    for (const [start, end] of [
      [0, 100],
      [0, 0],
      [100, 100],
      [1, 1],
      [0, 1],
      [39, 41],
      [99, 100],
      [13, 77],
    ] as const) {
      expect(await source.read(start, end)).toEqual(range(start, end));
    }
  });

  test.each([
    [-1, 5],
    [5, 4],
    [0, 101],
    [101, 101],
    [0.5, 2],
    [0, Number.NaN],
  ])("rejects the range [%d, %d), and does not throw at once", async (start, end) => {
    expect(await rejectionOf(source.read(start, end))).toBeInstanceOf(RangeError);
  });
});

test("zeros are as many as asked for and cost nothing", async () => {
  const source = zeros(2 ** 50);
  expect(await source.read(2 ** 49, 2 ** 49 + 3)).toEqual(new Uint8Array(3));
});

test("slices of slices do not stack", async () => {
  let depth = 0;
  const base: ByteSource = {
    size: 10,
    async read() {
      depth = new Error().stack?.split("\n").filter((line) => line.includes("read")).length ?? 0;
      return new Uint8Array(1);
    },
  };
  let part = base;
  for (let i = 0; i < 5; i++) part = slice(part, 1);
  await part.read(0, 1);
  expect(depth).toBe(2);
});

test("counted counts reads that ask for bytes, and what they ask for", async () => {
  const source = counted(fromBytes(bytes));
  await source.read(0, 10);
  await source.read(5, 5);
  await source.read(90, 100);
  expect(source.count).toEqual({ requests: 2, bytes: 20 });
});

test("what is known costs nothing, what goes past it is read whole", async () => {
  const below = counted(fromBytes(bytes));
  const source = withKnown(below, 10, range(10, 50));
  for (const [start, end] of [
    [10, 50],
    [20, 30],
  ] as const) {
    expect(await source.read(start, end)).toEqual(range(start, end));
  }
  expect(below.count.requests).toBe(0);
  expect(await source.read(9, 50)).toEqual(range(9, 50));
  expect(await source.read(10, 51)).toEqual(range(10, 51));
  expect(below.count).toEqual({ requests: 2, bytes: 82 });
});

test("parts are only read where they are asked for", async () => {
  const parts = [0, 1, 2, 3].map((i) => counted(fromBytes(range(25 * i, 25 * i + 25))));
  expect(await concatenated(parts).read(30, 60)).toEqual(range(30, 60));
  expect(parts.map((part) => part.count.bytes)).toEqual([0, 20, 10, 0]);
});

test("a blob that cannot be read is an error with its offset", async () => {
  const blob = { size: 4, slice: () => ({ arrayBuffer: () => Promise.reject(new Error("gone")) }) } as unknown as Blob;
  expect(await rejectionOf(fromBlob(blob, "x").read(1, 2))).toMatchObject({
    code: "UNREADABLE_SOURCE",
    context: { source: "x", offset: 1 },
  });
});

test("readChunks gives all bytes in steps", async () => {
  const source = counted(fromBytes(bytes));
  const steps: number[] = [];
  for await (const part of readChunks(source, 10, 100, 40)) steps.push(part.length);
  expect(steps).toEqual([40, 40, 10]);
  expect(source.count.bytes).toBe(90);
  await expect(readChunks(source, 0, 10, 0).next()).rejects.toThrow(RangeError);
  await expect(readChunks(source, 0, 101).next()).rejects.toThrow(RangeError);
});

test("comparing, joining and hexadecimal", () => {
  const some = fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 40 }), fc.nat(3));
  fc.assert(
    fc.property(some, ([a, b, skip]) => {
      const order = Buffer.compare(a, b);
      expect(Math.sign(compareBytes(a, b))).toBe(order);
      expect(equalBytes(a, b)).toBe(order === 0);
      expect(equalBytes(concatBytes([a, b]).subarray(skip), Uint8Array.from([...a, ...b].slice(skip)))).toBe(true);
      expect(toHex(a)).toBe(Buffer.from(a).toString("hex"));
      expect(fromHex(toHex(a).toUpperCase())).toEqual(a);
      for (let at = 0; at < a.length; at++) {
        const other = a.slice();
        other[at] = (other[at] ?? 0) ^ 1;
        expect(equalBytes(a, other)).toBe(false);
      }
    }),
    { seed: 1, numRuns: 100 },
  );
  for (const text of ["0", "0g", "zz", "0x"]) expect(() => fromHex(text)).toThrow(TypeError);
});

describe("chunks", () => {
  const chunk = (offset: number, ...values: number[]): Chunk => ({ offset, bytes: Uint8Array.from(values) });

  test("come in any order, later ones replace earlier ones, and gaps are zero", async () => {
    expect(await collectChunks([chunk(4, 5, 6), chunk(0, 1, 2), chunk(1, 9)], 8)).toEqual(
      Uint8Array.of(1, 9, 0, 0, 5, 6, 0, 0),
    );
  });

  test.each([[chunk(7, 1, 2)], [chunk(-1, 1)], [chunk(0.5, 1)]])("%o is not within 8 bytes", async (bad) => {
    await expect(collectChunks([bad], 8)).rejects.toThrow(RangeError);
  });

  const calls: string[] = [];
  const sink = (failing?: string) => {
    calls.length = 0;
    const call = async (name: string) => {
      calls.push(name);
      if (name === failing) throw new Error(`${name} failed`);
    };
    return { write: () => call("write"), commit: () => call("commit"), abort: () => call("abort") };
  };

  test.each<[string | undefined, readonly Chunk[], readonly string[], string | undefined]>([
    [undefined, [chunk(0, 1), chunk(1, 2)], ["write", "write", "commit"], undefined],
    ["write", [chunk(0, 1), chunk(1, 2)], ["write", "abort"], "write failed"],
    ["commit", [chunk(0, 1)], ["write", "commit", "abort"], "commit failed"],
    [
      undefined,
      [chunk(0, 1), chunk(8, 1)],
      ["write", "abort"],
      "a chunk of 1 bytes at 8 is not within an output of 8 bytes",
    ],
  ])("with a failing %s the sink hears %3$o", async (failing, chunks, heard, message) => {
    const work = writeChunks(sink(failing), chunks, 8);
    if (message === undefined) await work;
    else await expect(work).rejects.toThrow(message);
    expect(calls).toEqual(heard);
  });

  test("a source of chunks that fails aborts the sink, and an abort that fails hides nothing", async () => {
    const broken = sink("abort");
    const failing = async function* () {
      yield chunk(0, 1);
      throw new Error("the plan was wrong");
    };
    await expect(writeChunks(broken, failing(), 8)).rejects.toThrow("the plan was wrong");
    expect(calls).toEqual(["write", "abort"]);
  });
});
