import { type Attributes, type Name, nameFromBytes } from "@sextant/tree";
import { blockBytes, starMagic, tarHeader, typeflags } from "./layout.js";
import { parseNumber } from "./number.js";

const { offsets } = tarHeader;
const checksumBytes = 8;

/** Fields of a header block that every member has, before any extended header is applied. */
export interface HeaderFields {
  readonly typeflag: string;
  readonly path: Name;
  readonly linkPath: Name;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtimeSeconds: number;
  readonly isGnu: boolean;
}

export type Owner = Pick<Attributes, "uid" | "gid">;

/** Whether all of a block is zero, as the two at an archive's end are. */
export function isZeroBlock(block: Uint8Array): boolean {
  for (let i = 0; i < blockBytes; i++) if (block[i] !== 0) return false;
  return true;
}

/** Whether the block's checksum is right, counting bytes as unsigned or, as some old programs did, as signed. */
export function hasValidChecksum(block: Uint8Array): boolean {
  let unsigned = 0;
  let signed = 0;
  for (let i = 0; i < blockBytes; i++) {
    const byte = i >= offsets.checksum && i < offsets.checksum + checksumBytes ? 0x20 : (block[i] as number);
    unsigned += byte;
    signed += byte < 0x80 ? byte : byte - 0x100;
  }
  const stated = octalText(block, offsets.checksum, checksumBytes);
  return stated === unsigned || (stated === signed && signed >= 0);
}

function octalText(block: Uint8Array, at: number, bytes: number): number | undefined {
  const match = /^[ \0]*([0-7]+)[ \0]*$/.exec(String.fromCharCode(...block.subarray(at, at + bytes)));
  return match?.[1] === undefined ? undefined : Number.parseInt(match[1], 8);
}

/** Bytes of a field up to its first NUL. */
function text(block: Uint8Array, at: number, bytes: number): Name {
  let end = at;
  while (end < at + bytes && block[end] !== 0) end++;
  return nameFromBytes(block.subarray(at, end));
}

/** A number of a header block. Throws `ArchiveError`. */
export function numberAt(block: Uint8Array, at: number, bytes: number, path: string, base: number): number {
  return parseNumber(block.subarray(at, at + bytes), `tar.header.${path}`, base + at);
}

/** Decodes a header block whose checksum is right; `base` is its offset. Throws `ArchiveError`. */
export function decodeHeader(block: Uint8Array, base: number): HeaderFields {
  const magic = text(block, offsets.magic, 6);
  const flag = text(block, offsets.typeflag, 1);
  return {
    typeflag: flag === "" ? typeflags.file : flag,
    path: pathOf(block, magic),
    linkPath: text(block, offsets.linkname, 100),
    mode: numberAt(block, offsets.mode, 8, "mode", base) & 0o7777,
    uid: numberAt(block, offsets.uid, 8, "uid", base),
    gid: numberAt(block, offsets.gid, 8, "gid", base),
    size: numberAt(block, offsets.size, 12, "size", base),
    mtimeSeconds: numberAt(block, offsets.mtime, 12, "mtime", base),
    isGnu: magic === "ustar ",
  };
}

function pathOf(block: Uint8Array, magic: string): Name {
  const name = text(block, offsets.name, 100);
  // GNU headers have other things where POSIX has the prefix, v7 ones nothing.
  if (magic !== "ustar") return name;
  const isStar = nameFromBytes(block.subarray(starMagic.at, starMagic.at + 4)) === "tar\0";
  const prefix = text(block, offsets.prefix, isStar ? starMagic.prefixBytes : 155);
  return prefix === "" ? name : (`${prefix}/${name}` as Name);
}

/** Device numbers; only headers of devices have them for sure. Throws `ArchiveError`. */
export function decodeDevice(block: Uint8Array, base: number): { readonly major: number; readonly minor: number } {
  return {
    major: numberAt(block, offsets.devmajor, 8, "devmajor", base),
    minor: numberAt(block, offsets.devminor, 8, "devminor", base),
  };
}
