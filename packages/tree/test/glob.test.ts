import { compileGlob, compileGlobs, nameFromBytes } from "@sextant/tree";
import { describe, expect, test } from "vitest";
import { n } from "./helpers.js";

test.each<[string, string, boolean]>([
  ["a", "a", true],
  ["a", "x/y/a", true],
  ["a", "a/x", false],
  ["/a", "a", true],
  ["/a", "x/a", false],
  ["x/a", "x/a", true],
  ["x/a", "y/x/a", false],
  ["*", "anything", true],
  ["*.so", "usr/lib/libc.so", true],
  ["*.so", "usr/lib/libc.so.6", false],
  ["/usr/*/a", "usr/x/a", true],
  ["/usr/*/a", "usr/x/y/a", false],
  ["/usr/*/a", "usr//a", true],
  ["/usr/**/a", "usr/a", true],
  ["/usr/**/a", "usr/x/y/z/a", true],
  ["/usr/**/a", "usr/x/y/z/b", false],
  ["/usr/**", "usr/x/y", true],
  ["/usr/**", "usr", true],
  ["**/a", "x/y/a", true],
  ["/**/a/**/b", "x/a/y/a/z/b", true],
  ["/**/a/**/b", "x/b/y/a", false],
  ["a**b", "aXXb", true],
  ["a?c", "abc", true],
  ["a?c", "ac", false],
  ["?", "é", false],
  ["??", "é", true],
  ["[abc]x", "bx", true],
  ["[abc]x", "dx", false],
  ["[a-cx]", "c", true],
  ["[!a-c]", "c", false],
  ["[^a-c]", "d", true],
  ["[]a]", "]", true],
  ["[a-]", "-", true],
  ["[\\]]", "]", true],
  ["\\*", "*", true],
  ["\\*", "x", false],
  ["\\x41", "A", true],
  ["a\\ b", "a b", true],
  ["ab*cd*ef", "abXcdYefZef", true],
  ["ab*cd*ef", "abXcdYefZ", false],
  [".*", ".hidden", true],
  ["*", ".hidden", true],
])("%s and the path %s: %s", (pattern, path, fits) => {
  expect(compileGlob(pattern)(n(path), false)).toBe(fits);
});

test("a slash at the end asks for a directory", () => {
  expect(compileGlob("a/")(n("x/a"), true)).toBe(true);
  expect(compileGlob("a/")(n("x/a"), false)).toBe(false);
  expect(compileGlob("/x/a/")(n("x/a"), true)).toBe(true);
});

test("bytes that are no text can be matched", () => {
  const name = nameFromBytes(Uint8Array.of(0x61, 0xff));
  expect(compileGlob("a\\xff")(name, false)).toBe(true);
  expect(compileGlob("a[\\xf0-\\xff]")(name, false)).toBe(true);
  expect(compileGlob("a?")(name, false)).toBe(true);
});

test.each(["", "/", "a//b", "[abc", "a\\", "[!"])("%j is no pattern", (pattern) => {
  expect(() => compileGlob(pattern)).toThrow(SyntaxError);
});

describe("several patterns", () => {
  test.each<[readonly string[], string, boolean]>([
    [["/usr/lib"], "usr/lib/x/y", true],
    [["lib"], "usr/lib/x", true],
    [["lib/"], "usr/lib", false],
    [["lib/"], "usr/lib/x", true],
    [["/a", "/b"], "b", true],
    [["/a", "/b"], "c", false],
    [[], "a", false],
  ])("%j fit %s, or what is above it: %s", (patterns, path, fits) => {
    expect(compileGlobs(patterns)(n(path), false)).toBe(fits);
  });
});

test("a pattern of many runs costs no more than pattern times name", () => {
  const pattern = compileGlob(`${"a*".repeat(120)}b`);
  const deep = compileGlob(`/${"**/a/".repeat(120)}b`);
  expect(pattern(n("a".repeat(255)), false)).toBe(false);
  expect(deep(n("a/".repeat(1000)), false)).toBe(false);
});
