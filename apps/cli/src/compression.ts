import { readFile } from "node:fs/promises";
import { type Compression, type CompressionMethod, compressionLevels, type ProfileEntry } from "@sextant/erofs";
import { compileGlob, type Name, nameFromText } from "@sextant/tree";
import { about, usageError } from "./errors.js";
import { parseSize } from "./options.js";

/** A compression as the command line names it; without a cluster size, that of `--cluster`. */
export interface CompressionChoice {
  readonly method: CompressionMethod;
  readonly level: number;
  readonly clusterBytes: number | undefined;
}

const isMethod = (text: string): text is CompressionMethod => Object.hasOwn(compressionLevels, text);

/** `none`, `zstd`, `zstd:12`, or with a cluster size of its own `lz4hc:12@16K`. */
export function parseCompression(text: string, flag = "--compress"): CompressionChoice | "none" {
  if (text === "none") return "none";
  const match = /^([a-z0-9]+)(?::(\d+))?(?:@(\w+))?$/.exec(text);
  const method = match?.[1] ?? "";
  if (!isMethod(method)) {
    const methods = ["none", ...Object.keys(compressionLevels)].join(", ");
    throw usageError(flag, `"${text}" is not one of ${methods}, with a level such as zstd:3`);
  }
  const { least, most, usual } = compressionLevels[method];
  const level = match?.[2] === undefined ? usual : Number(match[2]);
  if (level < least || level > most) {
    const levels = least === most ? "no levels" : `levels ${least} to ${most}`;
    throw usageError(flag, `${method} has ${levels}, ${level} is none of them`);
  }
  return { method, level, clusterBytes: match?.[3] === undefined ? undefined : parseSize(match[3]) };
}

/** `GLOB=METHOD`: what files are compressed with. */
export interface CompressionRule {
  readonly matches: (path: Name) => boolean;
  readonly choice: CompressionChoice | "none";
}

/** A rule; of several, the first that fits a path counts. */
export function parseRule(text: string): CompressionRule {
  const at = text.lastIndexOf("=");
  if (at <= 0) throw usageError("--compress-for", `"${text}" is not a rule such as usr/share/**=zstd:19`);
  const glob = compileGlob(text.slice(0, at));
  return { matches: (path) => glob(path, false), choice: parseCompression(text.slice(at + 1), "--compress-for") };
}

/** What content is ordered by. */
export type OrderChoice = { readonly order: "usual" | "path" | "size"; readonly profile: string | undefined };

/** `path`, `size` or `profile=FILE`. */
export function parseOrder(text: string): OrderChoice {
  if (text === "path" || text === "size" || text === "usual") return { order: text, profile: undefined };
  const match = /^profile=(.+)$/.exec(text);
  if (match?.[1]) return { order: "usual", profile: match[1] };
  throw usageError("--order", `"${text}" is not one of usual, path, size, profile=FILE`);
}

/** The compression that is meant, its clusters of `clusterBytes` where it has no size of its own. */
export function withCluster(choice: CompressionChoice, clusterBytes: number): Compression {
  return { method: choice.method, level: choice.level, clusterBytes: choice.clusterBytes ?? clusterBytes };
}

/**
 * Reads a profile: a path a line, or `PATH:START-END` for bytes [START, END) of a file, in the order in which a boot touches
 * them. Empty lines and those that begin with `#` say nothing; a leading slash may be left out.
 */
export async function readProfile(file: string): Promise<ProfileEntry[]> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw about(error, file);
  });
  const entries: ProfileEntry[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const range = /^(.*):(\d+)-(\d+)$/.exec(line.trimEnd());
    const path = nameFromText((range?.[1] ?? line.trimEnd()).replace(/^\/+/, ""));
    if (range === null) {
      entries.push({ path });
      continue;
    }
    const [start, end] = [Number(range[2]), Number(range[3])];
    if (!(end > start) || !Number.isSafeInteger(end)) {
      throw usageError(`${file}:${index + 1}`, `${start}-${end} is not a range of bytes`, "write PATH:START-END");
    }
    entries.push({ path, start, end });
  }
  return entries;
}
