import {
  baseImageName,
  compareVersions,
  findReleaseFile,
  imageFromEntry,
  lintImageName,
  lintRelease,
  parseReleaseDocument,
  parseReleaseFile,
  pickVersioned,
  ReleaseError,
  releaseFileMaxBytes,
} from "@sextant/extension-release";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { utf8 } from "./oracle.js";

const bytes = (...values: readonly (string | number)[]) =>
  Uint8Array.from(values.flatMap((value) => (typeof value === "string" ? [...utf8(value)] : [value])));

describe("release files that systemd cannot read", () => {
  it.each<[string, Uint8Array, string, string | undefined, number, number]>([
    ["a NUL at the end", bytes("ID=a\n", 0), "MALFORMED_NUL", undefined, 5, 2],
    ["a NUL in a comment", bytes("ID=a\n#", 0, "\n"), "MALFORMED_NUL", undefined, 6, 2],
    ["only a NUL", bytes(0), "MALFORMED_NUL", undefined, 0, 1],
    ["a NUL after bad UTF-8", bytes("X=", 0xff, "\n", 0), "MALFORMED_NUL", undefined, 4, 2],
    ["a stray byte in a value", bytes("ID=a\nX=", 0xff, "\n"), "MALFORMED_UTF8", "X", 7, 2],
    ["a stray byte in a key", bytes("ID=a\n\n", 0xff, "=x\n"), "MALFORMED_UTF8", undefined, 6, 3],
    ["an overlong slash", bytes("X=", 0xc0, 0xaf), "MALFORMED_UTF8", "X", 2, 1],
    ["a surrogate", bytes("X=", 0xed, 0xa0, 0x80), "MALFORMED_UTF8", "X", 2, 1],
    ["more than U+10FFFF", bytes("X=", 0xf4, 0x90, 0x80, 0x80), "MALFORMED_UTF8", "X", 2, 1],
    ["a noncharacter", bytes("X=\ufdd0"), "MALFORMED_UTF8", "X", 2, 1],
    ["the last noncharacter", bytes("X=\u{10ffff}"), "MALFORMED_UTF8", "X", 2, 1],
    ["a character cut by the end", bytes("X=", 0xe2, 0x82), "MALFORMED_UTF8", "X", 2, 1],
    ["a character cut by a backslash", bytes("X=", 0xe2, "\\", 0x82), "MALFORMED_UTF8", "X", 2, 1],
  ])("%s", (_what, content, code, path, offset, line) => {
    expect.assertions(2);
    try {
      parseReleaseFile(content, { source: "os-release" });
    } catch (error) {
      expect(error).toBeInstanceOf(ReleaseError);
      const { code: actual, context } = error as ReleaseError;
      const { line: found } = context;
      expect([actual, context.path, context.offset, found, context.source]).toEqual([
        code,
        path,
        offset,
        line,
        "os-release",
      ]);
    }
  });

  it.each([
    ["in lines without an assignment", bytes("junk ", 0xff, "\nID=a\n#", 0xfe, "\n")],
    ["as characters that only look odd", bytes("X=\u{fffd}\u{10fffd}\u0085\nID=a\n")],
  ])("bytes are fine %s", (_where, content) => {
    expect(parseReleaseFile(content).get("ID")).toBe("a");
  });

  it("a character may be continued over a line", () => {
    expect(parseReleaseFile(bytes("X=", 0xe2, "\\\n", 0x82, 0xac, "\n")).get("X")).toBe("€");
  });

  it("is refused when it is larger than what systemd reads", () => {
    expect(() => parseReleaseFile(new Uint8Array(releaseFileMaxBytes + 1))).toThrow(
      expect.objectContaining({ code: "LIMIT_SIZE" }),
    );
  });

  it("is bytes, not text", () => {
    expect(() => parseReleaseFile("ID=a" as unknown as Uint8Array)).toThrow(TypeError);
  });
});

describe("large release files", () => {
  it.each([
    ["a value", `X=${"y".repeat(2_000_000)}\nID=a\n`],
    ["a comment", `#${"\\y".repeat(1_000_000)}\nID=a\n`],
    ["empty lines", `${"\r\n".repeat(1_000_000)}ID=a\n`],
    ["many keys", `${Array.from({ length: 100_000 }, (_, i) => `K${i}=v\n`).join("")}ID=a\n`],
    ["quotes", `X=${`""''`.repeat(500_000)}\nID=a\n`],
    ["escapes", `X=${"\\".repeat(2_000_000)}\nID=a\n`],
    ["a quote without an end", `ID=a\nX="${"\n".repeat(1_000_000)}`],
  ])("%s", (_what, text) => {
    expect(parseReleaseFile(utf8(text)).get("ID")).toBe("a");
  });
});

describe("random input", () => {
  const soup = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc
      .array(fc.constantFrom("ID", "=", "\n", "\r", " ", "'", '"', "\\", "#", ";", "$", "é", "\ufdd0", "x"), {
        maxLength: 60,
      })
      .map((parts) => utf8(parts.join(""))),
  );

  it("is parsed or refused, and positions lie in it", () => {
    fc.assert(
      fc.property(soup, (content) => {
        try {
          const { assignments, fields } = parseReleaseDocument(content);
          let after = 0;
          for (const { key, line, offset, valueOffset, end } of assignments) {
            expect(offset).toBeGreaterThanOrEqual(after);
            expect(valueOffset).toBeGreaterThan(offset);
            expect(end).toBeGreaterThanOrEqual(valueOffset);
            expect(line).toBeGreaterThan(0);
            expect(fields.has(key)).toBe(true);
            after = end;
          }
          expect(after).toBeLessThanOrEqual(content.length);
          lintRelease(fields, "sysext", { assignments });
        } catch (error) {
          expect(error).toBeInstanceOf(ReleaseError);
        }
      }),
      { seed: 262, numRuns: 5000 },
    );
  });

  it("never breaks names, lookups, versions or picks", () => {
    const name = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.string({ unit: "binary", maxLength: 40 }));
    fc.assert(
      fc.property(name, name, fc.string({ unit: "binary" }), (first, second, text) => {
        lintImageName(first);
        baseImageName(text);
        imageFromEntry(first, "regular", "sysext");
        imageFromEntry(first, "directory", "confext");
        findReleaseFile(text, [{ name: first, type: "regular", strict: second }]);
        pickVersioned(first, [second, { name: first, type: "directory" }], { architecture: "arm64", kind: "sysext" });
        expect([-1, 0, 1]).toContain(compareVersions(text, String(second)));
      }),
      { seed: 262, numRuns: 3000 },
    );
  });
});
