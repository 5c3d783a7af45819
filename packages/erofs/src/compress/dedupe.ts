import type { Hasher } from "@sextant/bytes";
import { digestBytes } from "./scan.js";
import type { Content, Stream } from "./streams.js";
import { type ItemTail, itemTail } from "./task.js";

/** The chunks of a stream, in order. */
export interface Chunks {
  /** Where each begins; one more says where the last one ends. */
  readonly starts: Float64Array;
  /** `digestBytes` for each. */
  readonly digests: Uint8Array;
}

/** Bytes `[start, end)` of a stream that are the same as those from `from` on in `source`. */
export interface Repeat {
  readonly stream: Stream;
  readonly start: number;
  readonly end: number;
  readonly source: Stream;
  readonly from: number;
}

/** What need not be stored twice. */
export interface Repeats {
  /** Of each stream, in order and apart. */
  readonly of: ReadonlyMap<Stream, readonly Repeat[]>;
  /** Where clusters of a stream have to begin, in order, so that repeats begin with one and end with one. */
  readonly cuts: ReadonlyMap<Stream, readonly number[]>;
  /** Streams whose very end is repeated, which therefore is in a cluster that stands in blocks. */
  readonly ends: ReadonlySet<Stream>;
  /** How pieces end inside of streams. */
  readonly innerTail: ItemTail;
}

/** Where nobody looked. */
export const noRepeats: Repeats = { of: new Map(), cuts: new Map(), ends: new Set(), innerTail: itemTail.inner };

const digestAt = ({ digests }: Chunks, index: number): string =>
  String.fromCharCode(...digests.subarray(index * digestBytes, (index + 1) * digestBytes));

/** Files that have the same bytes as one before them, by that one. */
export function findCopies(
  contents: Iterable<Content>,
  chunksOf: ReadonlyMap<Content, Chunks>,
  hasher: Hasher,
): Map<Content, Content> {
  const firsts = new Map<string, Content>();
  const copies = new Map<Content, Content>();
  for (const content of contents) {
    const chunks = chunksOf.get(content);
    const { identity } = content.file.content;
    const digest = chunks && String.fromCharCode(...hasher.hash("sha256", chunks.digests));
    const key = digest === undefined ? identity && `identity ${identity}` : `content ${content.size} ${digest}`;
    if (key === undefined) continue;
    const first = firsts.get(key);
    if (first) copies.set(content, first);
    else firsts.set(key, content);
  }
  return copies;
}

/**
 * Finds runs of chunks that came before, in the same stream or another, at least `leastBytes` of them: a shorter one costs
 * more in half-empty blocks, where clusters have to begin and end with it, than it saves.
 */
export function findRepeats(
  streams: readonly Stream[],
  chunksOf: (stream: Stream) => Chunks,
  { leastBytes, blockBytes, edges }: RepeatLimits,
): Repeats {
  const firsts = new Map<string, Place>();
  const repeats = new Map<Stream, Repeat[]>();
  const ends = new Set<Stream>();
  const places = new Map<Stream, StreamPlaces>();
  const placesOf = (stream: Stream): StreamPlaces => {
    const known =
      places.get(stream) ?? streamPlaces(chunksOf(stream), stream.size, blockBytes, edges?.get(stream) ?? []);
    places.set(stream, known);
    return known;
  };
  for (const stream of streams) {
    const own = placesOf(stream);
    const found: Repeat[] = [];
    for (let index = 0; index < own.count; ) {
      const digest = digestAt(own.chunks, index);
      const first = firsts.get(digest);
      const run = first && findRun(own, index, placesOf(first.stream), first.index);
      if (first && run && run.end - run.start >= leastBytes) {
        found.push({ stream, start: run.start, end: run.end, source: first.stream, from: run.from });
        own.addRun(index, run.length);
        placesOf(first.stream).addCuts(first.index, run.length);
        if (run.from + run.end - run.start === first.stream.size) ends.add(first.stream);
        index += run.length;
        continue;
      }
      if (first === undefined) firsts.set(digest, { stream, index });
      index += 1;
    }
    if (found.length > 0) repeats.set(stream, found);
  }
  return {
    of: repeats,
    cuts: new Map([...places].map(([stream, { cuts }]) => [stream, cuts()])),
    ends,
    innerTail: itemTail.cut,
  };
}

export interface RepeatLimits {
  /** Shortest run. */
  readonly leastBytes: number;
  readonly blockBytes: number;
  /** Where clusters of a stream begin in any case. */
  readonly edges?: ReadonlyMap<Stream, readonly number[]>;
}

interface Place {
  readonly stream: Stream;
  readonly index: number;
}

type StreamPlaces = ReturnType<typeof streamPlaces>;

/** Where clusters of a stream begin for sure, and which of its chunks repeat others. */
function streamPlaces(chunks: Chunks, size: number, blockBytes: number, edges: readonly number[]) {
  const count = chunks.starts.length - 1;
  const repeated = new Uint8Array(count);
  /** By the number of the block, of which each has one at most. */
  const cuts = new Map<number, number>([[0, 0]]);
  const startOf = (index: number) => chunks.starts[index] ?? 0;
  const blockOf = (at: number) => Math.floor(at / blockBytes);
  const addCut = (at: number) => {
    if (at < size) cuts.set(blockOf(at), at);
  };
  for (const edge of edges) addCut(edge);
  return {
    chunks,
    count,
    startOf,
    isRepeated: (index: number) => repeated[index] === 1,
    /** Whether a cluster can begin with that chunk: it leaves two blocks' worth or nothing to the next beginnings. */
    canCut(index: number): boolean {
      const at = startOf(index);
      if (at === size) return true;
      return [-2, -1, 0, 1, 2].every((step) => {
        const other = cuts.get(blockOf(at) + step);
        return other === undefined || other === at || Math.abs(other - at) >= 2 * blockBytes;
      });
    },
    addCuts(index: number, length: number): void {
      addCut(startOf(index));
      addCut(startOf(index + length));
    },
    addRun(index: number, length: number): void {
      repeated.fill(1, index, index + length);
      addCut(startOf(index));
      addCut(startOf(index + length));
    },
    cuts: () => [...cuts.values()].sort((a, b) => a - b),
  };
}

/**
 * How far the chunks from `index` on are those from `first` on in `source`, which must not be repeats themselves, as their
 * clusters begin and end elsewhere. Within one stream, the two stay apart.
 */
function findRun(own: StreamPlaces, index: number, source: StreamPlaces, first: number) {
  if (!own.canCut(index) || !source.canCut(first)) return undefined;
  const most = Math.min(own.count - index, own === source ? index - first : source.count - first);
  let length = 0;
  while (
    length < most &&
    !source.isRepeated(first + length) &&
    equalDigests(own.chunks, index + length, source.chunks, first + length)
  ) {
    length += 1;
  }
  while (length > 0 && !(own.canCut(index + length) && source.canCut(first + length))) length -= 1;
  return { length, start: own.startOf(index), end: own.startOf(index + length), from: source.startOf(first) };
}

function equalDigests(a: Chunks, indexA: number, b: Chunks, indexB: number): boolean {
  for (let at = 0; at < digestBytes; at++) {
    if (a.digests[indexA * digestBytes + at] !== b.digests[indexB * digestBytes + at]) return false;
  }
  return true;
}
