import {
  baseImageName,
  type ExtensionKind,
  findReleaseFile,
  type ImageFacts,
  type ImageType,
  isImageName,
  kindTraits,
  parseReleaseFile,
  type ReleaseEntry,
  ReleaseError,
  type ReleaseFields,
  type ReleaseLookup,
  releaseFileMaxBytes,
  releaseFilePrefix,
  strictAttribute,
} from "@sextant/extension-release";
import {
  type LazyNode,
  type Name,
  nameFromBytes,
  nameFromText,
  nameToBytes,
  nameToText,
  type Resolved,
  resolvePath,
  TreeError,
} from "@sextant/tree";
import { ImageError } from "./errors.js";

export interface ExtensionOptions {
  /** The image's name, which its release file must have (`imageNameOf`). */
  readonly name: string;
  /** What the image is to discovery. Default `raw`. */
  readonly type?: ImageType;
  /** Default: the class whose release file is there; sysext where there are both or none. */
  readonly kind?: ExtensionKind | undefined;
}

/** The release file of an image as it was found. */
export interface ReleaseFile {
  /** Path in the image, for people. */
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Undefined where systemd could not parse it; `problem` then says why. */
  readonly fields: ReleaseFields | undefined;
  readonly problem: ReleaseError | undefined;
}

/** What an image says about where it belongs. */
export interface Extension {
  readonly name: string;
  readonly kind: ExtensionKind;
  /** What `judgeImage` takes. */
  readonly facts: ImageFacts;
  readonly release: ReleaseFile | undefined;
}

/**
 * Reads what decides whether a host takes an image, and nothing more: the directories on the way to the release file,
 * the file, and whether the image brings an os-release. The search is systemd's: the exact name first, then the rules for
 * other names, for which the directory is listed and attributes are read.
 *
 * Passes errors of the image's format on; what is merely missing or ambiguous is in the facts.
 */
export async function readExtension(root: LazyNode, options: ExtensionOptions): Promise<Extension> {
  const { name, type = "raw" } = options;
  // Raw images are valid or not by what both classes have; directories are asked for their own class only.
  const needSysext = type === "raw" || type === "block" || options.kind !== "confext";
  const sysext = needSysext ? await lookUp(root, name, "sysext") : undefined;
  const found = sysext?.lookup.status === "found";
  const needConfext = type === "raw" || type === "block" || options.kind === "confext" || !found;
  const confext = needConfext ? await lookUp(root, name, "confext") : undefined;
  const kind = options.kind ?? (!found && confext?.lookup.status === "found" ? "confext" : "sysext");
  const own = kind === "sysext" ? sysext : confext;
  const release = own?.file && (await readRelease(own.file.node, own.file.path));
  const facts: ImageFacts = {
    kind,
    type,
    lookups: { ...(sysext && { sysext: sysext.lookup }), ...(confext && { confext: confext.lookup }) },
    release: release?.fields,
    usrLibOsRelease: (await resolvePath(root, "usr/lib/os-release" as Name)) !== undefined,
    etcOsRelease: release === undefined && (await resolvePath(root, "etc/os-release" as Name)) !== undefined,
  };
  return { name, kind, facts, release };
}

interface Found {
  readonly lookup: ReleaseLookup;
  readonly file?: { readonly node: LazyNode; readonly path: Name } | undefined;
}

async function lookUp(root: LazyNode, imageName: string, kind: ExtensionKind): Promise<Found> {
  const directory = await resolvePath(root, kindTraits[kind].releaseDirectory as Name);
  if (directory === undefined || directory.node.kind !== "directory") {
    return { lookup: findReleaseFile(imageName, undefined) };
  }
  if (!isImageName(imageName)) return { lookup: findReleaseFile(imageName, []) };
  const at = (name: Name) => `${directory.path}/${name}` as Name;
  const exactName = nameFromText(releaseFilePrefix + imageName);
  const exact = await directory.node.lookup(exactName);
  const type = exact && (await typeOfExact(root, exact, at(exactName)));
  const entries: ReleaseEntry[] = type === undefined ? [] : [{ name: nameToBytes(exactName), type }];
  if (type === undefined || type === "dangling") entries.push(...(await candidates(directory, imageName)));
  const lookup = findReleaseFile(imageName, entries);
  if (lookup.status !== "found") return { lookup };
  const name = typeof lookup.name === "string" ? nameFromText(lookup.name) : nameFromBytes(lookup.name);
  return { lookup, file: await resolvePath(root, at(name)) };
}

/** What stands at the exact name. A symlink is followed, and the attribute does not matter. */
async function typeOfExact(root: LazyNode, node: LazyNode, path: Name): Promise<ReleaseEntry["type"]> {
  if (node.kind !== "symlink") return node.kind === "file" ? "regular" : "other";
  try {
    const target = await resolvePath(root, path);
    return target === undefined ? "dangling" : target.node.kind === "file" ? "symlink" : "other";
  } catch (error) {
    if (error instanceof TreeError && error.code === "LIMIT_SYMLINKS") return "broken";
    throw error;
  }
}

/** Most entries of a release directory that are looked at; real ones have one. */
const maxEntries = 4096;

/** The entries that may stand in for the exact name. Only files can, and their attributes are read where they decide. */
async function candidates({ node, path }: Resolved, imageName: string): Promise<ReleaseEntry[]> {
  const entries = (await node.entries()).filter(({ name }) => name.startsWith(releaseFilePrefix));
  if (entries.length > maxEntries) {
    const message = `${entries.length} release files are more than ${maxEntries}`;
    throw new ImageError("LIMIT_RELEASE_FILES", message, { path: nameToText(path) });
  }
  const base = baseImageName(imageName);
  const baseName = base === undefined ? undefined : nameFromText(releaseFilePrefix + base);
  return Promise.all(
    entries.map(async (entry): Promise<ReleaseEntry> => {
      const name = nameToBytes(entry.name);
      if (entry.kind !== "file") return { name, type: "other" };
      if (entry.name === baseName) return { name, type: "regular" };
      const xattrs = await (await entry.node()).xattrs();
      return { name, type: "regular", strict: xattrs.find((xattr) => xattr.name === strictAttribute)?.value };
    }),
  );
}

async function readRelease(node: LazyNode, path: Name): Promise<ReleaseFile | undefined> {
  if (node.kind !== "file") return undefined;
  const bytes = await readWhole(node, path, releaseFileMaxBytes);
  const shown = nameToText(path);
  try {
    return { path: shown, bytes, fields: parseReleaseFile(bytes), problem: undefined };
  } catch (problem) {
    if (problem instanceof ReleaseError) return { path: shown, bytes, fields: undefined, problem };
    throw problem;
  }
}

/** All bytes of a small file; throws `LIMIT_FILE_BYTES` where it is larger than `maxBytes`. */
export async function readWhole(node: LazyNode, path: Name, maxBytes: number): Promise<Uint8Array> {
  const content = node.content();
  if (content.size > maxBytes) {
    throw new ImageError(
      "LIMIT_FILE_BYTES",
      `${content.size} bytes are more than the ${maxBytes} that are read of it`,
      {
        path: nameToText(path),
      },
    );
  }
  return content.open().read(0, content.size);
}
