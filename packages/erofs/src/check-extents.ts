import type { ByteSource } from "@sextant/bytes";

/**
 * Who owns bytes of a device; `file` is the data of a file in one piece. Files may share chunks with each other, and all
 * of their data; inodes may share xattrs; nothing else may be shared.
 */
export type Owner = "metadata" | "shared xattr" | "data" | "chunk" | "file";

/** Bytes of a device that are in use, and by what. */
export interface OwnedRange {
  readonly source: ByteSource;
  readonly start: number;
  readonly end: number;
  readonly owner: Owner;
  /** Inode number, or id of a shared xattr; -1 for the superblock and the device table. */
  readonly of: number;
  /** Bytes of the whole file, if that is the owner. */
  readonly fileBytes?: number;
}

const owners: readonly Owner[] = ["metadata", "shared xattr", "data", "chunk", "file"];

/** Ranges in columns, 48 bytes each: an image may have millions. */
export interface Ranges {
  readonly sources: ByteSource[];
  readonly starts: number[];
  readonly ends: number[];
  readonly of: number[];
  readonly fileBytes: number[];
  /** Number of the source × number of owners + number of the owner. */
  readonly kinds: number[];
}

export function noRanges(): Ranges {
  return { sources: [], starts: [], ends: [], of: [], fileBytes: [], kinds: [] };
}

export function addRange(ranges: Ranges, { source, start, end, owner, of, fileBytes = 0 }: OwnedRange): void {
  if (start >= end) return;
  if (!ranges.sources.includes(source)) ranges.sources.push(source);
  ranges.starts.push(start);
  ranges.ends.push(end);
  ranges.of.push(of);
  ranges.fileBytes.push(fileBytes);
  ranges.kinds.push(ranges.sources.indexOf(source) * owners.length + owners.indexOf(owner));
}

const sourceOf = ({ kinds }: Ranges, index: number) => Math.floor((kinds[index] ?? 0) / owners.length);

function rangeAt(ranges: Ranges, index: number): OwnedRange {
  const source = ranges.sources[sourceOf(ranges, index)];
  const owner = owners[(ranges.kinds[index] ?? 0) % owners.length];
  if (source === undefined || owner === undefined) throw new RangeError(`there is no range ${index}`);
  return {
    source,
    owner,
    start: ranges.starts[index] ?? 0,
    end: ranges.ends[index] ?? 0,
    of: ranges.of[index] ?? 0,
    fileBytes: ranges.fileBytes[index] ?? 0,
  };
}

/** Each range that begins inside of one before it, with that one: of several the one that reaches furthest. */
export function* overlaps(ranges: Ranges): Generator<readonly [OwnedRange, OwnedRange]> {
  const { starts, ends } = ranges;
  const order = Uint32Array.from(starts.keys()).sort(
    (a, b) => sourceOf(ranges, a) - sourceOf(ranges, b) || (starts[a] ?? 0) - (starts[b] ?? 0) || a - b,
  );
  let furthest: number | undefined;
  for (const index of order) {
    if (furthest === undefined || sourceOf(ranges, furthest) !== sourceOf(ranges, index)) {
      furthest = index;
      continue;
    }
    if ((starts[index] ?? 0) < (ends[furthest] ?? 0)) {
      const [first, second] = [rangeAt(ranges, furthest), rangeAt(ranges, index)];
      if (!mayShare(first, second)) yield [first, second];
    }
    if ((ends[index] ?? 0) > (ends[furthest] ?? 0)) furthest = index;
  }
}

function mayShare(first: OwnedRange, second: OwnedRange): boolean {
  const both = new Set([first.owner, second.owner]);
  if (both.has("shared xattr")) return both.size === 1;
  if (both.has("chunk")) return both.size === 1 || both.has("file");
  const isWhole = first.start === second.start && first.end === second.end && first.fileBytes === second.fileBytes;
  return isWhole && both.has("file") && both.size === 1;
}

/** Each range of a source that ends behind `limit`. */
export function* rangesBeyond(ranges: Ranges, source: ByteSource, limit: number): Generator<OwnedRange> {
  const number = ranges.sources.indexOf(source);
  for (const [index, end] of ranges.ends.entries()) {
    if (end > limit && sourceOf(ranges, index) === number) yield rangeAt(ranges, index);
  }
}
