import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { measure, median } from "../src/measure.js";
import { formatRow, reportRow } from "../src/report.js";

it("runs commands in turn, after a run each to warm up", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sextant-bench-test-"));
  try {
    const log = join(folder, "log");
    const job = (letter: string) => ({
      label: letter,
      command: ["/bin/sh", "-c", `printf ${letter} >> "$0"`, log],
    });
    const measured = await measure([job("a"), job("b")], 3);
    expect(readFileSync(log, "utf8")).toBe("abababab");
    expect(measured.map(({ label, wallMs }) => [label, wallMs.length])).toEqual([
      ["a", 3],
      ["b", 3],
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it("stops at a command that fails, and says what it said", async () => {
  const job = { label: "x", command: ["/bin/sh", "-c", "echo no room >&2; exit 7"] };
  await expect(measure([job], 1)).rejects.toThrow(/exit code 7\nno room/);
});

it("takes the middle, or the mean of the two in the middle", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
});

it("reports ours beside the peer's, and the ratio", () => {
  const row = reportRow("pack", {
    title: "pack 200 MB",
    ours: { label: "sextant pack", wallMs: [300, 200, 240], peakMiB: 90 },
    peer: { label: "mkfs.erofs 1.9.4", wallMs: [100, 160, 120], peakMiB: 30 },
    goal: "within 3 ×",
    notes: ["2 requests, 8192 bytes"],
  });
  expect(row.ratio).toEqual({ median: 2, min: 2, peak: 3 });
  expect(formatRow(row)).toBe(
    [
      "pack: pack 200 MB                                            min ms  median ms     max ms   peak MiB",
      "  sextant pack                                                  200        240        300         90",
      "  mkfs.erofs 1.9.4                                              100        120        160         30",
      "  ratio                                                         2 ×        2 ×                   3 ×",
      "  goal: within 3 ×",
      "  2 requests, 8192 bytes",
    ].join("\n"),
  );
});

it("reports ours alone where there is no peer or no GNU time", () => {
  const row = reportRow("match", {
    title: "match",
    ours: { label: "sextant match", wallMs: [1], peakMiB: undefined },
  });
  expect(row).toEqual({
    bench: "match",
    title: "match",
    ours: { label: "sextant match", runs: 1, minMs: 1, medianMs: 1, maxMs: 1 },
    notes: [],
  });
});
