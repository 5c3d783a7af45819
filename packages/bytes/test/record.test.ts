import {
  BytesError,
  bytesField,
  cursor,
  describeError,
  fromHex,
  type RecordOf,
  record,
  textField,
  toHex,
  toSafeNumber,
  u8,
  u16be,
  u16le,
  u32be,
  u32le,
  u64be,
  u64le,
  viewOf,
} from "@sextant/bytes";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { errorOf } from "./errors.js";

const rows: readonly [string, unknown, unknown, string][] = [
  ["u8", u8, 0, "00"],
  ["u8", u8, 255, "ff"],
  ["u16le", u16le, 0x1234, "3412"],
  ["u16be", u16be, 0x1234, "1234"],
  ["u32le", u32le, 0xdeadbeef, "efbeadde"],
  ["u32be", u32be, 0xdeadbeef, "deadbeef"],
  ["u64le", u64le, 2n ** 64n - 1n, "ffffffffffffffff"],
  ["u64le", u64le, 0x0102030405060708n, "0807060504030201"],
  ["u64be", u64be, 0x0102030405060708n, "0102030405060708"],
  ["bytes", bytesField(3), Uint8Array.of(1, 2, 255), "0102ff"],
  ["bytes of none", bytesField(0), Uint8Array.of(), ""],
  ["text", textField(4), "ab", "61620000"],
  ["text that fills its field", textField(2), "ab", "6162"],
  ["text of high bytes", textField(2), "\xff\x80", "ff80"],
];

test.each(rows)("%s: %o is %s both ways", (_, field, value, hex) => {
  const type = record("r", { before: u8, value: field, after: u8 });
  const bytes = type.encode({ before: 0xaa, value, after: 0xbb } as never);
  expect(toHex(bytes)).toBe(`aa${hex}bb`);
  expect(type.decode(bytes)).toEqual({ before: 0xaa, value, after: 0xbb });
});

const misfits: readonly [string, unknown, unknown][] = [
  ["negative", u8, -1],
  ["too large for u8", u8, 256],
  ["a fraction", u16le, 1.5],
  ["not a number", u32be, Number.NaN],
  ["too large for u32", u32le, 2 ** 32],
  ["a negative bigint", u64le, -1n],
  ["too large for u64", u64be, 2n ** 64n],
  ["too few bytes", bytesField(3), Uint8Array.of(1, 2)],
  ["too many bytes", bytesField(1), Uint8Array.of(1, 2)],
  ["text too long", textField(2), "abc"],
  ["text with a NUL, which would read back shorter", textField(4), "a\0b"],
  ["text that is not bytes", textField(4), "€"],
];

test.each(misfits)("a value that does not fit is a RangeError with the field: %s", (_, field, value) => {
  const type = record("outer", { value: field });
  expect(() => type.encode({ value } as never)).toThrow(RangeError);
  expect(() => type.encode({ value } as never)).toThrow(/^outer\.value: /);
});

const point = record("point", { x: u8, y: u16le });
const line = record("line", { from: point, to: point, label: textField(2) });

test("records nest: offsets, size, value and spans", () => {
  expect(point.size).toBe(3);
  expect(line.size).toBe(8);
  expect(line.offsets).toEqual({ from: 0, to: 3, label: 6 });
  const value: RecordOf<typeof line> = { from: { x: 1, y: 2 }, to: { x: 3, y: 4 }, label: "z" };
  const bytes = line.encode(value);
  expect(toHex(bytes)).toBe("010200030400 7a00".replace(" ", ""));
  expect(line.decode(bytes)).toEqual(value);
  expect(line.show(value)).toBe('from=x=1 y=2 to=x=3 y=4 label="z"');
  const shifted = new Uint8Array(20);
  shifted.set(bytes, 5);
  expect(line.spans(shifted, 5, 1000).map((span) => [span.start, span.end, span.path, span.value])).toEqual([
    [1005, 1006, "line.from.x", "1"],
    [1006, 1008, "line.from.y", "2"],
    [1008, 1009, "line.to.x", "3"],
    [1009, 1011, "line.to.y", "4"],
    [1011, 1013, "line.label", '"z"'],
  ]);
});

test.each([
  [0, 2, 3],
  [2, 4, 102],
  [-1, 8, 99],
  [5, 4, 105],
])("a record at %i of %i bytes is truncated", (at, length) => {
  const error = errorOf(() => point.decode(new Uint8Array(length), at, 100));
  expect(error).toMatchObject({ code: "MALFORMED_TRUNCATED", context: { path: "point", offset: 100 + at } });
});

