import { type Hasher, portableHasher } from "@sextant/bytes";
import { WorkerPool } from "@sextant/workers";
import { blockBytes } from "../plan-slots.js";
import type { CompressOptions } from "./compress.js";
import type { Compression } from "./compression.js";
import type { Chunks } from "./dedupe.js";
import { growing, type Numbers } from "./numbers.js";
import { digestBytes, scanTask } from "./scan.js";
import { type Item, loadBatches } from "./schedule.js";
import type { Piece, Stream } from "./streams.js";
import type { CompressionResult, CompressionTask, CompressResult, ScanResult } from "./task.js";
import { compressTask } from "./work.js";

/** Does a task of either kind, in whatever thread. */
export function workOn(hasher: Hasher) {
  return (task: CompressionTask, transfer: (buffer: ArrayBuffer) => void): CompressionResult =>
    task.kind === "scan" ? scanTask(task, hasher, transfer) : compressTask(task, transfer);
}

/** What a result is about. */
interface Sent {
  readonly items: readonly Item[];
  readonly compression: Compression;
  readonly size: number;
}

/** Reads pieces and has them worked on, in the pool of one `compress`. */
export function runner(options: CompressOptions) {
  const { workers, signal, hasher = portableHasher } = options;
  const pool = new WorkerPool<CompressionTask, CompressionResult>({
    size: workers?.size ?? 1,
    spawn: workers?.spawn ?? noWorker,
    local: workOn(hasher),
  });

  async function* results(stage: "scan" | "compress", pieces: readonly Piece[]) {
    const all = pieces.reduce((sum, { start, end }) => sum + end - start, 0);
    const sent: Sent[] = [];
    async function* tasks(): AsyncGenerator<CompressionTask> {
      for await (const { items, compression, bytes, sizes } of loadBatches(pieces, blockBytes)) {
        sent.push({ items, compression, size: bytes.length });
        if (stage === "scan") yield { kind: "scan", bytes, sizes };
        else {
          const tails = Uint8Array.from(items, ({ tail }) => tail);
          yield { kind: "compress", bytes, compression, blockBytes, sizes, tails };
        }
      }
    }
    const transfer = ({ bytes }: CompressionTask) => [bytes.buffer as ArrayBuffer];
    let done = 0;
    for await (const result of pool.map(tasks(), { signal, transfer })) {
      const about = sent.shift();
      if (about === undefined) throw new TypeError("there are more results than tasks");
      yield { ...about, result };
      done += about.size;
      options.progress?.(stage, done, all);
    }
  }

  return {
    /** Compresses pieces, and hands over what comes out in their order. */
    async compress(
      pieces: readonly Piece[],
      take: (items: readonly Item[], result: CompressResult, compression: Compression) => Promise<void>,
    ): Promise<void> {
      for await (const { items, result, compression } of results("compress", pieces)) {
        await take(items, result as CompressResult, compression);
      }
    },
    /** The chunks of pieces that each are a whole stream. */
    async scan(pieces: readonly Piece[]): Promise<Map<Stream, Chunks>> {
      const gathered = new Map<Stream, ChunkList>();
      for await (const { items, result } of results("scan", pieces)) addChunks(gathered, items, result as ScanResult);
      return new Map([...gathered].map(([stream, list]) => [stream, list.take(stream.size)]));
    },
    close: () => pool.close(),
  };
}

const noWorker = () => {
  throw new TypeError("one thread needs no workers");
};

type ChunkList = ReturnType<typeof chunkList>;

function chunkList() {
  const starts: Numbers<Float64Array> = growing(Float64Array);
  const digests: Uint8Array[] = [];
  return {
    add(start: number, digest: Uint8Array) {
      starts.push(start);
      digests.push(digest);
    },
    take(size: number): Chunks {
      starts.push(size);
      const joined = new Uint8Array(digests.length * digestBytes);
      for (const [index, digest] of digests.entries()) joined.set(digest, index * digestBytes);
      return { starts: starts.take(), digests: joined };
    },
  };
}

function addChunks(gathered: Map<Stream, ChunkList>, items: readonly Item[], result: ScanResult): void {
  let chunk = 0;
  items.forEach(({ stream, start }, index) => {
    const list = gathered.get(stream) ?? chunkList();
    gathered.set(stream, list);
    let at = start;
    for (const end = chunk + (result.chunks[index] ?? 0); chunk < end; chunk++) {
      list.add(at, result.digests.subarray(chunk * digestBytes, (chunk + 1) * digestBytes));
      at += result.lengths[chunk] ?? 0;
    }
  });
}
