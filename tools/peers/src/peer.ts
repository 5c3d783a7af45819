import { spawnSync } from "node:child_process";
import { findProgram, loaderCommand, readMarker, rootFolder } from "./cache.js";
import { type CatalogRow, catalog, type PeerName, type Suite } from "./catalog.js";
import { canEnter, namespaceCommand } from "./namespace.js";
import { peerEnvironment, type RunOptions, type RunResult, run } from "./process.js";

/** A real tool that a test compares with. */
export interface Peer {
  readonly name: PeerName;
  /** As the tool says it, such as `1.9.4`. */
  readonly version: string;
  /** Where it comes from: this machine or a suite's root. */
  readonly from: Suite | "machine";
  /** What stands before the arguments on a command line. */
  readonly command: readonly string[];
  /** Runs it; paths in `args` are this machine's. Tools in a namespace see the temporary folder and the checkout only. */
  run(args: readonly string[], options?: RunOptions): Promise<RunResult>;
}

/** Dotted numbers of two versions, first difference decides. */
function isAtLeast(version: string, least: string): boolean {
  const [have, want] = [version, least].map((text) => text.split(".").map((part) => Number.parseInt(part, 10)));
  for (const [index, wanted] of (want ?? []).entries()) {
    const had = have?.[index] ?? 0;
    if (had !== wanted) return had > wanted;
  }
  return true;
}

function askVersion(command: readonly string[], args: readonly string[]): string | undefined {
  const [program = "", ...rest] = command;
  const { stdout, stderr, error } = spawnSync(program, [...rest, ...args], {
    env: peerEnvironment(),
    encoding: "utf8",
    timeout: 20_000,
  });
  if (error) return undefined;
  const text = `${stdout}\n${stderr}`;
  return /\d+(?:\.\d+)+/.exec(text)?.[0];
}

function findIn(name: PeerName, row: CatalogRow, from: Suite | "machine"): Peer | undefined {
  const root = from === "machine" ? "/" : rootFolder(from);
  if (from !== "machine" && readMarker(from) === undefined) return undefined;
  const program = findProgram(root, name, row.path);
  const loader = from === "machine" ? [] : loaderCommand(root);
  if (program === undefined || loader === undefined) return undefined;
  const direct = [...loader, program];
  const version = askVersion(direct, row.versionArgs ?? ["--version"]);
  if (version === undefined) return undefined;
  if (from === "machine" && row.least !== undefined && !isAtLeast(version, row.least)) return undefined;
  if (from === "machine" || row.entry !== "namespace") {
    return { name, version, from, command: direct, run: (args, options) => run([...direct, ...args], options) };
  }
  if (!canEnter(from)) return undefined;
  const inside = program.slice(root.length);
  return {
    name,
    version,
    from,
    command: [...namespaceCommand(from), inside],
    run: (args, { cwd, ...options } = {}) => run([...namespaceCommand(from, [], cwd), inside, ...args], options),
  };
}

const found = new Map<string, Peer | undefined>();

/**
 * The peer of that name, or undefined where this machine has none. Looks only, never installs: `npm run peers` does.
 * `suite` asks for the one of that suite instead of the best.
 */
export function peer(name: PeerName, options: { readonly suite?: Suite } = {}): Peer | undefined {
  const key = `${options.suite ?? ""}/${name}`;
  if (!found.has(key)) {
    const row: CatalogRow = catalog[name];
    let best: Peer | undefined;
    for (const from of options.suite === undefined ? row.from : [options.suite]) best ??= findIn(name, row, from);
    found.set(key, best);
  }
  return found.get(key);
}
