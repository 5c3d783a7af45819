import { findReleaseFile, parseBoolean, type ReleaseEntry, type SkipReason } from "@sextant/extension-release";
import { describe, expect, it } from "vitest";
import { utf8 } from "./oracle.js";

const entry = (suffix: string, more: Partial<ReleaseEntry> = {}): ReleaseEntry => ({
  name: `extension-release.${suffix}`,
  type: "regular",
  ...more,
});
const found = (suffix: string, exact: boolean) => ({ status: "found", name: `extension-release.${suffix}`, exact });

describe("findReleaseFile", () => {
  it.each<[string, string, readonly ReleaseEntry[] | undefined, object]>([
    ["the exact name", "foo", [entry("bar"), entry("foo")], found("foo", true)],
    ["the exact name, whatever its attribute says", "foo", [entry("foo", { strict: "1" })], found("foo", true)],
    ["the exact name as a symlink", "foo", [entry("foo", { type: "symlink" })], found("foo", true)],
    ["the exact name before an open file", "foo", [entry("bar", { strict: "0" }), entry("foo")], found("foo", true)],
    ["the base name", "foo_1.2", [entry("foo")], found("foo", false)],
    ["an open file", "foo", [entry("bar", { strict: "no" })], found("bar", false)],
    [
      "an open file behind a dangling exact name",
      "foo",
      [entry("foo", { type: "dangling" }), entry("bar", { strict: "0" })],
      found("bar", false),
    ],
    ["the base name behind its own symlink", "foo_1", [entry("foo", { type: "symlink" })], { status: "none" }],
    [
      "two open files",
      "foo",
      [entry("bar", { strict: "0" }), entry("baz", { strict: "off" })],
      { status: "ambiguous" },
    ],
    ["the base name and an open file", "foo_1", [entry("foo"), entry("baz", { strict: "0" })], { status: "ambiguous" }],
    ["a loop of symlinks", "foo", [entry("foo", { type: "broken" })], { status: "failed", why: "broken-symlink" }],
    ["a directory", "foo", [entry("foo", { type: "other" })], { status: "failed", why: "not-a-file" }],
    ["a name that is too long", `foo_${"1".repeat(240)}`, [entry("foo")], { status: "failed", why: "name-too-long" }],
    ["a name that is too long, no directory", "f".repeat(240), undefined, { status: "none", skipped: [] }],
    ["no directory", "foo", undefined, { status: "none", skipped: [] }],
    ["a name that no image has", ".#foo", [entry(".#foo")], { status: "invalid-name" }],
    [
      "a name in bytes",
      "fo\u00f6",
      [{ name: utf8("extension-release.fo\u00f6"), type: "regular" }],
      { status: "found", exact: true },
    ],
  ])("%s", (_what, name, entries, expected) => {
    expect(findReleaseFile(name, entries)).toMatchObject(expected);
  });

  it.each<[ReleaseEntry, string, SkipReason]>([
    [entry("bar"), "foo", "strict-xattr-absent"],
    [entry("bar", { strict: null }), "foo", "strict-xattr-absent"],
    [entry("bar", { strict: "TRUE" }), "foo", "strict-xattr-true"],
    [entry("bar", { strict: "" }), "foo", "strict-xattr-unparsable"],
    [entry("bar", { strict: "0\n" }), "foo", "strict-xattr-unparsable"],
    [entry("bar", { strict: "0\0x" }), "foo", "strict-xattr-unparsable"],
    [entry("bar", { strict: Uint8Array.of(0xff) }), "foo", "strict-xattr-unparsable"],
    [entry("bar", { strict: "0", type: "symlink" }), "foo", "not-regular"],
    [entry("bar", { strict: "0" }), "_foo", "empty-base-name"],
    [entry(".#bar", { strict: "0" }), "foo", "invalid-name"],
    [entry("", { strict: "0" }), "foo", "invalid-name"],
    [{ name: "os-release", type: "regular", strict: "0" }, "foo", "not-a-release-file"],
    [{ name: Uint8Array.of(...utf8("extension-release."), 0xff), type: "regular", strict: "0" }, "foo", "invalid-name"],
  ])("passes over %j for %s: %s", (given, name, why) => {
    expect(findReleaseFile(name, [given])).toEqual({ status: "none", skipped: [{ name: given.name, why }] });
  });

  it("forgives the NUL of a C string", () => {
    expect(findReleaseFile("foo", [entry("bar", { strict: "0\0" })])).toMatchObject({ status: "found" });
    expect(findReleaseFile("foo", [entry("bar", { strict: utf8("no\0") })])).toMatchObject({ status: "found" });
  });
});

describe("parseBoolean", () => {
  it.each([
    ["1 yes y true t on YES True oN", true],
    ["0 no n false f off NO False oFF", false],
    ["2 ye tru enable ja 00 -1", undefined],
  ])("%s: %s", (words, value) => {
    expect(words.split(" ").map(parseBoolean)).toEqual(words.split(" ").map(() => value));
  });

  it.each(["", " 1", "1 ", "on\n", "0\0"])("%j is none", (word) => {
    expect(parseBoolean(word)).toBe(undefined);
  });
});
