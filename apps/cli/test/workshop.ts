import { chmodSync, lutimesSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { repositoryPath, type TemporaryDirectory, temporaryDirectory } from "@sextant/testkit";
import { ensureBuilt, must } from "./command.js";

/** What stands at a path of a tree on disk. */
export type Content = string | Uint8Array | { readonly link: string } | { readonly directory: true };

/** The time of everything that `lay` makes: reproducible, and whole seconds, which tar keeps. */
export const layTime = 1_700_000_000;

/** Writes a tree to disk. Modes and times are the same for every caller, whatever the umask. */
export function lay(folder: string, files: Readonly<Record<string, Content>>): string {
  mkdirSync(folder, { recursive: true });
  const made = new Set<string>();
  for (const [path, content] of Object.entries(files)) {
    const at = join(folder, path);
    const isFolder = typeof content === "object" && "directory" in content;
    mkdirSync(isFolder ? at : dirname(at), { recursive: true });
    if (typeof content === "string" || content instanceof Uint8Array) {
      writeFileSync(at, content);
      chmodSync(at, 0o644);
    } else if ("link" in content) symlinkSync(content.link, at);
    made.add(at);
    for (let above = dirname(at); above.length > folder.length; above = dirname(above)) made.add(above);
  }
  made.add(folder);
  // Longest first, as making an entry changes the time of its directory.
  for (const at of [...made].sort((a, b) => b.length - a.length)) lutimesSync(at, layTime, layTime);
  return folder;
}

export const hostFile = (name: string) => join(repositoryPath, "test-images", "hosts", name);
export const recordedFile = (name: string) => join(repositoryPath, "test-images", "ddi", name);

/** An image that systemd-repart made, unpacked into a folder. */
export function recordedImage(name: string, folder: string): string {
  const path = join(folder, `${name}.raw`);
  writeFileSync(path, gunzipSync(readFileSync(recordedFile(`${name}.raw.gz`))));
  return path;
}

export const debian13 = "ID=debian\nVERSION_ID=13\n";

/** The files of a small feature. */
export const featureFiles = {
  "usr/bin/hello": "#!/bin/sh\necho hello\n",
  "usr/share/hello/data": "x".repeat(20_000),
  "usr/share/hello/link": { link: "data" },
} as const satisfies Record<string, Content>;

/** A folder with a key, and one with a small feature. */
export interface Workshop extends TemporaryDirectory {
  readonly keys: readonly string[];
  readonly certificate: string;
  readonly feature: string;
  at(name: string): string;
}

/** A folder to work in, and the command built. Remove it. */
export async function workshop(): Promise<Workshop> {
  await ensureBuilt();
  const folder = temporaryDirectory();
  const at = (name: string) => join(folder.path, name);
  const [key, certificate] = [recordedFile("throwaway-key.pem"), recordedFile("cert.pem")];
  const feature = lay(at("feature"), featureFiles);
  return { ...folder, keys: ["--key", key, "--certificate", certificate], certificate, feature, at };
}

/** Builds the small feature for Debian 13; `more` are further arguments. Returns the image's path. */
export async function buildHello(shop: Workshop, more: readonly string[] = shop.keys, name = "hello"): Promise<string> {
  const output = shop.at(`${name}.raw`);
  const forDebian = ["--id", "debian", "--version-id", "13", "--arch", "x86-64"];
  // Damage is done to this image at places that are known only where nothing is compressed.
  const plain = ["--compress", "none"];
  await must(["build", "--name", name, "--from", shop.feature, ...forDebian, ...plain, ...more, "-o", output]);
  return output;
}

/** Files whose name says that they are temporary: there must be none when a command has ended. */
export const leftovers = (folder: string) => readdirSync(folder).filter((name) => name.startsWith("."));
