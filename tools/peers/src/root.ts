import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder, type Marker, markerName, readMarker, rootFolder } from "./cache.js";
import { type Suite, suitePackages } from "./catalog.js";
import { mustRun } from "./machine.js";

/** Grows when the way roots are made changes, so that cached ones are made again. */
const recipeVersion = 1;

const recipeOf = (suite: Suite) => `${recipeVersion} ${process.arch} ${suitePackages[suite].join(" ")}`;

/** The marker of a complete and current root of a suite. */
export function currentRoot(suite: Suite): Marker | undefined {
  const marker = readMarker(suite);
  return marker?.recipe === recipeOf(suite) ? marker : undefined;
}

/** Never follows a mount that an interrupted run may have left in there. */
const removeFolder = (path: string) => mustRun(["rm", "--recursive", "--force", "--one-file-system", path]);

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Takes away what interrupted runs have left. */
async function removeRests(suite: Suite): Promise<void> {
  for (const name of readdirSync(cacheFolder())) {
    const [, of, pid] = /^(\w+)\.(?:partial|former)-(\d+)$/.exec(name) ?? [];
    if (of === suite && !isRunning(Number(pid))) await removeFolder(join(cacheFolder(), name));
  }
}

/** What nothing runs from: the downloads, the package lists, documentation and translations. */
const dispensable = [
  "var/cache/apt/archives",
  "var/lib/apt/lists",
  "usr/share/doc",
  "usr/share/man",
  "usr/share/locale",
];

/** dpkg-query prints a package's name, a tab and its version. */
async function packageVersions(root: string, names: readonly string[]): Promise<Record<string, string>> {
  const { text } = await mustRun(["dpkg-query", `--admindir=${join(root, "var/lib/dpkg")}`, "--show", ...names]);
  const rows = text.trim().split("\n");
  return Object.fromEntries(rows.map((row) => row.split("\t") as [string, string]));
}

/**
 * Makes a suite's root and puts it in its place when it is complete. Debootstrap runs in a mount namespace of its own, so that
 * no mount of it outlives it.
 */
export async function makeRoot(suite: Suite, mirror: string, env: Readonly<Record<string, string>>): Promise<Marker> {
  mkdirSync(cacheFolder(), { recursive: true });
  await removeRests(suite);
  const partial = join(cacheFolder(), `${suite}.partial-${process.pid}`);
  const names = suitePackages[suite];
  const flags = ["--variant=minbase", `--include=${names.join(",")}`];
  const command = ["unshare", "--mount", "--propagation", "private", "debootstrap", ...flags, suite, partial, mirror];
  await mustRun(command, env);
  for (const path of dispensable) await removeFolder(join(partial, path));
  const versions = await packageVersions(partial, names);
  const { text } = await mustRun(["du", "--summarize", "--block-size=1", partial]);
  const marker: Marker = { suite, recipe: recipeOf(suite), versions, bytes: Number.parseInt(text, 10) };
  writeFileSync(join(partial, markerName), `${JSON.stringify(marker, null, 2)}\n`);
  const former = join(cacheFolder(), `${suite}.former-${process.pid}`);
  if (existsSync(rootFolder(suite))) renameSync(rootFolder(suite), former);
  renameSync(partial, rootFolder(suite));
  await removeFolder(former);
  return marker;
}
