import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DebianSuite } from "./catalog.js";
import { findMirror, mustRun } from "./machine.js";

/** The packages of one suite, whatever suite this machine runs. */
export interface PackageArchive {
  /** Names of the package and of all that it depends on, as far as they match. */
  closure(name: string, matching: RegExp): Promise<string[]>;
  /** Downloads packages into a folder. Gives the paths, in the order of the names. */
  download(names: readonly string[], folder: string): Promise<string[]>;
}

/** The keys that debootstrap takes too; without them apt asks those that this machine trusts. */
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** What a dependency may be, other than one that the package needs. */
const notNeeded = ["recommends", "suggests", "conflicts", "breaks", "replaces", "enhances"].map(
  (kind) => `--no-${kind}`,
);

/**
 * Calls `use` with the packages of a suite: apt with a source and lists of its own, which are gone afterwards, so that the
 * machine's own stay as they are. Needs apt, and no root.
 */
export async function withPackages<T>(
  suite: DebianSuite,
  use: (archive: PackageArchive) => Promise<T>,
  mirror?: string,
): Promise<T> {
  const uri = mirror ?? (await findMirror()).uri;
  const folder = mkdtempSync(join(tmpdir(), "sextant-apt-"));
  try {
    const sources = join(folder, "sources.list");
    const signers = existsSync(keyring) ? `[signed-by=${keyring}] ` : "";
    writeFileSync(sources, `deb ${signers}${uri} ${suite} main\n`);
    for (const name of ["lists/partial", "cache/archives/partial"]) mkdirSync(join(folder, name), { recursive: true });
    const settings = {
      "Dir::Etc::sourcelist": sources,
      "Dir::Etc::sourceparts": "/dev/null",
      "Dir::Etc::preferences": "/dev/null",
      "Dir::Etc::preferencesparts": "/dev/null",
      "Dir::State::Lists": join(folder, "lists"),
      "Dir::Cache": join(folder, "cache"),
      // The user that apt would fetch as cannot write here.
      "APT::Sandbox::User": "root",
    };
    const flags = Object.entries(settings).map(([name, value]) => `--option=${name}=${value}`);
    await mustRun(["apt-get", ...flags, "update"]);
    return await use({
      async closure(name, matching) {
        const { text } = await mustRun(["apt-cache", ...flags, "depends", "--recurse", ...notNeeded, name]);
        return text.split("\n").filter((line) => matching.test(line));
      },
      async download(names, target) {
        await mustRun(["apt-get", ...flags, "download", ...names], {}, target);
        const files = readdirSync(target);
        return names.map((name) => {
          const file = files.find((candidate) => candidate.startsWith(`${name}_`) && candidate.endsWith(".deb"));
          if (file === undefined) throw new Error(`apt downloaded no package of ${name}`);
          return join(target, file);
        });
      },
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Unpacks packages into a folder without installing them. */
export async function unpackPackages(paths: readonly string[], folder: string): Promise<void> {
  for (const path of paths) await mustRun(["dpkg-deb", "--extract", path, folder]);
}
