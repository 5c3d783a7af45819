import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type RunResult, run } from "@sextant/peers";
import { repositoryPath } from "@sextant/testkit";

export type Result = RunResult;

export interface CommandOptions {
  readonly cwd?: string;
  readonly input?: Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
}

/** The command that the tests run: the built one of this checkout, or another that is installed somewhere. */
const commandPath = process.env["SEXTANT_COMMAND"] ?? join(repositoryPath, "apps/cli/bin/sextant.js");

const cache = join(repositoryPath, "node_modules", ".cache", "sextant");
const stamp = join(cache, "built");

const timeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

function newestBelow(folder: string): number {
  let newest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    newest = Math.max(newest, entry.isDirectory() ? newestBelow(path) : timeOf(path));
  }
  return newest;
}

/** Whether everything that the command is made of was built after its last change. */
function isBuilt(): boolean {
  const folders = ["packages", "apps"].flatMap((kind) =>
    readdirSync(join(repositoryPath, kind)).map((name) => join(repositoryPath, kind, name)),
  );
  // What comes out of turbo's cache may be older than the sources; the stamp says that it is of these sources.
  const stamped = timeOf(stamp);
  return folders.every((folder) => {
    if (timeOf(join(folder, "src")) === 0) return true;
    const built = Math.max(timeOf(join(folder, "dist/index.js")), timeOf(join(folder, "dist/main.js")));
    return built > 0 && newestBelow(join(folder, "src")) < Math.max(stamped, built);
  });
}

/** Test files run side by side, and one build is enough for all of them. */
async function withLock(work: () => Promise<void>): Promise<void> {
  const lock = join(cache, "building");
  mkdirSync(cache, { recursive: true });
  for (let waited = 0; ; waited += 200) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    // Whoever had it is gone: no build takes that long.
    if (waited > 240_000) rmSync(lock, { recursive: true, force: true });
    await sleep(200);
  }
  try {
    await work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

let building: Promise<void> | undefined;

/** Builds the command where its sources are newer; every test that runs it is sure to test what stands in the sources. */
export function ensureBuilt(): Promise<void> {
  building ??= (async () => {
    if (process.env["SEXTANT_COMMAND"] !== undefined || isBuilt()) return;
    await withLock(async () => {
      if (isBuilt()) return;
      const started = new Date();
      const { exitCode, text, stderr } = await run(["npm", "run", "build"], {
        cwd: repositoryPath,
        timeoutMs: 240_000,
      });
      if (exitCode !== 0) throw new Error(`npm run build failed:\n${text}\n${stderr}`);
      writeFileSync(stamp, "");
      utimesSync(stamp, started, started);
    });
  })();
  return building;
}

/** Runs the command to its end. Nothing of the caller's environment but PATH and HOME reaches it. */
export async function sextant(args: readonly string[], options: CommandOptions = {}): Promise<Result> {
  await ensureBuilt();
  return run([process.execPath, commandPath, ...args], options);
}

/** Runs the command, which must succeed. */
export async function must(args: readonly string[], options: CommandOptions = {}): Promise<Result> {
  const result = await sextant(args, options);
  if (result.exitCode === 0) return result;
  throw new Error(`sextant ${args.join(" ")}: exit code ${result.exitCode}\n${result.stderr}`);
}

/** The one JSON document that a command prints. Throws where there is anything else. */
export async function json<T>(args: readonly string[], options: CommandOptions = {}): Promise<T> {
  return JSON.parse((await must([...args, "--json"], options)).text) as T;
}

/** Starts the command and sends it a signal once `ready` says so. */
export async function interrupted(
  args: readonly string[],
  options: { readonly cwd: string; readonly signal: NodeJS.Signals; readonly ready: () => boolean },
): Promise<{ readonly exitCode: number | null; readonly signal: NodeJS.Signals | null }> {
  await ensureBuilt();
  const child = spawn(process.execPath, [commandPath, ...args], { cwd: options.cwd, stdio: "ignore" });
  const ended = new Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (exitCode, signal) => resolve({ exitCode, signal }));
  });
  while (child.exitCode === null && !options.ready()) await sleep(2);
  child.kill(options.signal);
  return ended;
}
