import type { ByteSource } from "@sextant/bytes";

/** Who owns bytes of a device. Chunks may be shared, and so may xattrs; nothing else may. */
export type Owner = "metadata" | "shared xattr" | "data" | "chunk";

/** Bytes of a device that something of the image stands in, and whose number says what. */
export interface OwnedRange {
  readonly source: ByteSource;
  readonly start: number;
  readonly end: number;
  readonly owner: Owner;
  /** Inode number, or id of a shared xattr; of the superblock and device table -1. */
  readonly of: number;
}

/** Collects ranges and finds those that overlap. A range takes 40 bytes. */
export function rangeCollector() {
  const sources: ByteSource[] = [];
  const owners: readonly Owner[] = ["metadata", "shared xattr", "data", "chunk"];
  const starts: number[] = [];
  const ends: number[] = [];
  const of: number[] = [];
  /** Number of the source × 4 + number of the owner. */
  const kinds: number[] = [];

  const range = (index: number): OwnedRange => {
    const kind = kinds[index] ?? 0;
    const source = sources[Math.floor(kind / owners.length)];
    const owner = owners[kind % owners.length];
    if (source === undefined || owner === undefined) throw new RangeError(`there is no range ${index}`);
    return { source, owner, start: starts[index] ?? 0, end: ends[index] ?? 0, of: of[index] ?? 0 };
  };
  const sourceOf = (index: number) => Math.floor((kinds[index] ?? 0) / owners.length);

  return {
    add({ source, start, end, owner, of: whose }: OwnedRange): void {
      if (start >= end) return;
      if (!sources.includes(source)) sources.push(source);
      starts.push(start);
      ends.push(end);
      of.push(whose);
      kinds.push(sources.indexOf(source) * owners.length + owners.indexOf(owner));
    },
    /** Each range that begins inside of one before it, with that one (the one that reaches furthest). */
    *overlaps(): Generator<readonly [OwnedRange, OwnedRange]> {
      const order = Uint32Array.from(starts.keys()).sort(
        (a, b) => sourceOf(a) - sourceOf(b) || (starts[a] ?? 0) - (starts[b] ?? 0) || a - b,
      );
      let furthest: number | undefined;
      for (const index of order) {
        if (furthest === undefined || sourceOf(furthest) !== sourceOf(index)) {
          furthest = index;
          continue;
        }
        if ((starts[index] ?? 0) < (ends[furthest] ?? 0)) {
          const [first, second] = [range(furthest), range(index)];
          const shares = first.owner === second.owner && (first.owner === "chunk" || first.owner === "shared xattr");
          if (!shares) yield [first, second];
        }
        if ((ends[index] ?? 0) > (ends[furthest] ?? 0)) furthest = index;
      }
    },
    /** Each range of a source that ends behind `limit`. */
    *beyond(source: ByteSource, limit: number): Generator<OwnedRange> {
      const number = sources.indexOf(source);
      for (const index of starts.keys()) {
        if (sourceOf(index) === number && (ends[index] ?? 0) > limit) yield range(index);
      }
    },
  };
}

export type RangeCollector = ReturnType<typeof rangeCollector>;
