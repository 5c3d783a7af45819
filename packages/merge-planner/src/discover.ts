import {
  type Architecture,
  type DiscoveredEntry,
  type ExtensionKind,
  type HostKind,
  type InodeType,
  imageFromEntry,
  pickEntry,
  searchPaths,
  type VersionedEntry,
} from "@sextant/extension-release";
import { type LazyNode, type Name, nameFromText, nameToBytes, nameToText } from "@sextant/tree";
import { type Chased, chase } from "./chase.js";
import { byBytes } from "./order.js";
import type { Fatal, IgnoredEntry, ImageEntry, Shadowed } from "./types.js";

/** What there is in the search directories of a host. */
export interface Discovery {
  /** In byte order of their names. With `fatal` systemd finds none; these are then what it would find without the culprit. */
  readonly images: readonly ImageEntry[];
  readonly shadowed: readonly Shadowed[];
  readonly ignored: readonly IgnoredEntry[];
  readonly fatal: Fatal | undefined;
}

interface Search {
  readonly root: LazyNode;
  readonly kind: ExtensionKind;
  readonly architecture: Architecture;
  readonly images: Map<string, ImageEntry>;
  readonly shadowed: Shadowed[];
  readonly ignored: IgnoredEntry[];
  readonly fatal: Fatal[];
}

/** What the host's root and the machine say about a search. */
export interface DiscoverOptions {
  readonly kind: ExtensionKind;
  readonly hostKind: HostKind;
  readonly architecture: Architecture;
}

/**
 * Finds images as systemd does (shared/discover-image.c, image_discover): in each search directory every entry, behind
 * symlinks that stay inside of the root; the first directory that has a name wins. What cannot be found is skipped, and
 * every other failure on the way, such as a loop of symlinks, makes systemd give up altogether.
 */
export async function discoverImages(root: LazyNode, options: DiscoverOptions): Promise<Discovery> {
  const { kind, hostKind, architecture } = options;
  const search: Search = { root, kind, architecture, images: new Map(), shadowed: [], ignored: [], fatal: [] };
  for (const directory of searchPaths[kind][hostKind]) await searchDirectory(search, directory);
  const images = [...search.images.values()].sort((a, b) => byBytes(a.name, b.name));
  return { images, shadowed: search.shadowed, ignored: search.ignored, fatal: search.fatal[0] };
}

/** What makes all of discovery fail. */
function failure(chased: Chased, path: Name): Fatal | undefined {
  const shown = nameToText(path);
  if (chased.is === "loop") {
    return {
      stage: "discovery",
      code: "fatal:symlink-loop",
      image: null,
      message: `${shown}: too many levels of symbolic links`,
    };
  }
  if (chased.is === "not-a-directory") {
    return {
      stage: "discovery",
      code: "fatal:discovery",
      image: null,
      message: `${shown}: the way leads through something that is no directory`,
    };
  }
  return undefined;
}

async function searchDirectory(search: Search, directory: string): Promise<void> {
  const found = await chase(search.root, nameFromText(directory));
  const failed = failure(found, nameFromText(directory));
  if (failed) search.fatal.push(failed);
  if (found.is !== "found") return;
  if (found.node.kind !== "directory") {
    search.fatal.push({
      stage: "discovery",
      code: "fatal:discovery",
      image: null,
      message: `${directory} is no directory`,
    });
    return;
  }
  const here: ImageEntry[] = [];
  for (const { name } of await found.node.entries()) {
    const image = await lookAt(search, directory, found.path, name);
    if (image !== undefined) here.push(image);
  }
  for (const image of here.sort(preferred)) take(search, image);
}

/**
 * Of several images of one name in one directory systemd takes the one that the filesystem lists first, which is chance.
 * Here it is always the same one: directories before files, then the fewest suffixes for files and the most for directories.
 */
function preferred(a: ImageEntry, b: ImageEntry): number {
  const rank = ({ type }: ImageEntry) => (type === "raw" || type === "block" ? 1 : 0);
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  const longer = a.fileName.length - b.fileName.length;
  return rank(a) === 1 ? longer : -longer;
}

function take(search: Search, image: ImageEntry): void {
  const first = search.images.get(image.name);
  if (first === undefined) {
    search.images.set(image.name, image);
    return;
  }
  const sameDirectory = first.directory === image.directory;
  search.shadowed.push({ name: image.name, path: image.path, by: first.path, sameDirectory });
}

const inodes: Readonly<Partial<Record<LazyNode["kind"], InodeType>>> = {
  file: "regular",
  directory: "directory",
  "block-device": "block",
};

const joined = (directory: Name, name: Name) => (directory === "" ? name : (`${directory}/${name}` as Name));

async function lookAt(
  search: Search,
  directory: string,
  searched: Name,
  fileName: Name,
): Promise<ImageEntry | undefined> {
  const at = joined(searched, fileName);
  const ignore = (why: string) => void search.ignored.push({ path: at, why });
  if (fileName.startsWith(".sysupdate.")) return ignore("systemd-sysupdate is still writing it");
  const found = await chase(search.root, at);
  const failed = failure(found, at);
  if (failed) return void search.fatal.push(failed);
  if (found.is !== "found") return ignore("is a symlink that leads nowhere");
  const entry = imageFromEntry(nameToBytes(fileName), inodes[found.node.kind] ?? "other", search.kind);
  const { node, path } = found;
  if (entry.is === "ignored") return ignore(entry.why);
  if (entry.is === "image") return { name: entry.name, type: entry.type, path, directory, fileName, node };
  const picked = await pickVersion(search, entry, path, node);
  if (picked === undefined) return ignore("is a directory of versions in which there is none to pick");
  return { name: entry.name, ...picked, directory, fileName };
}

type Versioned = Extract<DiscoveredEntry, { is: "versioned" }>;

const wanted = { raw: ["regular", "block"], directory: ["directory"], mstack: ["directory"] } as const;

/** The image in a `.v` directory that systemd picks (shared/vpick.c). */
async function pickVersion(search: Search, versioned: Versioned, path: Name, node: LazyNode) {
  const targets = new Map<Name, { readonly node: LazyNode; readonly path: Name }>();
  const entries: (VersionedEntry<Uint8Array> & { readonly key: Name })[] = [];
  for (const { name, kind } of await node.entries()) {
    const found = await chase(search.root, joined(path, name));
    if (found.is === "found") targets.set(name, found);
    const type =
      found.is !== "found" ? "unresolvable" : found.node.kind === "file" ? "regular" : typeOf(found.node.kind);
    const target = kind === "symlink" && found.is === "found" ? { target: nameToBytes(lastPart(found.path)) } : {};
    entries.push({ name: nameToBytes(name), type, key: name, ...target });
  }
  const filter = { basename: versioned.name, suffix: versioned.suffix, types: wanted[versioned.type] };
  const result = pickEntry(entries, filter, search.architecture);
  if (result.status !== "picked") return undefined;
  const chosen = entries.find(({ name }) => name === result.pick.name);
  const target = chosen && targets.get(chosen.key);
  if (target === undefined) return undefined;
  const type = target.node.kind === "block-device" ? ("block" as const) : versioned.type;
  return { type, path: target.path, node: target.node };
}

const typeOf = (kind: LazyNode["kind"]) =>
  kind === "directory" ? ("directory" as const) : kind === "block-device" ? ("block" as const) : ("other" as const);

const lastPart = (path: Name) => path.slice(path.lastIndexOf("/") + 1) as Name;
