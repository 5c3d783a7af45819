import { type ExtensionKind, kindTraits, type WrittenRelease } from "@sextant/extension-release";
import {
  type Attributes,
  type Directory,
  directory,
  file,
  type MutableDirectory,
  type Name,
  nameFromText,
  nameToText,
  splitPath,
  type TreeNode,
  union,
} from "@sextant/tree";
import { ImageError } from "./errors.js";

/** The hierarchies that each class overlays (systemd-sysext(8)). */
export const hierarchies: Readonly<Record<ExtensionKind, readonly Name[]>> = {
  sysext: ["usr" as Name, "opt" as Name],
  confext: ["etc" as Name],
};

/** Top-level directories that are symlinks into /usr on every host that merges extensions. */
const movedBelowUsr: ReadonlySet<string> = new Set(["bin", "sbin", "lib", "lib32", "lib64", "libx32"]);

/** What an extension is made with. */
export interface ComposeOptions {
  readonly kind: ExtensionKind;
  /** What `writeRelease` made. */
  readonly release: WrittenRelease;
  /** Time of what is added, in seconds since 1970. */
  readonly timeSeconds: number;
}

/** The content of an extension image, and what became of the rest. */
export interface ComposedTree {
  readonly tree: Directory;
  /** Top-level names that the class cannot carry and that are not in the image. */
  readonly leftOut: readonly string[];
  /** Top-level names whose content now stands below usr. */
  readonly moved: readonly string[];
  /** Release files for other names that are still in there. */
  readonly otherReleases: readonly string[];
}

/**
 * Makes a tree the content of an extension: its release file in place, nothing outside of its hierarchies. `bin`, `sbin`
 * and `lib*` at the top, as old packages have them, move below `usr`, where hosts have them too.
 *
 * Throws `ImageError` `MALFORMED_LAYOUT` where nothing is left, where the tree brings `usr/lib/os-release` (systemd
 * refuses such a sysext) and where something that is no directory stands in the way.
 */
export function composeExtension(source: Directory, options: ComposeOptions): ComposedTree {
  const { kind, release, timeSeconds } = options;
  const { merged, moved } = kind === "sysext" ? mergeUsr(source) : { merged: source, moved: [] };
  const wanted = new Set<Name>(hierarchies[kind]);
  const kept: MutableDirectory = { ...merged, entries: new Map() };
  const leftOut: string[] = [];
  for (const [name, node] of merged.entries) {
    if (wanted.has(name) && node.kind === "directory") kept.entries.set(name, node);
    else leftOut.push(nameToText(name));
  }
  if (![...kept.entries.values()].some((node) => node.kind === "directory" && node.entries.size > 0)) {
    const places = hierarchies[kind].map((name) => `/${name}`).join(" or ");
    throw new ImageError("MALFORMED_LAYOUT", `a ${kind} carries ${places}, and the sources have nothing there`);
  }
  if (kind === "sysext" && find(kept, "usr/lib/os-release")) {
    throw new ImageError("MALFORMED_LAYOUT", "it would replace the host's os-release, so systemd refuses the image", {
      path: "usr/lib/os-release",
    });
  }
  const added: Partial<Attributes> = { uid: 0, gid: 0, mtimeSeconds: timeSeconds };
  const tree = put(kept, splitPath(nameFromText(release.path)), file(release.bytes, { ...added, mode: 0o644 }), added);
  const folder = find(tree, kindTraits[kind].releaseDirectory);
  const own = release.path.slice(release.path.lastIndexOf("/") + 1);
  const others =
    folder?.kind === "directory" ? [...folder.entries.keys()].filter((name) => name !== nameFromText(own)) : [];
  return { tree, leftOut: leftOut.sort(), moved, otherReleases: others.map(nameToText).sort() };
}

function mergeUsr(source: Directory): { merged: Directory; moved: string[] } {
  const moving = [...source.entries].filter(([name, node]) => movedBelowUsr.has(name) && node.kind === "directory");
  if (moving.length === 0) return { merged: source, moved: [] };
  const rest = new Map(
    [...source.entries].filter(([name, node]) => !movedBelowUsr.has(name) || node.kind !== "directory"),
  );
  const usr: MutableDirectory = { ...directory({ mtimeSeconds: source.mtimeSeconds }), entries: new Map(moving) };
  const there = rest.get("usr" as Name);
  const below: Directory = { ...source, entries: new Map([["usr" as Name, usr]]) };
  if (there !== undefined && there.kind !== "directory") return { merged: source, moved: [] };
  // The tree's own usr comes last, so its attributes and files win over what is moved into it.
  return {
    merged: union([below, { ...source, entries: rest }]),
    moved: moving.map(([name]) => nameToText(name)).sort(),
  };
}

/** The node at a plain path; symlinks are not followed. */
function find(root: Directory, path: string): TreeNode | undefined {
  let node: TreeNode | undefined = root;
  for (const name of splitPath(nameFromText(path)))
    node = node?.kind === "directory" ? node.entries.get(name) : undefined;
  return node;
}

function put(root: Directory, path: readonly Name[], node: TreeNode, attributes: Partial<Attributes>): Directory {
  const [name, ...rest] = path;
  if (name === undefined) return root;
  const entries = new Map(root.entries);
  const there = entries.get(name);
  if (rest.length > 0 && there !== undefined && there.kind !== "directory") {
    throw new ImageError("MALFORMED_LAYOUT", `a ${there.kind} stands where the release file needs a directory`, {
      path: nameToText(name),
    });
  }
  const child = there?.kind === "directory" ? there : directory(attributes);
  entries.set(name, rest.length === 0 ? node : put(child, rest, node, attributes));
  return { ...root, entries };
}

/** The newest time in a tree, in seconds since 1970, rounded up. */
export function newestTime(root: Directory): number {
  let newest = 0;
  const pending: TreeNode[] = [root];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    newest = Math.max(newest, node.mtimeSeconds + (node.mtimeNanoseconds > 0 ? 1 : 0));
    if (node.kind === "directory") pending.push(...node.entries.values());
  }
  return newest;
}