test("decoding copies, so that a value does not hold its block", () => {
  const type = record("r", { id: bytesField(2) });
  const bytes = Uint8Array.of(1, 2);
  const { id } = type.decode(bytes);
  bytes.fill(9);
  expect(id).toEqual(Uint8Array.of(1, 2));
});

test("any record comes back as it was", () => {
  const type = record("r", { a: u8, b: u16be, c: u32le, d: u64le, e: bytesField(5), f: textField(6) });
  const values = fc.record({
    a: fc.nat(255),
    b: fc.nat(65535),
    c: fc.nat(0xffffffff),
    d: fc.bigInt(0n, 2n ** 64n - 1n),
    e: fc.uint8Array({ minLength: 5, maxLength: 5 }),
    f: fc.array(fc.integer({ min: 1, max: 255 }), { maxLength: 6 }).map((codes) => String.fromCharCode(...codes)),
  });
  fc.assert(
    fc.property(values, (value) => {
      const bytes = type.encode(value);
      expect(bytes.length).toBe(type.size);
      expect(type.decode(bytes)).toEqual(value);
      expect(type.spans(bytes).at(-1)?.end).toBe(type.size);
    }),
    { seed: 1, numRuns: 200 },
  );
});

describe("a cursor", () => {
  test("reads fields in order and knows where it is", () => {
    const read = cursor(
      fromHex("01 0200 03000000 0400000000000000 0005 00000006 0000000000000007 aabb".replaceAll(" ", "")),
      "s",
      64,
    );
    expect([read.u8(), read.u16le(), read.u32le(), read.u64le()]).toEqual([1, 2, 3, 4n]);
    expect([read.u16be(), read.u32be(), read.u64be()]).toEqual([5, 6, 7n]);
    expect([read.at, read.offset, read.remaining]).toEqual([29, 93, 2]);
    expect(read.bytes(2)).toEqual(Uint8Array.of(0xaa, 0xbb));
    read.seek(0);
    read.skip(1);
    expect(read.take(u16le)).toBe(2);
    expect(read.take(point)).toEqual({ x: 3, y: 0 });
  });

  test.each<[string, (read: ReturnType<typeof cursor>) => unknown, string, number]>([
    ["a field past the end", (read) => read.u32le("checksum"), "head.checksum", 101],
    ["too many bytes", (read) => read.bytes(4, "name"), "head.name", 101],
    ["a count below zero, from a subtraction", (read) => read.bytes(-1, "name"), "head.name", 101],
    ["a count that is no number", (read) => read.skip(Number.NaN), "head", 101],
    ["a seek past the end", (read) => read.seek(5), "head", 101],
    ["a seek before the start", (read) => read.seek(-1), "head", 101],
  ])("refuses %s with path and offset", (_, act, path, offset) => {
    const read = cursor(new Uint8Array(4), "head", 100);
    read.u8();
    expect(errorOf(() => act(read))).toMatchObject({ code: "MALFORMED_TRUNCATED", context: { path, offset } });
    expect(read.at).toBe(1);
  });

  test("looks at the bytes that it is given, not at the buffer around them", () => {
    const inner = new Uint8Array(8).fill(7).subarray(2, 4);
    expect(viewOf(inner).byteLength).toBe(2);
    expect(() => cursor(inner, "s").u32le()).toThrow(BytesError);
  });
});

test("a u64 becomes a number only below 2^53", () => {
  expect(toSafeNumber(2n ** 53n - 1n, "size")).toBe(2 ** 53 - 1);
  for (const value of [2n ** 53n, 2n ** 64n - 1n, -1n]) {
    expect(errorOf(() => toSafeNumber(value, "head.size", 8))).toMatchObject({
      code: "LIMIT_RANGE",
      context: { path: "head.size", offset: 8 },
    });
  }
});

test.each([
  [{}, "it is wrong"],
  [{ path: "a.b" }, "it is wrong (a.b)"],
  [{ offset: 7 }, "it is wrong (offset 7)"],
  [{ path: "a.b", offset: 7n, source: "x.raw" }, "it is wrong (a.b at offset 7, x.raw)"],
])("an error with %o reads %s", (context, text) => {
  expect(describeError(new BytesError("LIMIT_RANGE", "it is wrong", context))).toBe(text);
});
