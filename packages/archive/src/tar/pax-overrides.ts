import { type Name, nameFromBytes, nameFromText, sortXattrs, type Xattr } from "@sextant/tree";
import { ArchiveError } from "../errors.js";
import { type Acl, aclXattrs, parseAcl } from "./acl.js";
import type { PaxRecords } from "./pax.js";
import { parseDecimal, parseTime } from "./pax.js";
import type { SparsePart } from "./sparse.js";

/** What pax records say about a member; undefined where they say nothing. */
export interface PaxOverrides {
  readonly path?: Name | undefined;
  readonly linkPath?: Name | undefined;
  readonly size?: number | undefined;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  readonly mtime?: { readonly mtimeSeconds: number; readonly mtimeNanoseconds: number } | undefined;
  readonly major?: number | undefined;
  readonly minor?: number | undefined;
  readonly xattrs: readonly Xattr[];
  /** Mode bits that an access ACL sets. */
  readonly aclMode?: number | undefined;
  readonly sparse?: PaxSparse | undefined;
  /** Keys of attributes that could not be taken. */
  readonly ignored: readonly Name[];
}

/** A sparse file in one of GNU's pax forms (GNU tar manual, "Storing Sparse Files"). */
export interface PaxSparse {
  /** The map is in records in form 0.0 and 0.1; in 1.0 it stands before the data. */
  readonly parts: readonly SparsePart[] | undefined;
  readonly size: number;
}

const schilyXattr = "SCHILY.xattr.";
const libarchiveXattr = "LIBARCHIVE.xattr.";

/** Keys that say nothing about what a tree holds: other times, names of owners, how the archive was made. */
const immaterial = new Set(
  [
    "atime",
    "ctime",
    "comment",
    "uname",
    "gname",
    "charset",
    "hdrcharset",
    "SCHILY.ino",
    "SCHILY.dev",
    "SCHILY.nlink",
  ].concat(["SCHILY.fflags", "SCHILY.filetype", "SCHILY.realsize", "SCHILY.offset", "LIBARCHIVE.creationtime"]),
);

/** Reads records; of equal keys the last counts, and an empty value takes back what was said. `offset` is for errors. */
export function readOverrides(records: PaxRecords, offset: number): PaxOverrides {
  const last = new Map<string, Uint8Array>();
  const xattrs: Xattr[] = [];
  const encoded: Xattr[] = [];
  const ignored: Name[] = [];
  for (const [key, value] of records) {
    if (key.startsWith(schilyXattr)) {
      xattrs.push({ name: unescapeKey(key.slice(schilyXattr.length)), value: value.slice() });
    } else if (key.startsWith(libarchiveXattr)) {
      encoded.push({ name: unescapeKey(key.slice(libarchiveXattr.length)), value: fromBase64(value, offset) });
    } else if (value.length === 0) {
      last.delete(key);
    } else {
      last.set(key, value);
    }
  }
  for (const key of last.keys()) if (!isKnown(key)) ignored.push(key as Name);
  const text = (key: string) => (last.has(key) ? nameFromBytes(last.get(key) as Uint8Array) : undefined);
  const number = (key: string) =>
    last.has(key) ? parseDecimal(last.get(key) as Uint8Array, `tar.pax.${key}`, offset) : undefined;
  const mtime = last.get("mtime");
  const acls = readAcls(last, ignored);
  const selinux = text("RHT.security.selinux");
  return {
    path: text("GNU.sparse.name") ?? text("path"),
    linkPath: text("linkpath"),
    size: number("size"),
    uid: number("uid"),
    gid: number("gid"),
    mtime: mtime && parseTime(mtime, "tar.pax.mtime", offset),
    major: number("SCHILY.devmajor"),
    minor: number("SCHILY.devminor"),
    // Both forms of an xattr say the same; the plain one comes later here and wins.
    xattrs: sortXattrs([...acls.xattrs, ...(selinux === undefined ? [] : [label(selinux)]), ...encoded, ...xattrs]),
    aclMode: acls.mode,
    sparse: readSparse(last, records, number, offset),
    ignored,
  };
}

function isKnown(key: string): boolean {
  const known = ["path", "linkpath", "size", "uid", "gid", "mtime", "SCHILY.devmajor", "SCHILY.devminor"];
  return (
    known.includes(key) ||
    immaterial.has(key) ||
    aclXattrs.has(key) ||
    key === "RHT.security.selinux" ||
    key.startsWith("GNU.sparse.")
  );
}

