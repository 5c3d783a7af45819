import { portableHasher } from "@sextant/bytes";
import type { Directory } from "@sextant/tree";
import { blockBytes } from "../plan-slots.js";
import type { Run } from "./assemble.js";
import { type ChosenContent, type ChosenRange, chooseContents, placeRanges } from "./choose.js";
import type { CompressOptions } from "./compress.js";
import { type Compression, checkCompression } from "./compression.js";
import { type Chunks, findCopies, findRepeats, noRepeats, type Repeats } from "./dedupe.js";
import { contentsOf, sortContents } from "./order.js";
import type { runner } from "./runner.js";
import { digestBytes } from "./scan.js";
import { type Content, fileStream, type Piece, packedStream, type Stream } from "./streams.js";
import { type ItemTail, itemTail } from "./task.js";

/** What is to be compressed, in placement order. */
export interface Selection {
  readonly ranges: readonly ChosenRange[];
  /** Of each file but copies, in the order in which they come first. */
  readonly streams: ReadonlyMap<Content, Stream>;
  /** Files that are as others are, by those. */
  readonly copies: ReadonlyMap<Content, Content>;
  /** With `dedupe`: the chunks of each stream. */
  readonly chunks: ReadonlyMap<Stream, Chunks> | undefined;
}

/** Decides what is compressed, and finds copies. */
export async function select(
  tree: Directory,
  options: CompressOptions,
  run: ReturnType<typeof runner>,
): Promise<Selection> {
  if (options.hotCompression) checkCompression(options.hotCompression, blockBytes);
  const chosen = chooseContents(sortContents(contentsOf(tree), options.order ?? "usual"), options);
  const streamOf = new Map(chosen.map(({ content }) => [content, fileStream(content)]));
  // Files of the packed inode share what they have in common there anyway, so whole copies cost nothing but looking for them.
  const looks = options.dedupe === true || (options.fragments ?? "none") !== "none";
  const chunks = looks ? await run.scan(scanPieces(chosen, streamOf)) : undefined;
  const chunksOf = new Map<Content, Chunks>();
  for (const [content, stream] of streamOf) {
    const found = chunks?.get(stream);
    if (found) chunksOf.set(content, found);
  }
  const copies = findCopies(streamOf.keys(), chunksOf, options.hasher ?? portableHasher);
  const ranges = placeRanges(
    chosen.filter(({ content }) => !copies.has(content)),
    options.profile ?? [],
  );
  const streams = new Map<Content, Stream>();
  for (const { chosen: one } of ranges) {
    const stream = streamOf.get(one.content);
    if (stream) streams.set(one.content, stream);
  }
  return { ranges, streams, copies, chunks };
}

function scanPieces(chosen: readonly ChosenContent[], streamOf: ReadonlyMap<Content, Stream>): Piece[] {
  const pieces: Piece[] = [];
  for (const { content, compression } of chosen) {
    const stream = streamOf.get(content);
    if (stream)
      pieces.push({
        stream,
        start: 0,
        end: stream.size,
        compression,
        tail: itemTail.blocks,
        innerTail: itemTail.inner,
      });
  }
  return pieces;
}

/** Content that comes again in files that are clusters of their own. */
export function repeatsOf(
  { ranges, streams }: Selection,
  options: CompressOptions,
  chunks: ReadonlyMap<Stream, Chunks>,
): Repeats {
  const edges = new Map<Stream, number[]>();
  for (const { chosen, start } of ranges) {
    const stream = streams.get(chosen.content);
    if (stream && !chosen.isFragment) edges.set(stream, [...(edges.get(stream) ?? []), start]);
  }
  return findRepeats([...edges.keys()], (stream) => chunks.get(stream) ?? noChunks, { ...limits(options), edges });
}

/** Content that comes again in a packed inode of whole files. */
export function repeatsInPacked(
  packed: Stream,
  options: CompressOptions,
  chunks: ReadonlyMap<Stream, Chunks>,
): Repeats {
  if (options.fragments !== "all") return noRepeats;
  const byContent = new Map<Content, Chunks>();
  for (const [{ parts }, found] of chunks) {
    const [part] = parts;
    if (part) byContent.set(part.content, found);
  }
  const starts: number[] = [];
  const digests: Uint8Array[] = [];
  for (const { content, at } of packed.parts) {
    const found = byContent.get(content) ?? noChunks;
    for (const start of found.starts.subarray(0, -1)) starts.push(at + start);
    digests.push(found.digests);
  }
  const joined = new Uint8Array(starts.length * digestBytes);
  let at = 0;
  for (const digest of digests) {
    joined.set(digest, at);
    at += digest.length;
  }
  const all: Chunks = { starts: Float64Array.from([...starts, packed.size]), digests: joined };
  return findRepeats([packed], () => all, limits(options));
}

const noChunks: Chunks = { starts: new Float64Array(1), digests: new Uint8Array(0) };

/** A repeat saves a cluster's worth of content at least; what is less costs more than it saves. */
function limits({ compression }: CompressOptions) {
  return { leastBytes: Math.max(2 * blockBytes, compression.clusterBytes), blockBytes };
}

/** Cuts the ranges of files that are clusters of their own where clusters have to begin. */
export function cutPieces({ ranges, streams }: Selection, options: CompressOptions, repeats: Repeats): Piece[] {
  const { fragments = "none", tailPacking = false, hotCompression } = options;
  const usual = fragments === "tails" ? itemTail.fragment : tailPacking ? itemTail.inline : itemTail.blocks;
  const pieces: Piece[] = [];
  for (const { chosen, start, end, isHot } of ranges) {
    const stream = streams.get(chosen.content);
    if (stream === undefined || chosen.isFragment) continue;
    const compression = (isHot ? hotCompression : undefined) ?? chosen.compression;
    const tail = repeats.ends.has(stream) ? itemTail.blocks : usual;
    pieces.push(...pieceRanges(stream, compression, tail, repeats, start, end));
  }
  return pieces;
}

/** `[from, to)` of a stream without what repeats, cut where clusters have to begin. */
export function pieceRanges(
  stream: Stream,
  compression: Compression,
  tail: ItemTail,
  { of, cuts, innerTail }: Repeats,
  from = 0,
  to = stream.size,
): Piece[] {
  const pieces: Piece[] = [];
  const repeats = of.get(stream) ?? [];
  const edges = [...(cuts.get(stream) ?? []).filter((cut) => cut > from && cut < to), to];
  let start = from;
  let next = 0;
  for (const end of edges) {
    while ((repeats[next]?.end ?? Number.POSITIVE_INFINITY) <= start) next += 1;
    const isRepeat = (repeats[next]?.start ?? Number.POSITIVE_INFINITY) <= start;
    if (!isRepeat && start < end) {
      pieces.push({ stream, start, end, compression, tail: end === stream.size ? tail : innerTail, innerTail });
    }
    start = end;
  }
  return pieces;
}

/** The packed inode: the ends of files that no cluster holds, in placement order. */
export function packFragments(
  { streams }: Selection,
  runs: ReadonlyMap<Stream, readonly Run[]>,
  repeats: Repeats,
): Stream {
  const parts = [];
  for (const [content, stream] of streams) {
    let start = 0;
    for (const { end } of [...(runs.get(stream) ?? []), ...(repeats.of.get(stream) ?? [])])
      start = Math.max(start, end);
    if (start < content.size) parts.push({ content, start, end: content.size });
  }
  return packedStream(parts);
}
