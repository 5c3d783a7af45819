import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Suite } from "./catalog.js";

/** What stands in a complete root. Written last, so that a root without it is the rest of an interrupted run. */
export interface Marker {
  readonly suite: Suite;
  /** The packages that were asked for; a root made for another list is made again. */
  readonly recipe: string;
  /** Version of each of these packages, as dpkg says it. */
  readonly versions: Readonly<Record<string, string>>;
  readonly bytes: number;
}

/** This project's folder of that name in the user's cache. */
export function userCache(name: string): string {
  const { XDG_CACHE_HOME: cache } = process.env;
  return join(cache || join(homedir(), ".cache"), "sextant", name);
}

/** Where roots and kernels are kept: `$SEXTANT_PEERS`, else `sextant/peers` in the user's cache. */
export function cacheFolder(): string {
  const { SEXTANT_PEERS: chosen } = process.env;
  return chosen || userCache("peers");
}

/** The folder of a suite's root, whether it is there or not. */
export function rootFolder(suite: Suite): string {
  return join(cacheFolder(), suite);
}

/** The marker's place in a root. */
export const markerName = ".sextant-peers.json";

/** The marker of a suite's root, or undefined where there is no complete one. */
export function readMarker(suite: Suite): Marker | undefined {
  const path = join(rootFolder(suite), markerName);
  if (!existsSync(path)) return undefined;
  return JSON.parse(readFileSync(path, "utf8")) as Marker;
}

interface Architecture {
  /** Path of the dynamic loader in a root. */
  readonly loader: string;
  /** Debian's multiarch name. */
  readonly triplet: string;
}

const architectures: Partial<Record<NodeJS.Architecture, Architecture>> = {
  x64: { loader: "lib64/ld-linux-x86-64.so.2", triplet: "x86_64-linux-gnu" },
  arm64: { loader: "lib/ld-linux-aarch64.so.1", triplet: "aarch64-linux-gnu" },
};

/** The start of a command line that runs a program of a root with that root's own loader and libraries. */
export function loaderCommand(root: string): readonly string[] | undefined {
  const architecture = architectures[process.arch];
  if (architecture === undefined) return undefined;
  const libraries = join(root, "usr/lib", architecture.triplet);
  // systemd keeps its shared library in a folder of its own.
  return [join(root, architecture.loader), "--library-path", `${libraries}:${join(libraries, "systemd")}`];
}

const folders = ["usr/bin", "usr/sbin", "usr/local/bin", "usr/local/sbin"];

/** The path of a program in a root (`/` for this machine), or undefined. */
export function findProgram(root: string, name: string, path?: string): string | undefined {
  const candidates = path === undefined ? folders.map((folder) => join(root, folder, name)) : [join(root, path)];
  return candidates.find((candidate) => existsSync(candidate));
}
