import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
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
export const removeFolder = (path: string) => mustRun(["rm", "--recursive", "--force", "--one-file-system", path]);

function isRunning(pid: number): boolean {
  try {
    const [, state] = /\) (\w) /.exec(readFileSync(`/proc/${pid}/stat`, "latin1")) ?? [];
    return state !== "Z";
  } catch {
    return false;
  }
}

/** Makes the cache where it is not there, and takes away what interrupted runs have left in it. */
export async function tidyCache(): Promise<void> {
  mkdirSync(cacheFolder(), { recursive: true });
  for (const name of readdirSync(cacheFolder())) {
    const [, pid] = /^[\w.-]+\.(?:partial|former)-(\d+)$/.exec(name) ?? [];
    if (pid !== undefined && !isRunning(Number(pid))) await removeFolder(join(cacheFolder(), name));
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

/** No mount and no process of what runs here outlives it, nor it us. */
const confined = [
  ...["setpriv", "--pdeathsig", "KILL"],
  ...["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"],
];

/** Makes a suite's root and puts it in its place when it is complete. */
export async function makeRoot(suite: Suite, mirror: string, env: Readonly<Record<string, string>>): Promise<Marker> {
  const partial = join(cacheFolder(), `${suite}.partial-${process.pid}`);
  const names = suitePackages[suite];
  const flags = ["--variant=minbase", `--include=${names.join(",")}`];
  await mustRun([...confined, "debootstrap", ...flags, suite, partial, mirror], env);
  for (const path of dispensable) await removeFolder(join(partial, path));
  const versions = await packageVersions(partial, names);
  const marker: Marker = { suite, recipe: recipeOf(suite), versions, bytes: await bytesOnDisk(partial) };
  writeFileSync(join(partial, markerName), `${JSON.stringify(marker, null, 2)}\n`);
  await putInPlace(partial, rootFolder(suite));
  return marker;
}

/** What a folder takes on disk. */
export async function bytesOnDisk(folder: string): Promise<number> {
  return Number.parseInt((await mustRun(["du", "--summarize", "--block-size=1", folder])).text, 10);
}

/** Gives what is complete its name in the cache, in place of what had it. */
export async function putInPlace(partial: string, folder: string): Promise<void> {
  const former = `${folder}.former-${process.pid}`;
  if (existsSync(folder)) renameSync(folder, former);
  renameSync(partial, folder);
  await removeFolder(former);
}
