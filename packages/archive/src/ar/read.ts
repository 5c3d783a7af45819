import { type ByteSource, slice } from "@sextant/bytes";
import { type Name, nameFromBytes, nameToText } from "@sextant/tree";
import { ArchiveError, type ArchiveErrorCode } from "../errors.js";
import {
  arAlignment,
  arHeader,
  arMagic,
  bsdLongName,
  headerEnd,
  longNamesLimitBytes,
  longNamesTable,
  maxMembers,
  symbolTables,
} from "./layout.js";

/** A member of an ar archive. */
export interface ArMember {
  readonly name: Name;
  /** Of its header. */
  readonly offset: number;
  /** Its data, a part of the archive. */
  readonly data: ByteSource;
}

const fail = (code: ArchiveErrorCode, path: string, offset: number, what: string): never => {
  throw new ArchiveError(code, what, { path, offset });
};

/** The members of an ar archive in their order, with GNU long names resolved. Reads headers only. Throws `ArchiveError`. */
export async function readAr(source: ByteSource): Promise<ArMember[]> {
  const magic = await source.read(0, Math.min(source.size, arMagic.length));
  if (nameFromBytes(magic) !== arMagic) fail("MALFORMED_HEADER", "ar.magic", 0, "this is no ar archive");
  const members: ArMember[] = [];
  let longNames: Uint8Array | undefined;
  for (let at = arMagic.length; at < source.size; ) {
    const { name, size } = await readHeader(source, at);
    const start = at + arHeader.size;
    if (size > source.size - start) {
      fail("MALFORMED_TRUNCATED", "ar.data", start, `the member has ${size} bytes, ${source.size - start} are left`);
    }
    if (name === longNamesTable) {
      if (size > longNamesLimitBytes) fail("LIMIT_HEADER", "ar.longNames", at, `the table of names has ${size} bytes`);
      longNames = await source.read(start, start + size);
    } else if (!symbolTables.has(name)) {
      members.push({ name: resolveName(name, longNames, at), offset: at, data: slice(source, start, start + size) });
    }
    if (members.length > maxMembers) fail("LIMIT_ENTRIES", "ar", at, `there are more than ${maxMembers} members`);
    // The last member may lack its padding.
    at = start + size + (size % arAlignment);
  }
  return members;
}

async function readHeader(source: ByteSource, at: number): Promise<{ readonly name: Name; readonly size: number }> {
  if (arHeader.size > source.size - at) {
    fail("MALFORMED_TRUNCATED", "ar.header", at, `a header has ${arHeader.size} bytes, ${source.size - at} are left`);
  }
  const header = arHeader.decode(await source.read(at, at + arHeader.size), 0, at);
  if (header.end !== headerEnd) fail("MALFORMED_HEADER", "ar.header.end", at, "here is no header of an ar member");
  const size = header.size.trimEnd();
  if (!/^\d+$/.test(size)) fail("MALFORMED_FIELD", "ar.header.size", at, `"${nameToText(size as Name)}" is no size`);
  const name = header.name.trimEnd();
  if (name.startsWith(bsdLongName)) {
    fail("UNSUPPORTED_MEMBER", "ar.header.name", at, "the member has a long name of the BSD form");
  }
  return { name: name as Name, size: Number(size) };
}

/** GNU ends short names with a slash, and gives long ones as `/` and an offset in the table. */
function resolveName(name: Name, longNames: Uint8Array | undefined, offset: number): Name {
  const reference = /^\/(\d+)$/.exec(name)?.[1];
  if (reference === undefined) return (name.endsWith("/") ? name.slice(0, -1) : name) as Name;
  const start = Number(reference);
  const end = longNames?.indexOf(0x0a, start) ?? -1;
  if (longNames === undefined || end < 0) {
    return fail("MALFORMED_FIELD", "ar.header.name", offset, `the long name at ${start} is not in the table of names`);
  }
  return nameFromBytes(longNames.subarray(start, end)).replace(/\/$/, "") as Name;
}
