import type { Compression } from "./compression.js";
import { type Piece, type Stream, streamReader } from "./streams.js";
import { type CompressTask, type ItemTail, itemTail } from "./task.js";

/**
 * Content of one task at most. The pieces of a file larger than this end where segments end, so that threads share it; each
 * such end costs half a block, about 0.05 % of the image. Smaller tasks balance better, larger ones compress better.
 */
export const segmentBytes = 8 << 20;
const itemsPerTask = 2048;

/** A part of a piece that one task does. */
export interface Item {
  readonly stream: Stream;
  readonly start: number;
  readonly end: number;
  readonly tail: ItemTail;
}

/** A task and what its items are. */
export interface Planned {
  readonly items: readonly Item[];
  readonly task: CompressTask;
}

/** Items that are compressed alike, in one task. */
interface Batch {
  readonly compression: Compression;
  readonly items: Item[];
  bytes: number;
}

/** Cuts pieces into tasks, in their order. What is in a task depends on the pieces alone. */
function* batches(pieces: Iterable<Piece>): Generator<Batch> {
  let batch: Batch | undefined;
  for (const piece of pieces) {
    for (const item of segments(piece)) {
      const size = item.end - item.start;
      const isFull = batch && (batch.bytes + size > segmentBytes || batch.items.length >= itemsPerTask);
      if (batch && (isFull || batch.compression !== piece.compression)) {
        yield batch;
        batch = undefined;
      }
      batch ??= { compression: piece.compression, items: [], bytes: 0 };
      batch.items.push(item);
      batch.bytes += size;
    }
  }
  if (batch) yield batch;
}

/** Segments of about equal size: a short one at the end would have nobody to share with. */
function* segments({ tail, ...piece }: Piece): Generator<Item> {
  const { start: first, end: last } = piece;
  const count = Math.max(1, Math.ceil((last - first) / segmentBytes));
  const step = Math.ceil((last - first) / count);
  for (let start = first; start < last; start += step) {
    const end = Math.min(last, start + step);
    yield { stream: piece.stream, start, end, tail: end === last ? tail : itemTail.blocks };
  }
}

/** Reads what the tasks are about, the next one while the last one is handed over. */
export async function* readTasks(pieces: Iterable<Piece>, blockBytes: number): AsyncGenerator<Planned> {
  const reader = streamReader();
  const read = async ({ compression, items, bytes: size }: Batch): Promise<Planned> => {
    const bytes = new Uint8Array(size);
    const reads: Promise<void>[] = [];
    let at = 0;
    for (const { stream, start, end } of items) {
      reads.push(reader.read(stream, start, end, bytes.subarray(at, at + end - start)));
      at += end - start;
    }
    await Promise.all(reads);
    const sizes = Uint32Array.from(items, ({ start, end }) => end - start);
    return {
      items,
      task: { bytes, compression, blockBytes, sizes, tails: Uint8Array.from(items, ({ tail }) => tail) },
    };
  };
  let ahead: Promise<Planned> | undefined;
  for (const batch of batches(pieces)) {
    const next = read(batch);
    // Whoever awaits it gets the error; until then it is nobody's.
    next.catch(() => {});
    if (ahead) yield await ahead;
    ahead = next;
  }
  if (ahead) yield await ahead;
}
