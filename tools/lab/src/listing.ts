import { toHex } from "@sextant/bytes";
import { parseXattrs } from "@sextant/testkit";
import { type Name, type NodeKind, nameFromBytes, nameToText, type Xattr } from "@sextant/tree";

/** What the guest's tools print about a mounted tree, as it came. */
export interface Printed {
  /** Of `stat` with `statFormat`, for each path below `.` and that one. */
  readonly stat: Uint8Array;
  /** Of `sha256sum`, for the regular files in the same order. */
  readonly digests: Uint8Array;
  /** Of `getfattr --dump --encoding=hex`. */
  readonly xattrs: Uint8Array;
}

/**
 * For the `stat` of busybox. A path has no two slashes in a row, so they end it, whatever else is in it; `%N` repeats it,
 * with the target of a symlink, whose length `%s` tells.
 */
export const statFormat = "%f %u %g %s %h %i %t %T %Y %y//%n//%N//";

interface Entry {
  readonly path: Name;
  readonly kind: NodeKind;
  readonly mode: number;
  readonly uid: string;
  readonly gid: string;
  readonly time: string;
  readonly nlink: string;
  readonly inode: string;
  readonly size: number;
  readonly device: string;
  readonly target: Name;
}

const kinds: Readonly<Record<number, NodeKind>> = {
  1: "fifo",
  2: "character-device",
  4: "directory",
  6: "block-device",
  8: "file",
  10: "symlink",
  12: "socket",
};

const head =
  /(?<mode>[0-9a-f]+) (?<uid>\d+) (?<gid>\d+) (?<size>\d+) (?<nlink>\d+) (?<inode>\d+) (?<major>[0-9a-f]+) (?<minor>[0-9a-f]+) (?<seconds>-?\d+) [-0-9]+ [0-9:]+\.(?<nanoseconds>\d{9}) \+0000\/\//y;

function parseStat(output: Name): Entry[] {
  const entries: Entry[] = [];
  for (let at = 0; at < output.length; ) {
    head.lastIndex = at;
    const {
      mode = "",
      uid = "",
      gid = "",
      size = "",
      nlink = "",
      inode = "",
      ...rest
    } = head.exec(output)?.groups ?? {};
    const kind = kinds[Number.parseInt(mode, 16) >> 12];
    if (kind === undefined) throw new Error(`stat printed what is not understood: ${output.slice(at, at + 200)}`);
    const pathEnd = output.indexOf("//", head.lastIndex);
    const path = output.slice(head.lastIndex, pathEnd) as Name;
    // A symlink is 'PATH' -> 'TARGET' here, anything else PATH.
    const targetStart = pathEnd + 2 + path.length + "'' -> '".length;
    const target = kind === "symlink" ? output.slice(targetStart, targetStart + Number(size)) : "";
    at = kind === "symlink" ? targetStart + target.length + "'//\n".length : pathEnd + 2 + path.length + "//\n".length;
    const { major = "", minor = "", seconds = "", nanoseconds = "" } = rest;
    entries.push({
      ...{ path, kind, uid, gid, nlink, inode, target: target as Name },
      mode: Number.parseInt(mode, 16) & 0o7777,
      size: Number(size),
      time: `${seconds}.${nanoseconds}`,
      device: `${Number.parseInt(major, 16)}:${Number.parseInt(minor, 16)}`,
    });
  }
  return entries;
}

/** Digests by path; a file that could not be read has none. */
function parseDigests(output: Name, entries: readonly Entry[]): Map<Name, string> {
  const digests = new Map<Name, string>();
  let at = 0;
  for (const { path, kind } of entries) {
    if (kind !== "file" || !output.startsWith(`  ${path}\n`, at + 64)) continue;
    digests.set(path, output.slice(at, at + 64));
    at += 64 + 2 + path.length + 1;
  }
  return digests;
}

const showName = (name: Name) => nameToText(name).replaceAll(" ", "\\x20");
/** From the guest's `./a/b` to `/a/b`. */
const showPath = (path: Name) => (path === "." ? "/" : showName(path.slice(1) as Name));
/** Paths in this order of their strings are in the order of a walk: a slash comes before whatever a name may hold. */
const walkKey = (path: Name) => path.replaceAll("/", "\0");

function describeEntry(entry: Entry, first: Name, digest: string | undefined, xattrs: readonly Xattr[]): string {
  const { path, kind, mode, uid, gid, time, nlink, size, device, target } = entry;
  const fields = [
    showPath(path),
    kind,
    `mode=${mode.toString(8).padStart(4, "0")}`,
    `owner=${uid}:${gid}`,
    `time=${time}`,
  ];
  if (kind !== "directory") fields.push(`links=${nlink}`);
  if (first !== path) fields.push(`same=${showPath(first)}`);
  if (kind === "file") fields.push(`size=${size}`);
  if (kind === "file" && first === path) fields.push(`sha256=${digest ?? "unreadable"}`);
  if (kind === "symlink") fields.push(`target=${showName(target)}`);
  if (kind.endsWith("-device")) fields.push(`device=${device}`);
  for (const { name, value } of xattrs) fields.push(`xattr:${showName(name)}=0x${toHex(value)}`);
  return fields.join(" ");
}

/** The lines that `describeTree` of `@sextant/tree` gives for the same tree, out of what a guest printed. */
export function describePrinted({ stat, digests, xattrs }: Printed): string[] {
  const entries = parseStat(nameFromBytes(stat));
  const digestOf = parseDigests(nameFromBytes(digests), entries);
  const xattrsOf = parseXattrs(xattrs);
  const sorted = entries.map((entry) => ({ entry, key: walkKey(entry.path) })).sort((a, b) => (a.key < b.key ? -1 : 1));
  const firsts = new Map<string, Name>();
  return sorted.map(({ entry }) => {
    const { path, kind, inode } = entry;
    const first = kind === "directory" ? path : (firsts.get(inode) ?? path);
    firsts.set(inode, first);
    // getfattr prints paths below `.` without the `./`.
    const printed = path === "." ? path : (path.slice(2) as Name);
    return describeEntry(entry, first, digestOf.get(path), xattrsOf.get(printed) ?? []);
  });
}
