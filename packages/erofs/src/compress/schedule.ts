import type { Compression } from "./compression.js";
import { type Piece, type Stream, streamReader } from "./streams.js";
import type { ItemTail } from "./task.js";

/**
 * Content of one task at most. Pieces larger than this end where segments end, so that threads share them; each such end
 * costs half a block and the rest of a cluster, together about 0.02 % of the image. Smaller tasks balance better, larger ones
 * compress better, and encoders take no more than 16 MiB.
 */
export const segmentBytes = 15 << 20;
const itemsPerTask = 2048;

/** A part of a piece that one task does. */
export interface Item {
  readonly stream: Stream;
  readonly start: number;
  readonly end: number;
  readonly tail: ItemTail;
}

/** Items that are compressed alike, in one task. */
interface Batch {
  readonly compression: Compression;
  readonly items: Item[];
  size: number;
}

/** A batch and its bytes, one item behind the other. */
export interface LoadedBatch {
  readonly compression: Compression;
  readonly items: readonly Item[];
  readonly bytes: Uint8Array;
  /** Bytes of each item. */
  readonly sizes: Uint32Array;
}

/** Cuts pieces into batches, in their order. What is in one depends on the pieces alone. */
function* batches(pieces: Iterable<Piece>, blockBytes: number): Generator<Batch> {
  let batch: Batch | undefined;
  for (const piece of pieces) {
    for (const item of segments(piece, blockBytes)) {
      const size = item.end - item.start;
      const isFull = batch && (batch.size + size > segmentBytes || batch.items.length >= itemsPerTask);
      if (batch && (isFull || batch.compression !== piece.compression)) {
        yield batch;
        batch = undefined;
      }
      batch ??= { compression: piece.compression, items: [], size: 0 };
      batch.items.push(item);
      batch.size += size;
    }
  }
  if (batch) yield batch;
}

/** Segments of about equal size, since a short one at the end would have nobody to share with. */
function* segments({ tail, innerTail, stream, ...piece }: Piece, blockBytes: number): Generator<Item> {
  const count = Math.max(1, Math.ceil((piece.end - piece.start) / segmentBytes));
  const step = (piece.end - piece.start) / count;
  let start = piece.start;
  for (let index = 1; index < count; index++) {
    const end = Math.ceil((piece.start + index * step) / blockBytes) * blockBytes;
    yield { stream, start, end, tail: innerTail };
    start = end;
  }
  if (start < piece.end) yield { stream, start, end: piece.end, tail };
}

/** Reads batches, the next one while the last one is handed over. */
export async function* loadBatches(pieces: Iterable<Piece>, blockBytes: number): AsyncGenerator<LoadedBatch> {
  const reader = streamReader();
  const load = async ({ compression, items, size }: Batch): Promise<LoadedBatch> => {
    const bytes = new Uint8Array(size);
    const reads: Promise<void>[] = [];
    let at = 0;
    for (const { stream, start, end } of items) {
      reads.push(reader.read(stream, start, end, bytes.subarray(at, at + end - start)));
      at += end - start;
    }
    await Promise.all(reads);
    return { compression, items, bytes, sizes: Uint32Array.from(items, ({ start, end }) => end - start) };
  };
  let ahead: Promise<LoadedBatch> | undefined;
  for (const batch of batches(pieces, blockBytes)) {
    const next = load(batch);
    // Whoever awaits it gets the error; until then it is nobody's.
    next.catch(() => {});
    if (ahead) yield await ahead;
    ahead = next;
  }
  if (ahead) yield await ahead;
}
