import { type ByteSource, cached } from "@sextant/bytes";
import { type Name, nameFromBytes, nameToText } from "@sextant/tree";
import { ArchiveError, type WarningHandler } from "../errors.js";
import {
  aligned,
  type CpioFields,
  digits,
  type FieldName,
  fieldNames,
  headerBytes,
  magicBytes,
  magics,
  otherMagics,
  pathLimitBytes,
  trailerName,
} from "./layout.js";

/** A member of a cpio archive as its header says. */
export interface CpioMember {
  readonly fields: CpioFields;
  readonly path: Name;
  /** Of its header. */
  readonly offset: number;
  /** Of its data, which has `fields.filesize` bytes. */
  readonly dataStart: number;
  readonly hasChecksum: boolean;
}

/** Headers lie between files, mostly small ones. */
const pages = { pageBytes: 64 * 1024, pages: 4 };

/** Wraps a source whose headers are read next; one for all archives in it. */
export const headerSource = (source: ByteSource) => cached(source, pages);

/**
 * The members of the archive that starts at `start`, up to its trailer or the end of the source. Returns where it ends.
 * Throws `ArchiveError`.
 */
export async function* cpioMembers(
  headers: ByteSource,
  start: number,
  onWarning: WarningHandler,
): AsyncGenerator<CpioMember, number> {
  for (let at = start; ; ) {
    if (at >= headers.size) {
      onWarning({ code: "UNMARKED_END", message: "the end of the archive is not marked", offset: at });
      return headers.size;
    }
    const member = await readMember(headers, at);
    const end = member.dataStart + member.fields.filesize;
    if (member.path === trailerName) return Math.min(headers.size, aligned(end));
    if (end > headers.size) {
      const what = `the member has ${member.fields.filesize} bytes, ${headers.size - member.dataStart} are left`;
      throw new ArchiveError("MALFORMED_TRUNCATED", what, {
        path: "cpio.data",
        offset: member.dataStart,
        member: nameToText(member.path),
      });
    }
    yield member;
    at = aligned(end);
  }
}

async function readMember(headers: ByteSource, offset: number): Promise<CpioMember> {
  const head = await take(headers, offset, headerBytes, "cpio.header");
  const magic = nameFromBytes(head.subarray(0, magicBytes));
  if (magic !== magics.newc && magic !== magics.crc) throw notCpio(magic, offset);
  const fields = decodeFields(head, offset);
  const { namesize } = fields;
  if (namesize === 0 || namesize > pathLimitBytes) {
    const what = `the name has ${namesize} bytes; 1 to ${pathLimitBytes} are possible`;
    throw new ArchiveError("MALFORMED_FIELD", what, { path: "cpio.header.namesize", offset });
  }
  const nameAt = offset + headerBytes;
  const name = await take(headers, nameAt, namesize, "cpio.name");
  if (name[namesize - 1] !== 0) {
    throw new ArchiveError("MALFORMED_FIELD", "the name does not end with NUL", { path: "cpio.name", offset: nameAt });
  }
  return {
    fields,
    path: nameFromBytes(name.subarray(0, name.indexOf(0))),
    offset,
    // The last member may lack its padding.
    dataStart: Math.min(headers.size, aligned(nameAt + namesize)),
    hasChecksum: magic === magics.crc,
  };
}

async function take(headers: ByteSource, start: number, count: number, path: string): Promise<Uint8Array> {
  if (count <= headers.size - start) return headers.read(start, start + count);
  const what = `${path} has ${count} bytes, ${Math.max(0, headers.size - start)} are left`;
  throw new ArchiveError("MALFORMED_TRUNCATED", what, { path, offset: start });
}

function notCpio(magic: Name, offset: number): ArchiveError {
  const context = { path: "cpio.header.magic", offset };
  const other = otherMagics.get(magic);
  if (other !== undefined) return new ArchiveError("UNSUPPORTED_FORMAT", `the archive is in ${other} of cpio`, context);
  return new ArchiveError("MALFORMED_HEADER", `"${nameToText(magic)}" is no magic of a cpio header`, context);
}

function decodeFields(head: Uint8Array, offset: number): CpioFields {
  const fields: Partial<Record<FieldName, number>> = {};
  for (const [index, name] of fieldNames.entries()) {
    const at = magicBytes + index * digits;
    const text = nameFromBytes(head.subarray(at, at + digits));
    if (!/^[0-9A-Fa-f]{8}$/.test(text)) {
      const context = { path: `cpio.header.${name}`, offset: offset + at };
      throw new ArchiveError("MALFORMED_FIELD", `"${nameToText(text)}" is no number`, context);
    }
    fields[name] = Number.parseInt(text, 16);
  }
  return fields as CpioFields;
}
