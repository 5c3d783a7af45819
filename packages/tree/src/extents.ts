import { readChunks } from "@sextant/bytes";
import type { Extent, FileContent } from "./types.js";

/** Smallest run of zeros that is worth a hole: a page, the block of nearly every file system. */
export const holeBytes = 4096;

/**
 * Reads a file once and finds what of it is data: the extents left when every aligned block of 4096 zero bytes is a hole.
 * For files whose holes nobody has told; the file system's own are cheaper to ask where it can be asked.
 */
export async function findExtents(content: FileContent): Promise<Extent[]> {
  const extents: Extent[] = [];
  let at = 0;
  for await (const bytes of readChunks(content.open())) {
    addDataExtents(bytes, at, extents);
    at += bytes.length;
  }
  return extents;
}

/** Adds the data of the bytes at this offset of a file, a multiple of 4096, to its extents so far. */
export function addDataExtents(bytes: Uint8Array, offset: number, extents: Extent[]): void {
  for (let at = 0; at < bytes.length; at += holeBytes) {
    const end = Math.min(bytes.length, at + holeBytes);
    if (isZero(bytes, at, end)) continue;
    const last = extents.at(-1);
    if (last?.end === offset + at) extents[extents.length - 1] = { start: last.start, end: offset + end };
    else extents.push({ start: offset + at, end: offset + end });
  }
}

/** Whether bytes `[start, end)` are all zero. Data is told by its first bytes; zeros are looked at four by four. */
function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  const aligned = (bytes.byteOffset + start) % 4 === 0 ? (end - start) >>> 2 : 0;
  if (aligned > 0) {
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset + start, aligned);
    for (let i = 0; i < aligned; i++) if (words[i] !== 0) return false;
  }
  for (let at = start + 4 * aligned; at < end; at++) if (bytes[at] !== 0) return false;
  return true;
}
