import { fromHex, toHex } from "@sextant/bytes";
import { describe, expect, test } from "vitest";
import {
  bitStringBytes,
  bitStringFlags,
  booleanValue,
  contextTag,
  type DerValue,
  derChildren,
  derTag,
  objectIdentifier,
  readDer,
  smallInteger,
  unsignedBytes,
} from "../src/der.js";
import * as der from "../src/der-write.js";
import { SigningError } from "../src/errors.js";
import { timeSeconds, writeTime } from "../src/time.js";

const seconds = (text: string) => Date.parse(text) / 1000;

describe("values, both ways", () => {
  const rows: readonly [string, Uint8Array, string, (value: DerValue) => unknown, unknown][] = [
    ["zero", der.integer(0), "020100", smallInteger, 0],
    ["127", der.integer(127), "02017f", smallInteger, 127],
    ["128 needs a sign byte", der.integer(128), "02020080", smallInteger, 128],
    ["2^31 - 1", der.integer(0x7fffffff), "02047fffffff", smallInteger, 0x7fffffff],
    ["big-endian bytes", der.integer(fromHex("00ff01")), "020300ff01", (value) => toHex(unsignedBytes(value)), "ff01"],
    ["RSA", der.oid("1.2.840.113549.1.1.1"), "06092a864886f70d010101", objectIdentifier, "1.2.840.113549.1.1.1"],
    ["a root of 2 and more", der.oid("2.999.3"), "0603883703", objectIdentifier, "2.999.3"],
    [
      "an arc of 64 bits",
      der.oid("2.25.18446744073709551615"),
      "060b6981ffffffffffffffff7f",
      objectIdentifier,
      "2.25.18446744073709551615",
    ],
    ["true", der.yes, "0101ff", booleanValue, true],
    ["whole bytes", der.bitString(fromHex("a55a")), "030300a55a", (value) => toHex(bitStringBytes(value)), "a55a"],
    ["flags", der.bitString(fromHex("a0"), 5), "030205a0", (value) => [...bitStringFlags(value)], [0, 2]],
    [
      "UTCTime",
      writeTime(seconds("2026-11-23T20:14:04Z")),
      "170d3236313132333230313430345a",
      timeSeconds,
      seconds("2026-11-23T20:14:04Z"),
    ],
    [
      "the last UTCTime",
      writeTime(seconds("2049-12-31T23:59:59Z")),
      "170d3439313233313233353935395a",
      timeSeconds,
      seconds("2049-12-31T23:59:59Z"),
    ],
    [
      "a UTCTime before 2000",
      writeTime(seconds("1950-01-01T00:00:00Z")),
      "170d3530303130313030303030305a",
      timeSeconds,
      seconds("1950-01-01T00:00:00Z"),
    ],
    [
      "GeneralizedTime",
      writeTime(seconds("2050-01-01T00:00:00Z")),
      "180f32303530303130313030303030305a",
      timeSeconds,
      seconds("2050-01-01T00:00:00Z"),
    ],
    [
      "the last time of all",
      writeTime(seconds("9999-12-31T23:59:59Z")),
      "180f39393939313233313233353935395a",
      timeSeconds,
      seconds("9999-12-31T23:59:59Z"),
    ],
  ];
  test.each(rows)("%s", (_, written, hex, read, expected) => {
    expect(toHex(written)).toBe(hex);
    expect(read(readDer(written, written[0] ?? 0, "value"))).toEqual(expected);
  });

  test.each([127, 128, 255, 256, 65535, 65536])("a length of %i bytes is in its shortest form", (length) => {
    const encoded = der.octetString(new Uint8Array(length));
    expect(readDer(encoded, derTag.octetString, "value").content.length).toBe(length);
    expect(encoded.length - length).toBe(length < 128 ? 2 : length < 256 ? 3 : length < 65536 ? 4 : 5);
  });

  test("a set is sorted by its encodings", () => {
    expect(toHex(der.setOf(der.integer(2), der.integer(1), der.yes))).toBe("31090101ff020101020102");
  });

  test("numbers and times out of range are the caller's error", () => {
    expect(() => der.integer(-1)).toThrow(RangeError);
    expect(() => writeTime(0.5)).toThrow(RangeError);
    expect(() => writeTime(seconds("1949-12-31T23:59:59Z"))).toThrow(RangeError);
  });
});

