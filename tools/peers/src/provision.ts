import { cacheFolder, readMarker } from "./cache.js";
import { catalog, machinePackages, type PeerName, type Suite, suitePackages } from "./catalog.js";
import { systemdDrift } from "./drift.js";
import { findMirror, installPackages, obstacle } from "./machine.js";
import { peer } from "./peer.js";
import { currentRoot, makeRoot, tidyCache } from "./root.js";

const suites = Object.keys(suitePackages) as Suite[];
const names = Object.keys(catalog) as PeerName[];
/** What a root takes on disk; measured in 2026 on x86-64. */
const expectedMegabytes: Readonly<Record<Suite, number>> = { sid: 135, trixie: 90 };
const say = (line: string) => process.stdout.write(`${line}\n`);
const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;

function isMissingFatal(): boolean {
  const { CI } = process.env;
  return CI === "true";
}

/** Installs and makes what is not there yet. */
async function provision(refresh: boolean): Promise<void> {
  await tidyCache();
  const wanted = suites.filter((suite) => refresh || currentRoot(suite) === undefined);
  const installed = await installPackages([...machinePackages, ...(wanted.length > 0 ? ["debootstrap"] : [])]);
  if (installed.length > 0) say(`peers: installed ${installed.join(", ")}`);
  if (wanted.length === 0) return;
  const { uri, env } = await findMirror();
  const size = wanted.reduce((sum, suite) => sum + expectedMegabytes[suite], 0);
  say(`peers: making ${wanted.join(" and ")}, about ${size} MB, from ${uri}`);
  await Promise.all(wanted.map((suite) => makeRoot(suite, uri, env)));
}

/** One line a peer, or, quietly, one for the packages of all; always one for each that is missing. */
function report(quiet: boolean): PeerName[] {
  const missing: PeerName[] = [];
  const summary = new Set<string>();
  for (const name of names) {
    const one = peer(name);
    if (one === undefined) {
      missing.push(name);
      say(`peers: no ${name}: tests that compare with it ${isMissingFatal() ? "fail" : "are skipped"}`);
    } else if (quiet) summary.add(`${catalog[name].package} ${one.version}`);
    else say(`peers: ${name.padEnd(18)} ${one.version.padEnd(10)} ${one.from}`);
  }
  if (summary.size > 0) say(`peers: ${[...summary].join(", ")}`);
  const sizes = suites.map((suite) => [suite, readMarker(suite)?.bytes] as const);
  const stated = sizes.flatMap(([suite, bytes]) => (bytes === undefined ? [] : [`${suite} ${megabytes(bytes)}`]));
  if (stated.length > 0) say(`peers: ${stated.join(", ")} in ${cacheFolder()}`);
  const drift = systemdDrift(peer("systemd-analyze")?.version ?? "262");
  if (drift !== undefined) say(`peers: ${drift}`);
  return missing;
}

/** `npm run peers [-- --quiet] [-- --refresh]`: `--refresh` makes the roots again, with what the suites have now. */
async function main(args: readonly string[]): Promise<number> {
  const started = process.hrtime.bigint();
  const why = obstacle();
  if (why === undefined) await provision(args.includes("--refresh"));
  else say(`peers: ${why}: nothing is provisioned, tests use what is there`);
  const missing = report(args.includes("--quiet"));
  say(`peers: ready in ${(Number(process.hrtime.bigint() - started) / 1e9).toFixed(1)} s`);
  return missing.length > 0 && isMissingFatal() ? 1 : 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`peers: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
