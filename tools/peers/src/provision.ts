import { cacheFolder, readMarker } from "./cache.js";
import {
  catalog,
  type KernelName,
  kernelSuites,
  machinePackages,
  type PeerName,
  type Suite,
  suitePackages,
} from "./catalog.js";
import { systemdDrift } from "./drift.js";
import { kernel, kernelBytes, makeKernel } from "./kernel.js";
import { findMirror, installPackages, obstacle } from "./machine.js";
import { peer } from "./peer.js";
import { currentRoot, makeRoot, tidyCache } from "./root.js";

const suites = Object.keys(suitePackages) as Suite[];
const kernelNames = Object.keys(kernelSuites) as KernelName[];
const names = Object.keys(catalog) as PeerName[];
/** What a root takes on disk; measured in 2026 on x86-64. */
const expectedMegabytes: Readonly<Record<Suite, number>> = { sid: 135, trixie: 90 };
const expectedKernelMegabytes: Readonly<Record<KernelName, number>> = { "6.1": 110, "6.12": 40, newest: 40 };
const say = (line: string) => process.stdout.write(`${line}\n`);
const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;

function isMissingFatal(): boolean {
  const { CI } = process.env;
  return CI === "true";
}

const fate = () => (isMissingFatal() ? "fail" : "are skipped");

/** Kernels come for x86-64 only: the laboratory is an emulated machine of this kind. */
const bootable = process.arch === "x64";

/** Installs and makes what is not there yet. */
async function provision(refresh: boolean): Promise<void> {
  await tidyCache();
  const wanted = suites.filter((suite) => refresh || currentRoot(suite) === undefined);
  const installed = await installPackages([...machinePackages, ...(wanted.length > 0 ? ["debootstrap"] : [])]);
  if (installed.length > 0) say(`peers: installed ${installed.join(", ")}`);
  const booted = bootable ? kernelNames.filter((name) => refresh || kernel(name) === undefined) : [];
  if (wanted.length + booted.length === 0) return;
  const { uri, env } = await findMirror();
  const sum = (sizes: readonly number[]) => sizes.reduce((total, size) => total + size, 0);
  const size = sum([
    ...wanted.map((suite) => expectedMegabytes[suite]),
    ...booted.map((name) => expectedKernelMegabytes[name]),
  ]);
  const what = [...wanted, ...booted.map((name) => `kernel ${name}`)];
  say(`peers: making ${what.join(", ")}, about ${size} MB, from ${uri}`);
  await Promise.all([
    ...wanted.map((suite) => makeRoot(suite, uri, env)),
    ...booted.map((name) => makeKernel(name, uri)),
  ]);
}

/** Kernels, a line each or all in one. */
function reportKernels(quiet: boolean): KernelName[] {
  const missing = kernelNames.filter((name) => kernel(name) === undefined);
  for (const name of missing) say(`peers: no kernel ${name}: tests that boot it ${fate()}`);
  const found = kernelNames.flatMap((name) => kernel(name) ?? []);
  if (quiet && found.length > 0) say(`peers: kernels ${found.map(({ version }) => version).join(", ")}`);
  if (!quiet) for (const { name, version } of found) say(`peers: ${`kernel ${name}`.padEnd(18)} ${version}`);
  return missing;
}

/** One line a peer, or, quietly, one for the packages of all; always one for each that is missing. */
function report(quiet: boolean): string[] {
  const missing: string[] = [];
  const summary = new Set<string>();
  for (const name of names) {
    const one = peer(name);
    if (one === undefined) {
      missing.push(name);
      say(`peers: no ${name}: tests that compare with it ${fate()}`);
    } else if (quiet) summary.add(`${catalog[name].package} ${one.version}`);
    else say(`peers: ${name.padEnd(18)} ${one.version.padEnd(10)} ${one.from}`);
  }
  if (summary.size > 0) say(`peers: ${[...summary].join(", ")}`);
  missing.push(...reportKernels(quiet));
  const sizes = [
    ...suites.map((suite) => [suite, readMarker(suite)?.bytes] as const),
    ...kernelNames.map((name) => [`kernel ${name}`, kernelBytes(name)] as const),
  ];
  const stated = sizes.flatMap(([name, bytes]) => (bytes === undefined ? [] : [`${name} ${megabytes(bytes)}`]));
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