describe("hostile DER", () => {
  const nested = (levels: number) => {
    let bytes: Uint8Array = der.nothing;
    for (let i = 0; i < levels; i++) bytes = der.sequence(bytes);
    return bytes;
  };
  const descend = (bytes: Uint8Array) => {
    let value = readDer(bytes, derTag.sequence, "value");
    while (value.tag === derTag.sequence) value = derChildren(value).any("member");
  };
  const integer = (hex: string) => () => unsignedBytes(readDer(fromHex(hex), derTag.integer, "value"));
  const whole = (hex: string) => () => readDer(fromHex(hex), derTag.sequence, "value");
  const time = (tag: number, text: string) => () =>
    timeSeconds(readDer(der.value(tag, new TextEncoder().encode(text)), tag, "value"));
  const identifier = (hex: string) => () => objectIdentifier(readDer(fromHex(hex), derTag.objectIdentifier, "value"));
  const rows: readonly [string, () => unknown, string, string, number][] = [
    ["nothing", whole(""), "MALFORMED_DER", ".value", 0],
    ["a tag alone", whole("30"), "MALFORMED_DER", ".value", 0],
    ["a length that is cut off", whole("3082"), "MALFORMED_DER", ".value", 0],
    ["content that is cut off", whole("300501"), "MALFORMED_DER", ".value", 0],
    ["an indefinite length", whole("30800000"), "UNSUPPORTED_DER", ".value", 0],
    ["a length with a leading zero", whole("308200010500"), "MALFORMED_DER", ".value", 0],
    ["a long form for a short length", whole("30810205 00".replace(" ", "")), "MALFORMED_DER", ".value", 0],
    ["a length of 2^60", whole("30881000000000000000"), "LIMIT_DER", ".value", 0],
    ["a length of 4 GiB", whole("3084ffffffff00"), "MALFORMED_DER", ".value", 0],
    ["a tag number above 30", whole("1f8101"), "UNSUPPORTED_DER", ".value", 0],
    ["another tag", whole("0500"), "MALFORMED_DER", "value", 0],
    ["bytes behind the value", whole("300000"), "MALFORMED_DER", "value", 2],
    ["an empty integer", integer("0200"), "MALFORMED_DER", "value", 0],
    ["a padded integer", integer("02020001"), "MALFORMED_DER", "value", 0],
    ["a negative integer", integer("0201ff"), "MALFORMED_DER", "value", 0],
    ["a padded negative integer", integer("0202ff80"), "MALFORMED_DER", "value", 0],
    [
      "an integer above 31 bits",
      () => smallInteger(readDer(fromHex("02050080000000"), derTag.integer, "value")),
      "MALFORMED_DER",
      "value",
      0,
    ],
    ["an empty identifier", identifier("0600"), "MALFORMED_DER", "value", 0],
    ["an identifier that is cut off", identifier("06022a86"), "MALFORMED_DER", "value", 0],
    ["a padded arc", identifier("06032a8001"), "MALFORMED_DER", "value", 0],
    [
      "an identifier without end",
      () => objectIdentifier(readDer(der.value(6, new Uint8Array(65)), 6, "value")),
      "LIMIT_DER",
      "value",
      0,
    ],
    [
      "a boolean of BER",
      () => booleanValue(readDer(fromHex("010101"), derTag.boolean, "value")),
      "MALFORMED_DER",
      "value",
      0,
    ],
    [
      "a key of 9 bits",
      () => bitStringBytes(readDer(fromHex("0303078000"), derTag.bitString, "value")),
      "MALFORMED_DER",
      "value",
      0,
    ],
    [
      "a bit string of nothing",
      () => bitStringBytes(readDer(fromHex("0300"), derTag.bitString, "value")),
      "MALFORMED_DER",
      "value",
      0,
    ],
    [
      "flags with 8 unused bits",
      () => bitStringFlags(readDer(fromHex("03020880"), derTag.bitString, "value")),
      "MALFORMED_DER",
      "value",
      0,
    ],
    ["the 30th of February", time(derTag.utcTime, "260230000000Z"), "MALFORMED_DER", "value", 0],
    ["a time with an offset", time(derTag.utcTime, "2601010000+0100"), "MALFORMED_DER", "value", 0],
    ["a time with fractions", time(derTag.generalizedTime, "20500101000000.5Z"), "MALFORMED_DER", "value", 0],
    ["a time of another type", time(derTag.utf8String, "260101000000Z"), "MALFORMED_DER", "value", 0],
    ["values nested too deep", () => descend(nested(40)), "LIMIT_DER", `value${".member".repeat(30)}`, 62],
    [
      "the inside of a primitive",
      () => derChildren(readDer(fromHex("0500"), derTag.null, "value")),
      "MALFORMED_DER",
      "value",
      0,
    ],
    [
      "a missing member",
      () => derChildren(readDer(fromHex("3000"), derTag.sequence, "value")).take(derTag.null, "one"),
      "MALFORMED_DER",
      "value.one",
      2,
    ],
  ];
  test.each(rows)("%s", (_, run, code, path, offset) => {
    let thrown: unknown;
    try {
      run();
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(SigningError);
    const { code: found, context } = thrown as SigningError;
    expect({ code: found, path: context.path, offset: context.offset }).toEqual({ code, path, offset });
  });

  test("a value above 1 MiB is refused before it is looked at", () => {
    expect(() => readDer(new Uint8Array((1 << 20) + 1), derTag.sequence, "value")).toThrow(/more than 1048576/);
  });

  test("offsets of inner values are absolute", () => {
    const bytes = der.sequence(der.sequence(der.integer(1), der.tagged(0, der.nothing)));
    const inner = derChildren(derChildren(readDer(bytes, derTag.sequence, "a", 1000)).take(derTag.sequence, "b"));
    expect(inner.take(derTag.integer, "c").offset).toBe(1004);
    const context = inner.take(contextTag(0), "d");
    expect(derChildren(context).take(derTag.null, "e")).toMatchObject({ offset: 1009, path: "a.b.d.e" });
  });
});
