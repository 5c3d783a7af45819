import { readFile } from "node:fs/promises";
import { basename, extname } from "node:path";
import { architectureFromNode, isArchitecture, type Scope, suggestArchitecture } from "@sextant/extension-release";
import { type Host, hostFromOsRelease, hostFromProfile, hostFromRoot } from "@sextant/image";
import { lazyDirectory } from "@sextant/tree/node";
import { CommandError, exitCode, inputError, usageError } from "./errors.js";
import { isDirectory } from "./sources.js";

/** A host with everything that matching needs, and where what it did not say came from. */
export interface NamedHost extends Host {
  readonly name: string;
  readonly architecture: string;
  readonly scope: Scope;
}

export interface HostOptions {
  readonly arch?: string | undefined;
  readonly scope?: Scope | undefined;
}

/** Reads a host: an os-release file, a root directory, or a host profile (JSON). */
export async function readHost(where: string, options: HostOptions): Promise<NamedHost> {
  const host = (await isDirectory(where)) ? await hostFromRoot(lazyDirectory(where)) : await readHostFile(where);
  return {
    ...host,
    name: hostName(where),
    architecture: host.architecture ?? options.arch ?? machineArchitecture(),
    scope: options.scope ?? host.scope ?? "system",
  };
}

async function readHostFile(where: string): Promise<Host> {
  const bytes = await readFile(where);
  const text = bytes.toString("utf8");
  try {
    return /^\s*\{/.test(text) ? hostFromProfile(text) : hostFromOsRelease(bytes);
  } catch (error) {
    throw inputError(where, error instanceof Error ? error.message : String(error), "host");
  }
}

/** `debian-13` for `hosts/debian-13.os-release`; a root directory and a file called os-release keep their path. */
function hostName(where: string): string {
  const extension = extname(where);
  if (extension === ".json" || extension === ".os-release") return basename(where, extension);
  return where;
}

/** systemd's name of the architecture that this program runs on. */
export function machineArchitecture(): string {
  const architecture = architectureFromNode(process.arch);
  if (architecture !== undefined) return architecture;
  throw new CommandError(
    exitCode.missing,
    process.arch,
    "systemd has no name for this machine",
    undefined,
    "give --arch",
  );
}

/** Refuses what systemd would never compare equal to a host's architecture. */
export function checkArchitecture(name: string): string {
  if (isArchitecture(name)) return name;
  const meant = suggestArchitecture(name);
  throw usageError("--arch", `"${name}" is no architecture that systemd knows`, meant && `systemd calls it ${meant}`);
}
