import { isWhiteout, sortXattrs } from "./build.js";
import { TreeError } from "./errors.js";
import { type Name, nameFromText, nameToText } from "./name.js";
import type { Directory, TreeNode, Xattr } from "./types.js";
import { checkDepth, joinPath } from "./walk.js";

// Documentation/filesystems/overlayfs.rst of Linux. Where it leaves a question, the kernel was asked (6.18; the tests mount
// the same layers and compare): a file in a middle layer ends a merge as a whiteout does; an empty file with the whiteout
// xattr is gone whether or not its directory is marked "x", which only keeps it out of listings; and the root of a layer, the
// directory that is mounted, merges with the roots below even if it is opaque.

export interface OverlayOptions {
  /** Namespace of the markers: `trusted.overlay.` (default), or `user.overlay.` for mounts with `userxattr`. */
  readonly xattrPrefix?: string;
}

const defaultPrefix = "trusted.overlay.";

/** `y`, the value of the opaque xattr. */
const yes = Uint8Array.of(0x79);

/** Whether a directory hides what the layers below have in it. */
export function isOpaque(node: Directory, options: OverlayOptions = {}): boolean {
  const value = findXattr(node, options, "opaque");
  return value?.length === 1 && value[0] === yes[0];
}

/** The directory, made opaque. */
export function withOpaque(node: Directory, options: OverlayOptions = {}): Directory {
  const marker = { name: nameFromText(`${options.xattrPrefix ?? defaultPrefix}opaque`), value: yes };
  return { ...node, xattrs: sortXattrs([...node.xattrs, marker]) };
}

/** Whether the node hides its name in the layers below: a device 0:0, or an empty file with the whiteout xattr. */
export function hidesName(node: TreeNode, options: OverlayOptions = {}): boolean {
  if (isWhiteout(node)) return true;
  return node.kind === "file" && node.content.size === 0 && findXattr(node, options, "whiteout") !== undefined;
}

/**
 * What overlayfs shows of layers, the topmost first: directories merged, whiteouts and opaque directories applied and
 * gone, a merged directory with the attributes of its topmost layer. The markers' xattrs are left out, and escaped ones
 * (`trusted.overlay.overlay.…`) come out unescaped, as in the mount. Hard links within a layer stay together. A layer is the
 * directory that would be mounted, for a system extension its `usr`: whether that itself is opaque makes no difference.
 *
 * Throws `TreeError` `UNSUPPORTED_NODE` for redirects and metadata-only copies, which upper layers of mounts have and
 * images should not. No layers give `TypeError`.
 */
export function mergeLayers(layers: readonly Directory[], options: OverlayOptions = {}): Directory {
  const shown = new Map<TreeNode, TreeNode>();
  return merge(layers, {
    options,
    finish(node) {
      const before = shown.get(node);
      if (before) return before;
      const xattrs = visibleXattrs(node, options);
      const after = xattrs === node.xattrs ? node : { ...node, xattrs };
      shown.set(node, after);
      return after;
    },
    whiteout: () => undefined,
    directory: (node, entries) => ({ ...node, xattrs: visibleXattrs(node, options), entries }),
  });
}

/**
 * Several layers, the topmost first, as one that does the same to whatever lies below it: whiteouts stay, and a directory
 * under which anything ended the merge is opaque.
 *
 * Throws as `mergeLayers`.
 */
export function squashLayers(layers: readonly Directory[], options: OverlayOptions = {}): Directory {
  return merge(layers, {
    options,
    finish: (node) => node,
    whiteout: (node) => node,
    directory: (node, entries, closed) => {
      const merged = { ...node, entries };
      return closed && !isOpaque(node, options) ? withOpaque(merged, options) : merged;
    },
  });
}

/** What the two ways of merging make of what they find. */
interface Outcome {
  readonly options: OverlayOptions;
  /** A node other than a directory that is seen. */
  finish(node: TreeNode): TreeNode;
  /** A whiteout with nothing above it. */
  whiteout(node: TreeNode): TreeNode | undefined;
  /** A directory; `closed` if nothing from below these layers can show in it. */
  directory(topmost: Directory, entries: ReadonlyMap<Name, TreeNode>, closed: boolean): Directory;
}

function merge(layers: readonly Directory[], outcome: Outcome): Directory {
  if (layers.length === 0) throw new TypeError("there are no layers to merge");
  for (const layer of layers) checkSupported(layer, "" as Name, outcome.options);
  return mergeDirectories(layers, false, "" as Name, 0, outcome);
}

function mergeDirectories(
  stack: readonly Directory[],
  closed: boolean,
  path: Name,
  depth: number,
  outcome: Outcome,
): Directory {
  checkDepth(depth, path);
  const entries = new Map<Name, TreeNode>();
  const seen = new Set<Name>();
  for (const { entries: names } of stack) {
    for (const name of names.keys()) {
      if (seen.has(name)) continue;
      seen.add(name);
      const node = mergeName(stack, name, joinPath(path, name), depth, outcome);
      if (node) entries.set(name, node);
    }
  }
  const [topmost] = stack;
  return outcome.directory(topmost as Directory, entries, closed);
}

function mergeName(
  stack: readonly Directory[],
  name: Name,
  path: Name,
  depth: number,
  outcome: Outcome,
): TreeNode | undefined {
  const directories: Directory[] = [];
  let closed = false;
  for (const layer of stack) {
    const node = layer.entries.get(name);
    if (node === undefined) continue;
    checkSupported(node, path, outcome.options);
    const hides = hidesName(node, outcome.options);
    if (node.kind === "directory" && !hides) {
      directories.push(node);
      closed = isOpaque(node, outcome.options);
      if (closed) break;
      continue;
    }
    if (directories.length === 0) return hides ? outcome.whiteout(node) : outcome.finish(node);
    closed = true;
    break;
  }
  return mergeDirectories(directories, closed, path, depth + 1, outcome);
}

function checkSupported(node: TreeNode, path: Name, options: OverlayOptions): void {
  for (const marker of ["redirect", "metacopy"]) {
    if (findXattr(node, options, marker) === undefined) continue;
    throw new TreeError("UNSUPPORTED_NODE", `has the overlayfs marker "${marker}", which refers to another place`, {
      path: nameToText(path),
    });
  }
}

function findXattr(node: TreeNode, { xattrPrefix = defaultPrefix }: OverlayOptions, marker: string) {
  if (node.xattrs.length === 0) return undefined;
  const name = nameFromText(xattrPrefix + marker);
  return node.xattrs.find((xattr) => xattr.name === name)?.value;
}

/** Xattrs as the mount shows them. */
function visibleXattrs(node: TreeNode, { xattrPrefix = defaultPrefix }: OverlayOptions): readonly Xattr[] {
  const prefix = nameFromText(xattrPrefix);
  if (!node.xattrs.some(({ name }) => name.startsWith(prefix))) return node.xattrs;
  const escaped = `${prefix}overlay.`;
  const visible = node.xattrs.flatMap(({ name, value }) => {
    if (!name.startsWith(prefix)) return [{ name, value }];
    return name.startsWith(escaped) ? [{ name: `${prefix}${name.slice(escaped.length)}` as Name, value }] : [];
  });
  return sortXattrs(visible);
}
