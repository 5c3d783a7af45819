import { type ByteSource, equalBytes, toHex } from "@sextant/bytes";
import { compareNames, type Directory, type LazyNode, type Name, nameToText, type Xattr } from "@sextant/tree";
import { type FlatEntry, type FlatTree, flattenDirectory, flattenLazy, flattenTree } from "./flatten.js";

/** What a comparison may leave out. `nanoseconds`: times are compared by whole seconds. `root`: the root's attributes. */
export type CompareField =
  | "mode"
  | "owner"
  | "mtime"
  | "nanoseconds"
  | "xattrs"
  | "links"
  | "content"
  | "device"
  | "root";

export interface CompareOptions {
  readonly ignore?: readonly CompareField[];
  /** Xattrs of these names are left out on both sides, for example `security.selinux`. */
  readonly ignoreXattr?: (name: Name) => boolean;
}

/** Reads step by step, so that large files cost no memory. */
async function firstDifference(a: ByteSource, b: ByteSource): Promise<number | undefined> {
  const step = 1 << 20;
  for (let at = 0; at < a.size; at += step) {
    const end = Math.min(a.size, at + step);
    const [left, right] = await Promise.all([a.read(at, end), b.read(at, end)]);
    if (!equalBytes(left, right)) return at + left.findIndex((byte, index) => byte !== right[index]);
  }
  return undefined;
}

function xattrText(xattrs: readonly Xattr[], options: CompareOptions): string {
  const kept = xattrs.filter(({ name }) => !options.ignoreXattr?.(name));
  return kept.map(({ name, value }) => `${nameToText(name)}=0x${toHex(value)}`).join(" ") || "none";
}

function timeText({ mtimeSeconds, mtimeNanoseconds }: FlatEntry, ignored: ReadonlySet<CompareField>): string {
  return ignored.has("nanoseconds")
    ? `${mtimeSeconds} s`
    : `${mtimeSeconds} s ${String(mtimeNanoseconds).padStart(9, "0")} ns`;
}

/** Each property as text, so that a difference can be told as it was found. */
function properties(entry: FlatEntry, options: CompareOptions, ignored: ReadonlySet<CompareField>) {
  const { mode, uid, gid, device, target, size, xattrs } = entry;
  const all: [CompareField, string, string][] = [
    ["mode", "mode", `0${mode.toString(8)}`],
    ["owner", "owner", `${uid}:${gid}`],
    ["mtime", "mtime", timeText(entry, ignored)],
    ["xattrs", "xattrs", xattrText(xattrs, options)],
    ["device", "device", device === undefined ? "none" : `${device.major}:${device.minor}`],
    ["content", "target", target === undefined ? "none" : nameToText(target)],
    ["content", "size", size === undefined ? "none" : String(size)],
  ];
  return all.filter(([field]) => !ignored.has(field)).map(([, label, text]) => [label, text] as const);
}

/** For each path the first path, in byte order, that is the same inode, and how many there are. */
function linkGroups(flat: FlatTree): Map<Name, { readonly first: Name; readonly count: number }> {
  const names = new Map<unknown, Name[]>();
  for (const path of [...flat.keys()].sort(compareNames)) {
    const { id } = flat.get(path) as FlatEntry;
    const group = names.get(id);
    if (group) group.push(path);
    else names.set(id, [path]);
  }
  const groups = new Map<Name, { first: Name; count: number }>();
  for (const group of names.values()) {
    for (const path of group) groups.set(path, { first: group[0] as Name, count: group.length });
  }
  return groups;
}

function compareLinks(expected: FlatTree, actual: FlatTree): string[] {
  const differences: string[] = [];
  const [wanted, found] = [linkGroups(expected), linkGroups(actual)];
  for (const [path, group] of wanted) {
    const other = found.get(path);
    if (other === undefined) continue;
    if (other.first !== group.first) {
      const [is, not] = [nameToText(other.first), nameToText(group.first)];
      differences.push(`${nameToText(path)}: is the same inode as ${is}, not as ${not}`);
    }
    const stated = actual.get(path)?.nlink;
    if (stated !== undefined && stated !== group.count) {
      differences.push(`${nameToText(path)}: link count is ${stated}, not ${group.count}`);
    }
  }
  return differences;
}

async function compareContent(path: string, wanted: FlatEntry, found: FlatEntry): Promise<string[]> {
  const { withContent: open } = wanted;
  const { withContent: openOther } = found;
  if (!open || !openOther || wanted.size !== found.size) return [];
  const at = await open((a) => openOther((b) => firstDifference(a, b)));
  return at === undefined ? [] : [`${path}: content differs from byte ${at} on`];
}

async function compareFlat(expected: FlatTree, actual: FlatTree, options: CompareOptions): Promise<string[]> {
  const ignored: ReadonlySet<CompareField> = new Set(options.ignore);
  const differences: string[] = [];
  for (const path of [...expected.keys()].sort(compareNames)) {
    const wanted = expected.get(path) as FlatEntry;
    const found = actual.get(path);
    const text = nameToText(path);
    if (found === undefined) {
      differences.push(`${text}: missing`);
      continue;
    }
    if (found.kind !== wanted.kind) {
      differences.push(`${text}: is a ${found.kind}, not a ${wanted.kind}`);
      continue;
    }
    if (path === "." && ignored.has("root")) continue;
    const theirs = properties(found, options, ignored);
    for (const [index, [label, value]] of properties(wanted, options, ignored).entries()) {
      const other = theirs[index]?.[1];
      if (other !== value) differences.push(`${text}: ${label} is ${other}, not ${value}`);
    }
    if (!ignored.has("content")) differences.push(...(await compareContent(text, wanted, found)));
  }
  for (const path of actual.keys()) if (!expected.has(path)) differences.push(`${nameToText(path)}: unexpected`);
  if (!ignored.has("links")) differences.push(...compareLinks(expected, actual));
  return differences;
}

const flatten = async (tree: Directory | LazyNode) => ("lookup" in tree ? flattenLazy(tree) : flattenTree(tree));

/** Everything in which two trees differ, a sentence each, `expected`'s value last; empty where they are the same. */
export async function compareTrees(
  expected: Directory | LazyNode,
  actual: Directory | LazyNode,
  options: CompareOptions = {},
): Promise<string[]> {
  return compareFlat(await flatten(expected), await flatten(actual), options);
}

/**
 * Everything in which a directory of this machine, for example a mounted image, differs from the tree that it should be:
 * content, owners, modes, times, xattrs, hard links, link counts, devices. Needs the peer `getfattr`, and root to see all xattrs.
 */
export async function compareTreeWithDirectory(
  tree: Directory | LazyNode,
  folder: string,
  options: CompareOptions = {},
): Promise<string[]> {
  return compareFlat(await flatten(tree), await flattenDirectory(folder), options);
}
