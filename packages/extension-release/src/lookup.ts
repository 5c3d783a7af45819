import { baseImageName, fileNameMaxBytes, isImageName, releaseFilePrefix } from "./names.js";
import { byteString, decodeText, type FileName, parseBoolean, textOf } from "./text.js";

/** The extended attribute that opens a release file to images of other names when it is a false boolean. */
export const strictAttribute = "user.extension-release.strict";

/** An entry of an image's release directory. */
export interface ReleaseEntry {
  /** File name, with `extension-release.`. */
  readonly name: FileName;
  /**
   * What it is, without following: a `symlink` leads to a file of the image, a `dangling` one to nothing, a `broken` one
   * cannot be followed (a loop). `other` is a directory or a symlink to one.
   */
  readonly type: "regular" | "symlink" | "dangling" | "broken" | "other";
  /** Value of `user.extension-release.strict`, undefined or null where the file has none. */
  readonly strict?: string | Uint8Array | null | undefined;
}

/** Why an entry of the release directory was not taken. */
export type SkipReason =
  | "not-a-release-file"
  | "not-regular"
  | "invalid-name"
  /** The image name starts with `_` or `+`, so no base name is left, and no file can be taken but the exact one. */
  | "empty-base-name"
  | "strict-xattr-absent"
  | "strict-xattr-true"
  | "strict-xattr-unparsable";

/** The result of looking for the release file of an image. */
export type ReleaseLookup =
  /** `name` is the entry's name as it was given. */
  | { readonly status: "found"; readonly name: FileName; readonly exact: boolean }
  | { readonly status: "none"; readonly skipped: readonly { readonly name: FileName; readonly why: SkipReason }[] }
  /** Several files qualify, and none has the exact name. */
  | { readonly status: "ambiguous"; readonly names: readonly FileName[] }
  /** The exact name is there and cannot be read, or it is too long for a file name. */
  | { readonly status: "failed"; readonly why: "broken-symlink" | "not-a-file" | "name-too-long" }
  | { readonly status: "invalid-name" };

function strictness(value: ReleaseEntry["strict"]): SkipReason | undefined {
  if (value === undefined || value === null) return "strict-xattr-absent";
  const word = typeof value === "string" ? value : decodeText(value);
  // Some tools write the NUL that ends a C string; one is forgiven.
  const strict = word === undefined ? undefined : parseBoolean(word.replace(/\0$/, ""));
  if (strict === undefined) return "strict-xattr-unparsable";
  return strict ? "strict-xattr-true" : undefined;
}

function skipReason(entry: ReleaseEntry, base: string | undefined): SkipReason | undefined {
  const bytes = byteString(entry.name);
  if (!bytes.startsWith(releaseFilePrefix)) return "not-a-release-file";
  if (entry.type !== "regular") return "not-regular";
  const suffix = textOf(entry.name)?.slice(releaseFilePrefix.length);
  if (suffix === undefined || !isImageName(suffix)) return "invalid-name";
  if (base === undefined) return "empty-base-name";
  return suffix === base ? undefined : strictness(entry.strict);
}

/**
 * The release file of an image among the entries of its release directory (basic/os-util.c, open_extension_release_at).
 * The exact name comes first, whatever its attribute says, also as a symlink. Otherwise regular files qualify whose
 * suffix is the image's base name, or which carry `user.extension-release.strict` as a false boolean; two of them are
 * one too many.
 *
 * @param entries Undefined where the image has no such directory.
 */
export function findReleaseFile(imageName: string, entries: Iterable<ReleaseEntry> | undefined): ReleaseLookup {
  if (!isImageName(imageName)) return { status: "invalid-name" };
  if (entries === undefined) return { status: "none", skipped: [] };
  const exactName = byteString(releaseFilePrefix + imageName);
  if (exactName.length > fileNameMaxBytes) return { status: "failed", why: "name-too-long" };
  const list = [...entries];
  const exact = list.find((entry) => byteString(entry.name) === exactName);
  if (exact?.type === "broken") return { status: "failed", why: "broken-symlink" };
  if (exact?.type === "other") return { status: "failed", why: "not-a-file" };
  if (exact !== undefined && exact.type !== "dangling") return { status: "found", name: exact.name, exact: true };

  const base = baseImageName(imageName);
  const skipped: { name: FileName; why: SkipReason }[] = [];
  const names: FileName[] = [];
  for (const entry of list) {
    const why = skipReason(entry, base);
    if (why === undefined) names.push(entry.name);
    else skipped.push({ name: entry.name, why });
  }
  const [first] = names;
  if (first === undefined) return { status: "none", skipped };
  return names.length === 1 ? { status: "found", name: first, exact: false } : { status: "ambiguous", names };
}
