import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { unpackPackages, userCache, withPackages } from "@sextant/peers";

/** Real software: packages of one suite, unpacked together. */
interface DebianCorpus {
  readonly packages: readonly string[];
  /** What it takes to download, for the message. */
  readonly downloadMegabytes: number;
}

const suite = "trixie";

/** The corpora that figures are about. */
const corpora = {
  /** A language runtime: few files, one of them of 141 MB. */
  java: { packages: ["openjdk-21-jre-headless"], downloadMegabytes: 43 },
  /** Programs, scripts and documentation of all sizes: 6,200 entries. */
  mix: {
    packages: [
      "gdb",
      "strace",
      "tcpdump",
      "libpython3.13-stdlib",
      "libpython3.13-minimal",
      "python3.13-minimal",
      "lvm2",
      "mdadm",
      "btrfs-progs",
      "openssh-server",
      "perl-modules-5.40",
      "vim-runtime",
      "git",
    ],
    downloadMegabytes: 33,
  },
} as const satisfies Record<string, DebianCorpus>;

export type DebianCorpusName = keyof typeof corpora;

/**
 * The folder of a corpus in the user's cache, downloaded and unpacked where it is not there yet. What is there stays as it is,
 * so that figures of one machine are of the same bytes. Needs apt to make it.
 */
export async function debianCorpus(name: DebianCorpusName, say: (line: string) => void): Promise<string> {
  const parent = userCache("corpora");
  const folder = join(parent, name);
  if (existsSync(folder)) return folder;
  if (!existsSync("/usr/bin/apt-get"))
    throw new Error(`the corpus ${name} is made of Debian packages, and there is no apt here`);
  const { packages, downloadMegabytes } = corpora[name];
  const debs = join(parent, "debs");
  mkdirSync(debs, { recursive: true });
  const paths = packages.map((one) => downloaded(debs, one));
  const missing = packages.filter((_, index) => paths[index] === undefined);
  if (missing.length > 0) {
    say(`bench: the corpus ${name} is not in ${parent}: downloading about ${downloadMegabytes} MB of ${suite}`);
    await withPackages(suite, (archive) => archive.download(missing, debs));
  }
  const unfinished = `${folder}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  await unpackPackages(
    packages.map((one) => downloaded(debs, one) ?? one),
    unfinished,
  );
  renameSync(unfinished, folder);
  return folder;
}

function downloaded(debs: string, name: string): string | undefined {
  const file = readdirSync(debs).find((candidate) => candidate.startsWith(`${name}_`) && candidate.endsWith(".deb"));
  return file === undefined ? undefined : join(debs, file);
}
