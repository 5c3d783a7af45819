import { concatBytes } from "@sextant/bytes";
import { type Name, nameFromText, nameToBytes, type Xattr } from "@sextant/tree";
import { blockBytes, tarHeader, typeflags } from "./layout.js";
import { octal } from "./number.js";
import { paxRecord, showTime } from "./pax.js";
import { escapeKey } from "./pax-overrides.js";

/** What a member's headers are made of. */
export interface MemberFields {
  readonly path: Name;
  readonly typeflag: string;
  readonly linkPath?: Name;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  readonly xattrs: readonly Xattr[];
  /** Bytes of data behind the headers. */
  readonly size: number;
  /** Bytes of the file, where the data is a sparse one's map and parts. */
  readonly sparseSize?: number;
  readonly device?: { readonly major: number; readonly minor: number };
}

const nameBytes = 100;
const prefixBytes = 155;
const ustar = { magic: nameToBytes("ustar\0" as Name), version: nameToBytes("00" as Name) };
const emptyNumber = new Uint8Array(8);

/** A member's header block, behind a pax header if it needs one. */
export function memberHeaders(fields: MemberFields): Uint8Array {
  const records = recordsOf(fields);
  const block = headerBlock(fields);
  if (records.length === 0) return block;
  const data = concatBytes(records);
  const name = `./PaxHeaders/${lastName(fields.path)}`.slice(0, nameBytes) as Name;
  const about = { ...fields, path: name, typeflag: typeflags.extended, mode: 0o644, uid: 0, gid: 0, size: data.length };
  const { linkPath, device, sparseSize, ...extended } = about;
  return concatBytes([headerBlock(extended), data, new Uint8Array(-data.length & (blockBytes - 1)), block]);
}

const lastName = (path: Name) => path.replace(/\/$/, "").replace(/^.*\//s, "");

/** The pax records that say what the header block cannot, by key. */
function recordsOf(fields: MemberFields): Uint8Array[] {
  const { path, linkPath = "" as Name, uid, gid, mtimeSeconds, mtimeNanoseconds, size, sparseSize } = fields;
  const records = new Map<string, Uint8Array>();
  const put = (key: string, value: Name | string) => records.set(key, nameToBytes(value as Name));
  if (sparseSize !== undefined) {
    put("GNU.sparse.major", "1");
    put("GNU.sparse.minor", "0");
    put("GNU.sparse.name", path);
    put("GNU.sparse.realsize", String(sparseSize));
  } else if (splitName(path) === undefined) {
    put("path", path);
  }
  if (linkPath.length > nameBytes) put("linkpath", linkPath);
  if (octal(uid, 8) === undefined) put("uid", String(uid));
  if (octal(gid, 8) === undefined) put("gid", String(gid));
  if (octal(size, 12) === undefined) put("size", String(size));
  if (mtimeNanoseconds !== 0 || octal(mtimeSeconds, 12) === undefined) {
    put("mtime", showTime(mtimeSeconds, mtimeNanoseconds));
  }
  for (const { name, value } of fields.xattrs) records.set(`SCHILY.xattr.${escapeKey(name)}`, value);
  const texts = ["path", "linkpath", "GNU.sparse.name"].map((key) => records.get(key) ?? emptyNumber);
  // POSIX: names in records are UTF-8 unless this says that they are bytes.
  if (!texts.every(isUtf8)) put("hdrcharset", "BINARY");
  return [...records.entries()]
    .sort(([a], [b]) => order(a) - order(b) || (a < b ? -1 : 1))
    .map(([key, value]) => paxRecord(key as Name, value));
}

/** `hdrcharset` holds for the records behind it. */
const order = (key: string) => (key === "hdrcharset" ? 0 : 1);

const strict = new TextDecoder("utf-8", { fatal: true });

function isUtf8(bytes: Uint8Array): boolean {
  try {
    strict.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** A path as name and prefix of a ustar header; undefined where it does not fit. */
function splitName(path: Name): { readonly prefix: string; readonly name: string } | undefined {
  if (path.length <= nameBytes) return { prefix: "", name: path };
  // The first slash that leaves a short enough name; the last byte cannot be the one, or the name would be empty.
  const slash = path.indexOf("/", path.length - nameBytes - 1);
  if (slash <= 0 || slash > prefixBytes || slash === path.length - 1) return undefined;
  return { prefix: path.slice(0, slash), name: path.slice(slash + 1) };
}

function headerBlock(fields: MemberFields): Uint8Array {
  const { linkPath = "" as Name, device } = fields;
  // For readers that know no pax: as much as fits. A sparse file is not what its name says.
  const path = (fields.sparseSize === undefined ? fields.path : `./GNUSparseFile/${lastName(fields.path)}`) as Name;
  const { prefix, name } = splitName(path) ?? { prefix: "", name: path.slice(0, nameBytes) };
  const block = tarHeader.encode({
    name,
    mode: number(fields.mode, 8),
    uid: number(fields.uid, 8),
    gid: number(fields.gid, 8),
    size: number(fields.size, 12),
    mtime: number(fields.mtimeSeconds, 12),
    checksum: nameToBytes(nameFromText(" ".repeat(8))),
    typeflag: fields.typeflag,
    linkname: linkPath.slice(0, nameBytes),
    ...ustar,
    uname: "",
    gname: "",
    devmajor: device ? number(device.major, 8) : emptyNumber,
    devminor: device ? number(device.minor, 8) : emptyNumber,
    prefix,
    padding: new Uint8Array(12),
  });
  let sum = 0;
  for (const byte of block) sum += byte;
  // Six digits, NUL, space, as ever.
  block.set(octal(sum, 7) ?? emptyNumber, tarHeader.offsets.checksum);
  return block;
}

/** Octal where it fits; else zero, and a pax record says the number. */
const number = (value: number, bytes: number): Uint8Array => octal(value, bytes) ?? number(0, bytes);
