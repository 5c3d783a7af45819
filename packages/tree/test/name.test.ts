import { equalBytes } from "@sextant/bytes";
import {
  checkName,
  compareNames,
  directory,
  isWhiteout,
  nameFromBytes,
  nameFromEscaped,
  nameFromText,
  nameToBytes,
  nameToText,
  sortXattrs,
  splitPath,
  symlink,
  whiteout,
} from "@sextant/tree";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { errorOf, n } from "./helpers.js";

test.each<[string, readonly number[], string]>([
  ["ASCII", [0x61, 0x20, 0x7e], "a ~"],
  ["UTF-8", [0xc3, 0xa9], "é"],
  ["four bytes of UTF-8", [0xf0, 0x9f, 0xa6, 0x80], "🦀"],
  ["a backslash", [0x5c], "\\\\"],
  ["control characters", [0x00, 0x0a, 0x7f], "\\x00\\x0a\\x7f"],
  ["C1 control characters", [0xc2, 0x85], "\\xc2\\x85"],
  ["a byte that is no UTF-8", [0x61, 0xff, 0x62], "a\\xffb"],
  ["half a character", [0xc3], "\\xc3"],
  ["a surrogate", [0xed, 0xa0, 0x80], "\\xed\\xa0\\x80"],
  ["UTF-8 beside other bytes", [0xff, 0xc3, 0xa9, 0x5c, 0x0a], "\\xffé\\\\\\x0a"],
  ["nothing", [], ""],
])("%s shows as text and comes back", (_, bytes, shown) => {
  const name = nameFromBytes(Uint8Array.from(bytes));
  expect(nameToText(name)).toBe(shown);
  expect(nameFromEscaped(shown)).toBe(name);
  expect([...nameToBytes(name)]).toEqual(bytes);
});

test("any bytes survive, have one text each, and are ordered by byte", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 40 }), (a, b) => {
      const [left, right] = [nameFromBytes(a), nameFromBytes(b)];
      expect(nameToBytes(left)).toEqual(a);
      expect(nameFromEscaped(nameToText(left))).toBe(left);
      expect(compareNames(left, right)).toBe(Buffer.compare(a, b));
      expect(nameToText(left) === nameToText(right)).toBe(left === right);
    }),
    { seed: 1, numRuns: 500 },
  );
});

test("text becomes its UTF-8", () => {
  expect([...nameToBytes(nameFromText("aé🦀"))]).toEqual([0x61, 0xc3, 0xa9, 0xf0, 0x9f, 0xa6, 0x80]);
  expect(nameFromEscaped("\\q\\x4")).toBe("\\q\\x4");
});

test("a long name takes one call for 4096 bytes", () => {
  const bytes = Uint8Array.from({ length: 1_000_000 }, (_, i) => i);
  expect(equalBytes(nameToBytes(nameFromBytes(bytes)), bytes)).toBe(true);
});

test.each<[string, string]>([
  ["", "is empty"],
  [".", "is reserved"],
  ["..", "is reserved"],
  ["a/b", "has a slash"],
  ["a\0b", "has a NUL byte"],
  ["x".repeat(256), "is 256 bytes long, more than 255"],
])("no directory can have the name %j", async (name, why) => {
  expect(await errorOf(() => checkName(n(name), "here"))).toMatchObject({
    code: "MALFORMED_NAME",
    message: `the file name "${nameToText(n(name))}" ${why}`,
    context: { path: "here" },
  });
});

test.each(["...", "x".repeat(255), "\xff", " "])("a directory can have the name %j", (name) => {
  expect(() => checkName(n(name))).not.toThrow();
});

describe("splitPath", () => {
  test.each<[string, readonly string[]]>([
    ["", []],
    ["/", []],
    ["a/b", ["a", "b"]],
    ["/a//b/./c/", ["a", "b", "c"]],
    ["./...", ["..."]],
  ])("%j", (path, parts) => {
    expect(splitPath(n(path))).toEqual(parts);
  });

  test.each([
    ["a/../b", "MISMATCH_ESCAPE"],
    ["..", "MISMATCH_ESCAPE"],
    ["a\0", "MALFORMED_NAME"],
  ])("%j is refused", async (path, code) => {
    expect(await errorOf(() => splitPath(n(path)))).toMatchObject({ code });
  });
});

test("xattrs are sorted by name, the last value of a name counts", () => {
  const [one, two] = [Uint8Array.of(1), Uint8Array.of(2)];
  const sorted = sortXattrs([
    { name: n("user.b"), value: one },
    { name: n("user.a"), value: one },
    { name: n("user.b"), value: two },
  ]);
  expect(sorted).toEqual([
    { name: "user.a", value: one },
    { name: "user.b", value: two },
  ]);
});

test("makers give what Linux gives", () => {
  expect(directory()).toMatchObject({ kind: "directory", mode: 0o755, uid: 0, gid: 0 });
  expect(symlink(n("t"))).toMatchObject({ kind: "symlink", mode: 0o777, target: "t" });
  expect(isWhiteout(whiteout())).toBe(true);
  expect(isWhiteout({ kind: "block-device", major: 0, minor: 0 })).toBe(false);
});
