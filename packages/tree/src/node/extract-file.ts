import { ftruncateSync, writeSync } from "node:fs";
import { TreeError } from "../errors.js";
import { addDataExtents } from "../extents.js";
import { type Name, nameToText } from "../name.js";
import type { Extent, FileContent } from "../types.js";

/** Largest piece of a file in memory, a multiple of `holeBytes`. */
const stepBytes = 1 << 20;

/**
 * Writes a content into an empty file and leaves holes where it has none: what is known of them, and with `findZeros`
 * every block of zeros. Gives the bytes of data written. Throws `TreeError` `MALFORMED_TREE` for extents that lie.
 */
export async function writeContent(fd: number, content: FileContent, path: Name, findZeros: boolean): Promise<number> {
  const { size } = content;
  if (!Number.isSafeInteger(size) || size < 0) {
    throw new TreeError("MALFORMED_TREE", `the file claims a size of ${size} bytes`, { path: nameToText(path) });
  }
  if (size === 0) return 0;
  const source = content.open();
  let written = 0;
  let end = 0;
  for (const extent of checkedExtents(content, path)) {
    for (let at = extent.start; at < extent.end; at += stepBytes) {
      const to = Math.min(extent.end, at + stepBytes);
      const bytes = await source.read(at, to);
      if (bytes.length !== to - at) throw cut(path, at, to - at, bytes.length);
      for (const part of findZeros ? dataOf(bytes) : [{ start: 0, end: bytes.length }]) {
        writeAll(fd, bytes.subarray(part.start, part.end), at + part.start);
        written += part.end - part.start;
        end = at + part.end;
      }
    }
  }
  if (end < size) ftruncateSync(fd, size);
  return written;
}

const cut = (path: Name, offset: number, wanted: number, came: number) =>
  new TreeError("MISMATCH_CHANGED", `the content gave ${came} bytes where ${wanted} were asked for`, {
    path: nameToText(path),
    offset,
  });

function dataOf(bytes: Uint8Array): Extent[] {
  const extents: Extent[] = [];
  addDataExtents(bytes, 0, extents);
  return extents;
}

function checkedExtents({ size, extents }: FileContent, path: Name): readonly Extent[] {
  if (extents === undefined) return [{ start: 0, end: size }];
  let at = 0;
  for (const { start, end } of extents) {
    if (!(start >= at && end >= start && end <= size)) {
      const message = `the data [${start}, ${end}) is out of order, or outside of a file of ${size} bytes`;
      throw new TreeError("MALFORMED_TREE", message, { path: nameToText(path) });
    }
    at = end;
  }
  return extents;
}

function writeAll(fd: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(fd, bytes, done, bytes.length - done, position + done);
  }
}