/** A label as the kernel keeps it: with a NUL at its end, as libselinux writes it. */
function label(text: Name): Xattr {
  return { name: nameFromText("security.selinux"), value: Uint8Array.from(`${text}\0`, (char) => char.charCodeAt(0)) };
}

function readAcls(
  last: ReadonlyMap<string, Uint8Array>,
  ignored: Name[],
): { xattrs: Xattr[]; mode: number | undefined } {
  const xattrs: Xattr[] = [];
  let mode: number | undefined;
  for (const [key, name] of aclXattrs) {
    const value = last.get(key);
    if (value === undefined) continue;
    const acl: Acl | undefined = parseAcl(nameFromBytes(value));
    if (!acl) {
      ignored.push(key as Name);
      continue;
    }
    xattrs.push({ name, value: acl.value });
    if (key === "SCHILY.acl.access") mode = acl.mode;
  }
  return { xattrs, mode };
}

function readSparse(
  last: ReadonlyMap<string, Uint8Array>,
  records: PaxRecords,
  number: (key: string) => number | undefined,
  offset: number,
): PaxSparse | undefined {
  const realSize = number("GNU.sparse.realsize");
  if (last.has("GNU.sparse.major")) {
    const [major, minor] = [number("GNU.sparse.major"), number("GNU.sparse.minor")];
    if (major !== 1 || minor !== 0 || realSize === undefined) {
      const context = { path: "tar.pax.GNU.sparse", offset };
      throw new ArchiveError("UNSUPPORTED_MEMBER", `the sparse form ${major}.${minor} is not known`, context);
    }
    return { parts: undefined, size: realSize };
  }
  const size = number("GNU.sparse.size") ?? realSize;
  if (size === undefined) return undefined;
  const map = last.get("GNU.sparse.map");
  const numbers = map === undefined ? numbersOf(records, offset) : numbersIn(map, offset);
  if (numbers.length % 2 !== 0) {
    throw new ArchiveError("MALFORMED_SPARSE", "the map has an offset without a length", {
      path: "tar.sparse",
      offset,
    });
  }
  const parts: SparsePart[] = [];
  for (let i = 0; i < numbers.length; i += 2) {
    parts.push({ offset: numbers[i] as number, length: numbers[i + 1] as number });
  }
  return { parts, size };
}

/** Form 0.0: a record for each offset and one for each length, in turn. */
function numbersOf(records: PaxRecords, offset: number): number[] {
  const numbers: number[] = [];
  for (const [key, value] of records) {
    if (key !== "GNU.sparse.offset" && key !== "GNU.sparse.numbytes") continue;
    const isOffset = key === "GNU.sparse.offset";
    if ((numbers.length % 2 === 0) !== isOffset) {
      const context = { path: "tar.sparse", offset };
      throw new ArchiveError("MALFORMED_SPARSE", "offsets and lengths do not come in turn", context);
    }
    numbers.push(parseDecimal(value, `tar.pax.${key}`, offset));
  }
  return numbers;
}

/** Form 0.1: all in one record, with commas between. */
function numbersIn(map: Uint8Array, offset: number): number[] {
  const numbers: number[] = [];
  for (let start = 0; start <= map.length; ) {
    const comma = map.indexOf(0x2c, start);
    const end = comma < 0 ? map.length : comma;
    numbers.push(parseDecimal(map.subarray(start, end), "tar.pax.GNU.sparse.map", offset));
    start = end + 1;
  }
  return numbers;
}

/** The first `=` ends a key: GNU tar writes `=` and `%` of an xattr's name as %3D and %25, libarchive more than these. */
const unescapeKey = (key: string) =>
  key.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))) as Name;

/** An xattr's name as a pax key holds it. */
export const escapeKey = (name: Name) => name.replaceAll("%", "%25").replaceAll("=", "%3D");

function fromBase64(value: Uint8Array, offset: number): Uint8Array {
  try {
    return Uint8Array.from(atob(nameFromBytes(value).replace(/=+$/, "")), (char) => char.charCodeAt(0));
  } catch (cause) {
    const context = { path: "tar.pax.LIBARCHIVE.xattr", offset };
    throw new ArchiveError("MALFORMED_FIELD", "the value of an xattr is not base 64", context, { cause });
  }
}
