import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryPath } from "@sextant/testkit";
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { compare } from "../src/verbs/compare-versions.js";
import { ensureBuilt, sextant } from "./command.js";

beforeAll(ensureBuilt);

interface Row {
  readonly a: string;
  readonly b: string;
  readonly result: -1 | 0 | 1;
}

const path = join(repositoryPath, "test-images/oracle/version-compare.json");
const { cases } = JSON.parse(readFileSync(path, "utf8")) as { readonly cases: readonly Row[] };

const exitCodes = { "-1": 12, "0": 0, "1": 11 } as const;

afterEach(() => {
  vi.restoreAllMocks();
});

test("all that systemd-analyze was asked", async () => {
  const printed: string[] = [];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => printed.push(String(text)) > 0);
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  for (const { a, b, result } of cases) {
    printed.length = 0;
    const exit = await compare(a, b, {});
    expect([a, b, exit]).toEqual([a, b, exitCodes[`${result}`]]);
    const sign = { "-1": "<", "0": "==", "1": ">" }[`${result}`];
    expect(printed).toEqual([`${a || "''"} ${sign} ${b || "''"}\n`]);
  }
  expect(cases.length).toBeGreaterThan(200);
});

test.each([
  ["1.2", "1.10", 12, "1.2 < 1.10\n"],
  ["1.10", "1.2", 11, "1.10 > 1.2\n"],
  ["1.0", "1.00", 0, "1.0 == 1.00\n"],
  ["1~rc1", "1", 12, "1~rc1 < 1\n"],
  ["", "1", 12, "'' < 1\n"],
])("%s and %s", async (a, b, exitCode, text) => {
  expect(await sextant(["compare-versions", a, b])).toMatchObject({ exitCode, text, stderr: "" });
});

test("as a document", async () => {
  const { exitCode, text } = await sextant(["compare-versions", "1", "2", "--json"]);
  expect([exitCode, JSON.parse(text)]).toEqual([12, { version: 1, a: "1", b: "2", result: -1 }]);
});
