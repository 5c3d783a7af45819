import { type ByteSource, cached } from "@sextant/bytes";
import { type Name, nameFromBytes, nameToText } from "@sextant/tree";
import { ArchiveError, type WarningHandler } from "../errors.js";
import { behind } from "./data.js";
import { decodeHeader, hasValidChecksum, isZeroBlock } from "./header.js";
import { blockBytes, defaultMaxMembers, longNameLimitBytes, paxLimitBytes, typeflags } from "./layout.js";
import { type Pending, readMember, type TarMember } from "./member.js";
import { parsePaxRecords } from "./pax.js";
import { readOverrides } from "./pax-overrides.js";

/** How the members of a tar archive are read. */
export interface TarMembersOptions {
  /** Goes on behind the end of an archive, as `tar --ignore-zeros` does: for archives joined by `cat`. Default false. */
  readonly concatenated?: boolean | undefined;
  /** Most members. Default 2^22. */
  readonly maxMembers?: number | undefined;
  readonly onWarning?: WarningHandler | undefined;
}

/** Headers are read in pages, so that many small files cost one read; behind a large file one page is read for nothing. */
const pages = { pageBytes: 64 * 1024, pages: 4 };

const nothing = (): Pending => ({ records: [], path: undefined, linkPath: undefined });

const isExtended = (flag: string) => flag === typeflags.extended || flag === typeflags.solarisExtended;

/**
 * The members of an uncompressed tar archive in their order, as data: v7, ustar, GNU, star and pax, with extended headers
 * applied. File contents are parts of `source`, not read here. Reads the headers only, in pages of 64 KiB.
 * Throws `ArchiveError`.
 */
export async function* tarMembers(source: ByteSource, options: TarMembersOptions = {}): AsyncGenerator<TarMember> {
  const { maxMembers = defaultMaxMembers, onWarning = () => {} } = options;
  const headers = cached(source, pages);
  const globals = new Map<Name, Uint8Array>();
  let pending = nothing();
  let count = 0;
  let at = 0;
  for (;;) {
    const block = await nextHeader(headers, at, options, onWarning);
    if (block === undefined) break;
    at = block.offset;
    const header = decodeHeader(block.bytes, at);
    const { typeflag } = header;
    const dataStart = at + blockBytes;
    if (header.size < 0) throw fieldError("size", at, `the size is ${header.size}`);
    if (isExtended(typeflag) || typeflag === typeflags.global) {
      const bytes = await readHeaderData(source, dataStart, header.size, paxLimitBytes, "tar.pax");
      const records = parsePaxRecords(bytes, dataStart);
      if (typeflag === typeflags.global) for (const [key, value] of records) globals.set(key, value.slice());
      else pending.records = [...pending.records, ...records];
      at = behind(dataStart, header.size);
    } else if (typeflag === typeflags.gnuLongName || typeflag === typeflags.gnuLongLink) {
      const bytes = await readHeaderData(source, dataStart, header.size, longNameLimitBytes, "tar.longName");
      const end = bytes.indexOf(0);
      const name = nameFromBytes(end < 0 ? bytes : bytes.subarray(0, end));
      if (typeflag === typeflags.gnuLongName) pending.path = name;
      else pending.linkPath = name;
      at = behind(dataStart, header.size);
    } else if (ignoredTypes.has(typeflag)) {
      const message = `${ignoredTypes.get(typeflag)} is left out`;
      onWarning({ code: "IGNORED_MEMBER", message, member: nameToText(header.path), offset: at });
      pending = nothing();
      at = behind(dataStart, header.size);
    } else {
      if (++count > maxMembers) {
        throw new ArchiveError("LIMIT_ENTRIES", `there are more than ${maxMembers} members`, {
          path: "tar",
          offset: at,
        });
      }
      const records = globals.size === 0 ? pending.records : [...globals, ...pending.records];
      const said = { header, block: block.bytes, pending, pax: readOverrides(records, at), offset: at };
      const { member, end } = await readMember(source, headers, said, onWarning);
      yield member;
      pending = nothing();
      at = end;
    }
  }
}

/** Old GNU members that hold no file. */
const ignoredTypes: ReadonlyMap<string, string> = new Map([
  [typeflags.gnuDumpDirectory, "the list of a directory's names, from an incremental backup,"],
  [typeflags.gnuVolume, "the volume's label"],
  [typeflags.gnuOldNames, "a list of long names of GNU tar before 1.11"],
]);

function fieldError(path: string, offset: number, what: string): ArchiveError {
  return new ArchiveError("MALFORMED_FIELD", what, { path: `tar.header.${path}`, offset });
}

/** The next block that is a header; undefined at the archive's end. */
async function nextHeader(
  headers: ByteSource,
  start: number,
  options: TarMembersOptions,
  onWarning: WarningHandler,
): Promise<{ readonly bytes: Uint8Array; readonly offset: number } | undefined> {
  let zeros = 0;
  for (let at = start; ; at += blockBytes) {
    if (at + blockBytes > headers.size) {
      if (at < headers.size) await checkRest(headers, at);
      if (zeros < 2) onWarning({ code: "UNMARKED_END", message: "the end of the archive is not marked", offset: at });
      return undefined;
    }
    const bytes = await headers.read(at, at + blockBytes);
    if (isZeroBlock(bytes)) {
      zeros += 1;
      if (zeros === 2 && !options.concatenated) return undefined;
      continue;
    }
    if (zeros === 1 && !options.concatenated) {
      onWarning({
        code: "UNMARKED_END",
        message: "the end of the archive is marked by one block, not two",
        offset: at,
      });
      return undefined;
    }
    if (!hasValidChecksum(bytes)) {
      const [code, what] =
        at === 0
          ? (["MALFORMED_HEADER", "this is no tar archive: its first block has no valid checksum"] as const)
          : (["MISMATCH_CHECKSUM", "the checksum of a header differs"] as const);
      throw new ArchiveError(code, what, { path: "tar.header.checksum", offset: at });
    }
    return { bytes, offset: at };
  }
}

/** Less than a block is left: zeros are an end cut short, anything else a header cut short. */
async function checkRest(headers: ByteSource, at: number): Promise<void> {
  const rest = await headers.read(at, headers.size);
  if (rest.every((byte) => byte === 0)) return;
  throw new ArchiveError("MALFORMED_TRUNCATED", `a header has ${blockBytes} bytes, ${rest.length} are left`, {
    path: "tar.header",
    offset: at,
  });
}

async function readHeaderData(
  source: ByteSource,
  start: number,
  size: number,
  limit: number,
  path: string,
): Promise<Uint8Array> {
  const context = { path, offset: start };
  if (size > limit) {
    throw new ArchiveError("LIMIT_HEADER", `an extended header has ${size} bytes, more than ${limit}`, context);
  }
  if (size > source.size - start) {
    const what = `an extended header has ${size} bytes, ${Math.max(0, source.size - start)} are left`;
    throw new ArchiveError("MALFORMED_TRUNCATED", what, context);
  }
  return source.read(start, start + size);
}
