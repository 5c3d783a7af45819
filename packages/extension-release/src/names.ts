import { type ExtensionKind, traitsOf } from "./kind.js";
import { byteString, type FileName, show, textOf } from "./text.js";

/** The most bytes of a file name on Linux. */
export const fileNameMaxBytes = 255;

/** What names of release files start with; the image name follows. */
export const releaseFilePrefix = "extension-release.";

/** The most bytes of an image name whose release file can exist. */
export const imageNameMaxBytes = fileNameMaxBytes - releaseFilePrefix.length;

/** Why no image can have this name (basic/os-util.c, image_name_is_valid), as the rest of a sentence, or undefined. */
export function imageNameProblem(name: FileName): string | undefined {
  const bytes = byteString(name);
  if (bytes === "") return "is empty";
  if (bytes === "." || bytes === "..") return "is not a file name";
  if (bytes.includes("/")) return "contains a slash";
  if (bytes.length > fileNameMaxBytes)
    return `has ${bytes.length} bytes, and a file name has at most ${fileNameMaxBytes}`;
  if (/[\0-\x1f\x7f]/.test(bytes)) return "contains a control character";
  if (textOf(name) === undefined) return "is not valid UTF-8";
  if (bytes.startsWith(".#")) return "starts with .#, as temporary files do";
  return undefined;
}

/** Whether an image can have this name. */
export function isImageName(name: FileName): boolean {
  return imageNameProblem(name) === undefined;
}

/**
 * The name under which the release file of an image is also looked for: without `.sysext.raw`, `.confext.raw` or `.raw`,
 * and without what follows the first `_` or `+` (path_extract_image_name). Undefined where nothing valid is left.
 */
export function baseImageName(name: string): string | undefined {
  const base = name.replace(/(?:\.sysext|\.confext)?\.raw$/, "").replace(/[_+].*$/s, "");
  return isImageName(base) ? base : undefined;
}

/** The inode that an entry of a search directory leads to, after following symlinks inside the root. */
export type InodeType = "regular" | "directory" | "subvolume" | "block" | "other";

/** What an image is: as `systemd-sysext list` names it. */
export type ImageType = "directory" | "subvolume" | "raw" | "block" | "mstack";

/** What an entry of a search directory is to systemd. */
export type DiscoveredEntry =
  | { readonly is: "image"; readonly name: string; readonly type: ImageType }
  /** A `.v/` directory: the image is the entry that `pickVersioned` picks in it, under this name. */
  | {
      readonly is: "versioned";
      readonly name: string;
      readonly suffix: string;
      readonly type: "directory" | "raw" | "mstack";
    }
  /** Not an image; `why` is the rest of a sentence. */
  | { readonly is: "ignored"; readonly why: string };

const ignored = (why: string): DiscoveredEntry => ({ is: "ignored", why });

const lastPart = (name: string, suffix: string) => name.slice(0, name.length - suffix.length);

/** A name without its format suffix (given) and its class suffix (optional), and the two suffixes together. */
function splitSuffixes(name: string, format: string, kind: ExtensionKind): { name: string; suffix: string } {
  const stem = lastPart(name, format);
  const { suffix } = traitsOf(kind);
  return stem.endsWith(suffix)
    ? { name: lastPart(stem, suffix), suffix: suffix + format }
    : { name: stem, suffix: format };
}

/** What a directory whose name ends in `.v` stands for (discover-image.c, image_discover). */
export function versionedDirectory(directoryName: string, kind: ExtensionKind): DiscoveredEntry {
  if (!directoryName.endsWith(".v")) return ignored("does not end in .v");
  const stem = lastPart(directoryName, ".v");
  const format = [".raw", ".mstack"].find((candidate) => stem.endsWith(candidate)) ?? "";
  const { name, suffix } = splitSuffixes(stem, format, kind);
  const problem = imageNameProblem(name);
  if (problem !== undefined) return ignored(`its image name ${show(name)} ${problem}`);
  return {
    is: "versioned",
    name,
    suffix,
    type: format === ".raw" ? "raw" : format === ".mstack" ? "mstack" : "directory",
  };
}

/** The file name, format suffix and type that an inode has as an image, or undefined where it cannot be one. */
function formatOf(name: string, inode: InodeType): { format: string; type: ImageType } | undefined {
  switch (inode) {
    case "regular":
      return name.endsWith(".raw") ? { format: ".raw", type: "raw" } : undefined;
    case "directory":
    case "subvolume":
      return name.endsWith(".mstack") ? { format: ".mstack", type: "mstack" } : { format: "", type: inode };
    default:
      return undefined;
  }
}

/**
 * The image that an entry of a search directory is, from its name and the inode it leads to (discover-image.c,
 * image_discover). The name comes from the entry, the type from the inode behind symlinks: a directory called `foo.raw`
 * is the image `foo.raw`, a block device keeps its name, and `foo.confext.raw` among sysexts is `foo.confext`.
 */
export function imageFromEntry(fileName: FileName, inode: InodeType, kind: ExtensionKind): DiscoveredEntry {
  traitsOf(kind);
  const text = textOf(fileName);
  if (text === undefined) return ignored("its name is not valid UTF-8");
  if (text.startsWith(".sysupdate.")) return ignored("systemd-sysupdate is still writing it");
  if ((inode === "directory" || inode === "subvolume") && text.endsWith(".v")) return versionedDirectory(text, kind);
  if (inode === "block") return named(text, "block");
  const format = formatOf(text, inode);
  if (format === undefined) {
    return ignored(
      inode === "regular" ? "is a file whose name does not end in .raw" : "is neither a file nor a directory",
    );
  }
  return named(splitSuffixes(text, format.format, kind).name, format.type);
}

function named(name: string, type: ImageType): DiscoveredEntry {
  const problem = imageNameProblem(name);
  return problem === undefined ? { is: "image", name, type } : ignored(`its image name ${show(name)} ${problem}`);
}
