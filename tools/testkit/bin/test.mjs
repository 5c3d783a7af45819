// What `npm test` runs: the peers, the static checks, then the tests. Every step runs whatever the ones before it gave,
// and the last line counts it all: `N passed, N failed, N skipped`, a step that failed as one failure.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "sextant-counts-"));
const counts = join(folder, "counts.json");
const bin = (name) => join(root, "node_modules", ".bin", name);

const steps = [
  ["peers", process.execPath, ["--import", "tsx", "tools/peers/src/provision.ts", "--quiet"]],
  // Some tests run the command and the packages as they are published; what turbo has built already costs a second.
  ["build", "npm", ["run", "--silent", "build"]],
  ["types of what browsers run", bin("tsc"), ["-p", "tsconfig.pure.json"]],
  ["types", bin("tsc"), ["-p", "tsconfig.json"]],
  ["format and lint", bin("biome"), ["check", "."]],
  ["house rules", process.execPath, ["--import", "tsx", "tools/check/src/main.ts"]],
  ["tests", bin("vitest"), ["run", ...process.argv.slice(2)]],
];

// `.ci/run` names the steps that failed before this one.
const failures = (process.env.SEXTANT_FAILED_STEPS ?? "").split(" ").filter((name) => name !== "");
for (const [name, program, args] of steps) {
  const started = performance.now();
  process.stdout.write(`\n== ${name}\n`);
  const env = { ...process.env, SEXTANT_COUNTS: counts };
  const { status, signal, error } = spawnSync(program, args, {
    cwd: root,
    env,
    stdio: ["ignore", "inherit", "inherit"],
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (status === 0) {
    process.stdout.write(`== ${name}: ok, ${seconds} s\n`);
    continue;
  }
  failures.push(name);
  process.stdout.write(`== ${name}: FAILED (${error?.message ?? signal ?? `exit code ${status}`}), ${seconds} s\n`);
}

/** The tests' own counts; nothing was counted where the runner broke down. */
function readCounts() {
  try {
    return JSON.parse(readFileSync(counts, "utf8"));
  } catch {
    return { passed: 0, failed: 0, skipped: 0 };
  }
}

const { passed, failed, skipped } = readCounts();
rmSync(folder, { recursive: true });
// Failed tests make their step fail; they are counted one by one already.
const more = failures.filter((name) => name !== "tests" || failed === 0).length;
if (failures.length > 0) process.stdout.write(`\nfailed: ${failures.join(", ")}\n`);
process.exitCode = failures.length > 0 ? 1 : 0;
process.stdout.write(`\n${passed} passed, ${failed + more} failed, ${skipped} skipped\n`);
