import type { ByteSource } from "@sextant/bytes";
import { type Attributes, type FileContent, type Name, nameToText } from "@sextant/tree";
import { plainContent } from "../content.js";
import { ArchiveError, type WarningHandler } from "../errors.js";
import { behind, checkData } from "./data.js";
import { decodeDevice, type HeaderFields, hasValidChecksum, isZeroBlock } from "./header.js";
import { blockBytes, typeflags } from "./layout.js";
import type { PaxRecords } from "./pax.js";
import type { PaxOverrides } from "./pax-overrides.js";
import { gnuSparse, paxSparse } from "./sparse-read.js";

/** What a member is; `hard-link` names an earlier one. */
export type TarMemberKind =
  | "file"
  | "directory"
  | "symlink"
  | "hard-link"
  | "character-device"
  | "block-device"
  | "fifo";

/** A member as its headers say, extended ones applied. */
export interface TarMember {
  readonly kind: TarMemberKind;
  /** As it stands there: it may start with a slash and end with one. */
  readonly path: Name;
  /** Target of a symlink or path of a hard link's other name; else empty. */
  readonly linkPath: Name;
  readonly attributes: Attributes;
  /** Of a file. */
  readonly content: FileContent | undefined;
  /** Of a device. */
  readonly device: { readonly major: number; readonly minor: number } | undefined;
  /** Of its header in the archive, behind extended ones. */
  readonly offset: number;
}

const largestId = 2 ** 32 - 1;

/** Headers that wait for the member that they are about. */
export interface Pending {
  records: PaxRecords;
  path: Name | undefined;
  linkPath: Name | undefined;
}

/** All that was said about a member. */
export interface Said {
  readonly header: HeaderFields;
  readonly block: Uint8Array;
  readonly pending: Pending;
  readonly pax: PaxOverrides;
  readonly offset: number;
}

const kinds: Readonly<Record<string, TarMemberKind>> = {
  [typeflags.file]: "file",
  [typeflags.contiguous]: "file",
  [typeflags.gnuSparse]: "file",
  [typeflags.link]: "hard-link",
  [typeflags.symlink]: "symlink",
  [typeflags.characterDevice]: "character-device",
  [typeflags.blockDevice]: "block-device",
  [typeflags.directory]: "directory",
  [typeflags.fifo]: "fifo",
};

/** Puts together what was said about a member. Throws `ArchiveError`. `end` is where the next header starts. */
export async function readMember(
  source: ByteSource,
  headers: ByteSource,
  said: Said,
  onWarning: WarningHandler,
): Promise<{ readonly member: TarMember; readonly end: number }> {
  const { header, pax, pending, offset } = said;
  const path = pax.path ?? pending.path ?? header.path;
  const warn = (code: "UNKNOWN_TYPE" | "IGNORED_ATTRIBUTE", message: string) =>
    onWarning({ code, message, member: nameToText(path), offset });
  if (header.typeflag === typeflags.gnuMultiVolume) {
    const what = "this is a part of a file that starts in another volume";
    throw new ArchiveError("UNSUPPORTED_MEMBER", what, {
      path: "tar.header.typeflag",
      offset,
      member: nameToText(path),
    });
  }
  let kind = kinds[header.typeflag];
  if (kind === undefined) {
    warn(
      "UNKNOWN_TYPE",
      `the member's type "${nameToText(header.typeflag as Name)}" is unknown, it is taken for a file`,
    );
    kind = "file";
  }
  if (kind === "file" && path.endsWith("/") && header.typeflag !== typeflags.gnuSparse) kind = "directory";
  if (pax.ignored.length > 0) warn("IGNORED_ATTRIBUTE", `left out: ${pax.ignored.map(nameToText).join(", ")}`);
  const { content, end } =
    kind === "file"
      ? await readContent(source, said, path)
      : { content: undefined, end: offset + blockBytes + (await dataBytes(headers, said)) };
  const isDevice = kind === "character-device" || kind === "block-device";
  return {
    member: {
      kind,
      path,
      linkPath:
        kind === "symlink" || kind === "hard-link"
          ? (pax.linkPath ?? pending.linkPath ?? header.linkPath)
          : ("" as Name),
      attributes: attributesOf(said, path),
      content,
      device: isDevice ? deviceOf(said, path) : undefined,
      offset,
    },
    end,
  };
}

function attributesOf({ header, pax, offset }: Said, member: Name): Attributes {
  const [uid, gid] = [pax.uid ?? header.uid, pax.gid ?? header.gid];
  for (const [path, id] of [
    ["uid", uid],
    ["gid", gid],
  ] as const) {
    if (id >= 0 && id <= largestId) continue;
    const context = { path: `tar.header.${path}`, offset, member: nameToText(member) };
    throw new ArchiveError("MALFORMED_FIELD", `${id} is no user or group`, context);
  }
  const mode = pax.aclMode === undefined ? header.mode : (header.mode & 0o7000) | pax.aclMode;
  const mtime = pax.mtime ?? { mtimeSeconds: header.mtimeSeconds, mtimeNanoseconds: 0 };
  return { mode, uid, gid, ...mtime, xattrs: pax.xattrs };
}

function deviceOf({ block, pax, offset }: Said, member: Name): { readonly major: number; readonly minor: number } {
  const stated = decodeDevice(block, offset);
  const [major, minor] = [pax.major ?? stated.major, pax.minor ?? stated.minor];
  if (major >= 0 && major < 1 << 12 && minor >= 0 && minor < 1 << 20) return { major, minor };
  const context = { path: "tar.header.devmajor", offset, member: nameToText(member) };
  throw new ArchiveError("MALFORMED_FIELD", `${major}:${minor} is no device number of Linux`, context);
}

/** What a file holds, and where the block behind it starts. */
async function readContent(
  source: ByteSource,
  said: Said,
  member: Name,
): Promise<{ readonly content: FileContent; readonly end: number }> {
  const { header, pax, offset } = said;
  const dataStart = offset + blockBytes;
  const stored = pax.size ?? header.size;
  if (header.typeflag === typeflags.gnuSparse) return gnuSparse(source, said, stored, member);
  checkData(source, dataStart, stored, member);
  const end = behind(dataStart, stored);
  if (pax.sparse) return { content: await paxSparse(source, pax.sparse, dataStart, stored, member), end };
  return { content: plainContent(source, dataStart, stored), end };
}

/**
 * Bytes between a member that is no file and the next header. POSIX lets only hard links have data, writers disagree on
 * whether a link's size means it, and old ones marked directories by a slash only: there is data unless what follows is
 * a header or the end.
 */
async function dataBytes(headers: ByteSource, { header, pax, offset }: Said): Promise<number> {
  const size = pax.size ?? header.size;
  const next = offset + blockBytes;
  if (size === 0 || next + blockBytes > headers.size) return 0;
  const block = await headers.read(next, next + blockBytes);
  return isZeroBlock(block) || hasValidChecksum(block) ? 0 : behind(0, size);
}
