import type { ByteSource } from "@sextant/bytes";
import { type FileContent, type Name, nameToText } from "@sextant/tree";
import { ArchiveError } from "../errors.js";
import { checkData } from "./data.js";
import { numberAt } from "./header.js";
import {
  blockBytes,
  gnuFields,
  gnuSparseBlock,
  gnuSparseEntryBytes,
  numberBytes,
  sparseLimitEntries,
} from "./layout.js";
import type { Said } from "./member.js";
import type { PaxSparse } from "./pax-overrides.js";
import { checkSparseMap, type SparsePart, sparseContent } from "./sparse.js";

/** Entries of an old GNU map; a length of zero ends it. */
function readEntries(block: Uint8Array, at: number, count: number, base: number, parts: SparsePart[]): void {
  for (let i = 0; i < count; i++) {
    const start = at + i * gnuSparseEntryBytes;
    if (block[start + numberBytes] === 0) return;
    parts.push({
      offset: numberAt(block, start, numberBytes, "sparse.offset", base),
      length: numberAt(block, start + numberBytes, numberBytes, "sparse.length", base),
    });
  }
}

/** A sparse file of type `S`: the map is in the header and, if that is full, in blocks behind it. */
export async function gnuSparse(
  source: ByteSource,
  { block, offset }: Said,
  stored: number,
  member: Name,
): Promise<{ readonly content: FileContent; readonly end: number }> {
  const parts: SparsePart[] = [];
  readEntries(block, gnuFields.sparse, gnuFields.sparseEntries, offset, parts);
  let at = offset + blockBytes;
  for (let isExtended = block[gnuFields.isExtended] !== 0; isExtended; at += blockBytes) {
    checkData(source, at, blockBytes, member);
    const more = await source.read(at, at + blockBytes);
    readEntries(more, 0, gnuSparseBlock.entries, at, parts);
    checkCount(parts.length, offset);
    isExtended = more[gnuSparseBlock.isExtended] !== 0;
  }
  const size = numberAt(block, gnuFields.realSize, numberBytes, "realsize", offset);
  checkData(source, at, stored, member);
  const checked = checkSparseMap(parts, size, stored, offset);
  const content = sparseContent(source, at, size, checked);
  return { content, end: at + Math.ceil(stored / blockBytes) * blockBytes };
}

function checkCount(count: number, offset: number): void {
  if (count <= sparseLimitEntries) return;
  const what = `a sparse file has more than ${sparseLimitEntries} parts`;
  throw new ArchiveError("LIMIT_ENTRIES", what, { path: "tar.sparse", offset });
}

/** A sparse file of one of the pax forms. */
export async function paxSparse(
  source: ByteSource,
  sparse: PaxSparse,
  start: number,
  stored: number,
  member: Name,
): Promise<FileContent> {
  const map = sparse.parts ? { parts: sparse.parts, bytes: 0 } : await readMap(source, start, stored, member);
  const parts = checkSparseMap(map.parts, sparse.size, stored - map.bytes, start);
  return sparseContent(source, start + map.bytes, sparse.size, parts);
}

const newline = 0x0a;
const mapStepBytes = 64 * 1024;

/**
 * The map of form 1.0: decimal numbers, a line each, in whole blocks before the data; how many parts, then an offset and a
 * length of each.
 */
async function readMap(
  source: ByteSource,
  start: number,
  stored: number,
  member: Name,
): Promise<{ readonly parts: readonly SparsePart[]; readonly bytes: number }> {
  const fail = (what: string, at: number): never => {
    throw new ArchiveError("MALFORMED_SPARSE", what, {
      path: "tar.sparse",
      offset: start + at,
      member: nameToText(member),
    });
  };
  const numbers: number[] = [];
  let wanted = 1;
  let value = 0;
  let digits = 0;
  for (let step = 0; step < stored; step += mapStepBytes) {
    const bytes = await source.read(start + step, start + Math.min(stored, step + mapStepBytes));
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i] as number;
      if (byte !== newline) {
        value = value * 10 + byte - 0x30;
        if (byte < 0x30 || byte > 0x39 || ++digits > 15) fail("the map has a line that is no number", step + i);
        continue;
      }
      if (digits === 0) fail("the map has an empty line", step + i);
      numbers.push(value);
      if (numbers.length === 1) {
        checkCount(value, start);
        wanted = 1 + 2 * value;
      }
      value = 0;
      digits = 0;
      if (numbers.length < wanted) continue;
      const parts = Array.from({ length: (wanted - 1) / 2 }, (_, part) => ({
        offset: numbers[1 + 2 * part] as number,
        length: numbers[2 + 2 * part] as number,
      }));
      const mapBytes = Math.ceil((step + i + 1) / blockBytes) * blockBytes;
      if (mapBytes > stored) fail("the map goes on beyond the member", step + i);
      return { parts, bytes: mapBytes };
    }
  }
  return fail("the map ends before its last part", stored);
}
