import { type ByteSource, checkRange } from "@sextant/bytes";
import type { Extent, FileContent } from "@sextant/tree";
import { ArchiveError } from "../errors.js";
import { sparseLimitEntries } from "./layout.js";

/** A part of a sparse file that the archive holds; it lies in the archive right behind the one before. */
export interface SparsePart {
  /** Where it belongs in the file. */
  readonly offset: number;
  readonly length: number;
}

/**
 * Checks a sparse file's map: parts in order and apart, within the file, and as long as what is stored. Returns the parts that
 * hold something. Throws `ArchiveError` `MALFORMED_SPARSE`.
 */
export function checkSparseMap(
  parts: readonly SparsePart[],
  fileBytes: number,
  storedBytes: number,
  offset: number,
): SparsePart[] {
  const fail = (what: string): never => {
    throw new ArchiveError("MALFORMED_SPARSE", what, { path: "tar.sparse", offset });
  };
  if (parts.length > sparseLimitEntries) {
    const context = { path: "tar.sparse", offset };
    throw new ArchiveError("LIMIT_ENTRIES", `a sparse file has more than ${sparseLimitEntries} parts`, context);
  }
  if (fileBytes < 0) fail(`the file has ${fileBytes} bytes`);
  let end = 0;
  let total = 0;
  for (const part of parts) {
    if (part.length < 0) fail(`a part has ${part.length} bytes`);
    if (part.offset < end) fail(`a part at ${part.offset} lies before the end of the one before, at ${end}`);
    end = part.offset + part.length;
    total += part.length;
    if (end > fileBytes) fail(`a part ends at ${end}, behind the end of the file at ${fileBytes}`);
  }
  if (total !== storedBytes) fail(`the parts have ${total} bytes, ${storedBytes} are stored`);
  return parts.filter(({ length }) => length > 0);
}

/** The content of a sparse file whose parts are stored one behind another from `dataStart`. */
export function sparseContent(
  source: ByteSource,
  dataStart: number,
  size: number,
  parts: readonly SparsePart[],
): FileContent {
  const starts: number[] = [];
  let stored = dataStart;
  for (const { length } of parts) {
    starts.push(stored);
    stored += length;
  }
  return {
    size,
    extents: joined(parts),
    open: () => {
      const file: ByteSource = {
        size,
        name: source.name,
        async read(start, end) {
          checkRange(file, start, end);
          const first = firstBehind(parts, start);
          const only = parts[first];
          if (only && only.offset <= start && end <= only.offset + only.length) {
            const from = (starts[first] as number) + start - only.offset;
            return source.read(from, from + end - start);
          }
          const bytes = new Uint8Array(end - start);
          for (let i = first; i < parts.length; i++) {
            const { offset, length } = parts[i] as SparsePart;
            const from = Math.max(start, offset);
            const to = Math.min(end, offset + length);
            if (from >= to) break;
            const at = (starts[i] as number) + from - offset;
            bytes.set(await source.read(at, at + to - from), from - start);
          }
          return bytes;
        },
      };
      return file;
    },
  };
}

/** Index of the first part that ends behind `position`. */
function firstBehind(parts: readonly SparsePart[], position: number): number {
  let low = 0;
  let high = parts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const { offset, length } = parts[middle] as SparsePart;
    if (offset + length > position) high = middle;
    else low = middle + 1;
  }
  return low;
}

function joined(parts: readonly SparsePart[]): Extent[] {
  const extents: Extent[] = [];
  for (const { offset, length } of parts) {
    const last = extents.at(-1);
    if (last?.end === offset) extents[extents.length - 1] = { start: last.start, end: offset + length };
    else extents.push({ start: offset, end: offset + length });
  }
  return extents;
}
