import { parseReleaseDocument, parseReleaseFile, ReleaseError } from "@sextant/extension-release";
import { describe, expect, it } from "vitest";
import { oracle, utf8 } from "./oracle.js";

interface EnvFileCase {
  readonly base64: string;
  readonly fields: Readonly<Record<string, string>> | null;
}

const keys = ["ID", "VERSION_ID", "VARIANT_ID", "BUILD_ID", "IMAGE_ID", "IMAGE_VERSION"];

/** What systemd-tmpfiles sees of a file: fields that are there and not empty, or null for an unreadable file. */
function seen(bytes: Uint8Array): Record<string, string> | null {
  try {
    const fields = parseReleaseFile(bytes);
    return Object.fromEntries(keys.map((key) => [key, fields.get(key) ?? ""]).filter(([, value]) => value !== ""));
  } catch (error) {
    if (error instanceof ReleaseError) return null;
    throw error;
  }
}

describe("parseReleaseFile", () => {
  it("reads what systemd 262.1 reads", () => {
    const cases = oracle<EnvFileCase>("env-file-cases");
    expect(cases.length).toBeGreaterThan(350);
    for (const { base64, fields } of cases) {
      expect([base64, seen(Buffer.from(base64, "base64"))]).toEqual([base64, fields]);
    }
  });

  it.each<[string, Record<string, string>]>([
    ["ID=debian\nVERSION_ID=13\n", { ID: "debian", VERSION_ID: "13" }],
    ["ID=a\r\nB=c\rD=e", { ID: "a", B: "c", D: "e" }],
    ["  ID = debian  \n", { ID: "debian" }],
    ["export ID=x\n", { "export ID": "x" }],
    ["=x=y\n==\n", { "=x": "y", "=": "" }],
    ["no equals\nID=x", { ID: "x" }],
    ["# ID=a\n ; ID=b\nID=c # d\n", { ID: "c # d" }],
    ["# c \\\nID=x\n", { ID: "x" }],
    [`ID="a" 'b'c"d\n`, { ID: `abc"d` }],
    [`ID=a"b"\n`, { ID: `a"b"` }],
    ['ID="\\$\\`\\"\\\\\\n\\\nx"\n', { ID: '$`"\\\\nx' }],
    ["ID='a\\\nb'\n", { ID: "a\\\nb" }],
    ["ID=13 \\\n\nX=\\ \n", { ID: "13 ", X: " " }],
    ['ID="open\nX=y', { ID: "open\nX=y" }],
    ["ID=a\nID=\nX=1\nX=2", { ID: "", X: "2" }],
    ["ID=a\u000b\u00a0\n", { ID: "a\u000b\u00a0" }],
    ["\ufeffID=a\n", { "\ufeffID": "a" }],
    ["", {}],
  ])("%j", (text, fields) => {
    expect(Object.fromEntries(parseReleaseFile(utf8(text)))).toEqual(fields);
  });

  it("keeps the place of a key's first value and the last of its values", () => {
    expect([...parseReleaseFile(utf8("A=1\nB=2\nA=3\n"))]).toEqual([
      ["A", "3"],
      ["B", "2"],
    ]);
  });

  it("reads a view of a larger buffer", () => {
    expect(parseReleaseFile(utf8("xxID=ayy").subarray(2, 6)).get("ID")).toBe("a");
  });
});

describe("parseReleaseDocument", () => {
  it("says where every assignment stands", () => {
    const text = '# head\r\nID=a\r\n\r\n  B = "x\ny" \rC=1\nID=2';
    const { assignments, fields } = parseReleaseDocument(utf8(text));
    expect(assignments.map(({ key, value, line }) => [key, value, line])).toEqual([
      ["ID", "a", 2],
      ["B", "x\ny", 4],
      ["C", "1", 6],
      ["ID", "2", 7],
    ]);
    expect(fields.get("ID")).toBe("2");
    expect(
      assignments.map(({ offset, valueOffset, end }) => [
        text.slice(offset, valueOffset),
        text.slice(valueOffset, end),
      ]),
    ).toEqual([
      ["ID=", "a"],
      ["B =", ' "x\ny" '],
      ["C=", "1"],
      ["ID=", "2"],
    ]);
  });
});
