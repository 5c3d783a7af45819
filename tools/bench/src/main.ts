/**
 * `npm run bench [NAME...] [-- --short --json --runs N --clean]`: speed and memory beside the peer's. Every command is a
 * whole process, ours and the peer's in turn, and what counts is the ratio; no number here fails anything.
 */
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Bench } from "./bench.js";
import { compressJava, compressMany, compressMix } from "./benches/compress.js";
import { match } from "./benches/match.js";
import { memory, pack } from "./benches/pack.js";
import { read } from "./benches/read.js";
import { start } from "./benches/start.js";
import { verity } from "./benches/verity.js";
import { formatRow, type ReportRow, reportRow } from "./report.js";

const benches: readonly Bench[] = [start, pack, compressJava, compressMix, compressMany, read, verity, match, memory];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    short: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    /** Of each command; default 7, with --short 3. */
    runs: { type: "string" },
    /** Take the generated inputs away at the end; they are kept for the next run otherwise. */
    clean: { type: "boolean", default: false },
  },
});

const unknown = positionals.filter((name) => !benches.some((bench) => bench.name === name));
const runs = Number(values.runs ?? (values.short ? 3 : 7));
if (unknown.length > 0 || !Number.isInteger(runs) || runs < 1) {
  const list = benches.map(({ name, about }) => `  ${name.padEnd(8)} ${about}`).join("\n");
  process.stderr.write(`bench: ${unknown.length > 0 ? `no such bench: ${unknown.join(", ")}` : "--runs N"}\n${list}\n`);
  process.exitCode = 2;
} else {
  await main();
}

async function main(): Promise<void> {
  const root = fileURLToPath(new URL("../../../", import.meta.url));
  const folder = join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "sextant-bench");
  mkdirSync(folder, { recursive: true });
  const sextant = [process.execPath, join(root, "apps/cli/bin/sextant.js")];
  const rows: ReportRow[] = [];
  if (!values.json) console.log(`node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}, in ${folder}\n`);
  try {
    for (const bench of benches) {
      if (positionals.length > 0 && !positionals.includes(bench.name)) continue;
      try {
        const comparisons = bench.run({ root, folder, short: values.short, runs, sextant });
        for await (const comparison of comparisons instanceof Promise ? await comparisons : comparisons) {
          const row = reportRow(bench.name, comparison, values.short);
          rows.push(row);
          if (!values.json) console.log(`${formatRow(row)}\n`);
        }
      } catch (error) {
        // A slow run is a number; a run that breaks is a failure, and no reason to keep the other numbers back.
        process.stderr.write(`bench: ${bench.name}: ${error instanceof Error ? error.message : error}\n\n`);
        process.exitCode = 1;
      }
    }
  } finally {
    if (values.clean) rmSync(folder, { recursive: true, force: true });
  }
  if (values.json)
    console.log(JSON.stringify({ version: 1, node: process.version, cpus: cpus().length, rows }, null, 2));
}
