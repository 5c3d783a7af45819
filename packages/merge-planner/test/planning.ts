import { fromBytes } from "@sextant/bytes";
import { isErofs, open } from "@sextant/erofs";
import {
  type ExtensionKind,
  extensionKinds,
  findReleaseFile,
  kindTraits,
  parseReleaseFile,
  type ReleaseEntry,
  ReleaseError,
  releaseFilePrefix,
  strictAttribute,
} from "@sextant/extension-release";
import { type Directory, type LazyNode, lazyTree, type Name, nameFromText, nameToBytes } from "@sextant/tree";
import {
  chase,
  type ImageEntry,
  type MergePlan,
  type OpenedExtension,
  type PlanInput,
  parseHierarchies,
  planMerge,
} from "../src/index.js";
import type { RandomHost } from "./random-hosts.js";

// The image package reads extensions for the command; it stands above this one, so that tests read them here.

async function readAll(node: LazyNode): Promise<Uint8Array> {
  return node.content().open().read(0, node.size);
}

async function releaseEntry(root: LazyNode, node: LazyNode, path: Name, name: Name): Promise<ReleaseEntry> {
  const bytes = nameToBytes(name);
  if (node.kind === "symlink") {
    const found = await chase(root, path);
    if (found.is === "loop") return { name: bytes, type: "broken" };
    if (found.is !== "found") return { name: bytes, type: "dangling" };
    return { name: bytes, type: found.node.kind === "file" ? "symlink" : "other" };
  }
  if (node.kind !== "file") return { name: bytes, type: "other" };
  const strict = (await node.xattrs()).find((xattr) => xattr.name === strictAttribute)?.value;
  return { name: bytes, type: "regular", strict };
}

async function lookUp(root: LazyNode, name: string, kind: ExtensionKind) {
  const directory = await chase(root, nameFromText(kindTraits[kind].releaseDirectory));
  if (directory.is !== "found" || directory.node.kind !== "directory") {
    return { lookup: findReleaseFile(name, undefined), fields: undefined };
  }
  const at = (entry: string) => `${directory.path}/${entry}` as Name;
  const listed = (await directory.node.entries()).filter((entry) => entry.name.startsWith(releaseFilePrefix));
  const entries: ReleaseEntry[] = [];
  for (const entry of listed) entries.push(await releaseEntry(root, await entry.node(), at(entry.name), entry.name));
  const lookup = findReleaseFile(name, entries);
  if (lookup.status !== "found") return { lookup, fields: undefined };
  const found = await chase(root, at(String.fromCharCode(...(lookup.name as Uint8Array))));
  if (found.is !== "found") return { lookup, fields: undefined };
  try {
    return { lookup, fields: parseReleaseFile(await readAll(found.node)) };
  } catch (error) {
    if (error instanceof ReleaseError) return { lookup, fields: undefined };
    throw error;
  }
}

/** Opens what a host tree in memory holds. */
async function openEntry({ name, type, node }: ImageEntry, kind: ExtensionKind): Promise<OpenedExtension> {
  let tree: LazyNode | undefined = node;
  if (type === "raw") {
    const bytes = await readAll(node);
    tree = isErofs(bytes) ? await (await open(fromBytes(bytes))).root() : undefined;
  }
  const none = { kind, type, lookups: {}, release: undefined, usrLibOsRelease: false, dissectable: false };
  if (tree === undefined) return { facts: none, tree };
  const [sysext, confext] = [await lookUp(tree, name, "sysext"), await lookUp(tree, name, "confext")];
  const kinds = type === "raw" ? extensionKinds : [kind];
  const all = { sysext: sysext.lookup, confext: confext.lookup };
  const lookups = Object.fromEntries(kinds.map((each) => [each, all[each]]));
  const isThere = async (path: string) => (await chase(tree, nameFromText(path))).is === "found";
  const usrLibOsRelease = await isThere("usr/lib/os-release");
  const etcOsRelease = await isThere("etc/os-release");
  const release = (kind === "sysext" ? sysext : confext).fields;
  return { facts: { kind, type, lookups, release, usrLibOsRelease, etcOsRelease }, tree };
}

/** The plan for a host tree in memory. */
export function planTree(host: Directory, options: Partial<PlanInput> = {}): Promise<MergePlan> {
  const { kind = "sysext" } = options;
  return planMerge({
    root: lazyTree(host),
    openImage: (entry) => openEntry(entry, kind),
    architecture: "x86-64",
    ...options,
  });
}

/** The plan for a host of the differential test. */
export const planHost = (host: RandomHost) =>
  planTree(host.tree, {
    kind: host.kind,
    force: host.force,
    mutable: host.mutable,
    noexec: host.noexec,
    hierarchies: host.hierarchies === undefined ? undefined : parseHierarchies(host.hierarchies),
    overlayOptions: host.overlayOptions,
  });
