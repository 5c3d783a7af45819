import { setImmediate } from "node:timers/promises";
import type { Worker } from "node:worker_threads";
import { BytesError, type BytesErrorCode } from "@sextant/bytes";
import { WorkerPool } from "@sextant/workers";
import { nodeWorker } from "@sextant/workers/node";
import { ErofsError, type ErofsErrorCode } from "../errors.js";
import { nidText } from "../inode.js";
import type { OwnedBatch, Owner } from "./batch-builder.js";
import { batchWriter, type ExtractBatch, type ExtractResult, type PieceFailure } from "./extract-batch.js";
import { workerFile } from "./worker-file.js";

/** Content that waits for threads at most. */
const maxWaitingBytes = 32 << 20;
/** Batches that a worker has at a time: so many it can go on with while this thread makes nodes. */
const batchesPerWorker = 4;

/** Workers, and this thread where it has nothing better to do. */
export class Threads {
  readonly reads = { requests: 0, bytes: 0 };
  readonly #writeBatch = batchWriter();
  readonly #pool: WorkerPool<ExtractBatch, ExtractResult> | undefined;
  readonly #waiting: OwnedBatch[] = [];
  #waitingBytes = 0;
  readonly #sent = new Set<Promise<void>>();
  readonly #sentLimit: number;
  /** Whether a worker has answered: until then this thread does not wait for any. */
  #answered = false;

  /** `started` are workers that run this package's file already. */
  constructor(workers: number, started: readonly Worker[]) {
    this.#sentLimit = workers * batchesPerWorker;
    if (workers === 0) return;
    const unused = [...started];
    this.#pool = new WorkerPool({
      size: workers,
      spawn: () => nodeWorker(unused.shift() ?? workerFile),
      local: this.#writeBatch,
      workersOnly: true,
      inFlightPerWorker: batchesPerWorker,
    });
    // They start while the first nodes are read.
    const answered = () => {
      this.#answered = true;
    };
    for (let i = 0; i < workers; i++)
      this.#pool.run({ kind: "extract", image: -1, pieces: [] }).then(answered, () => {});
  }

  /** Takes a batch. */
  submit(batch: OwnedBatch): void {
    this.#waiting.push(batch);
    this.#waitingBytes += batch.bytes;
    this.#send();
  }

  /** Lets replies of workers in. Where too much waits, or nobody is there yet, works it off. */
  async breathe(): Promise<void> {
    await setImmediate();
    while (this.#waitingBytes > maxWaitingBytes || (!this.#answered && this.#waiting.length > 0)) await this.step();
  }

  /** Does a batch here, or waits for one that a worker does; false where there is none. */
  async step(): Promise<boolean> {
    const batch = this.#next();
    if (batch) {
      this.#doHere(batch);
      await setImmediate();
      return true;
    }
    if (this.#sent.size === 0) return false;
    await Promise.race(this.#sent);
    return true;
  }

  async close(): Promise<void> {
    await this.#pool?.close();
  }

  #doHere(batch: OwnedBatch): void {
    try {
      settle(batch, this.#writeBatch(batch.batch), this.reads);
    } catch (error) {
      for (const { file } of batch.owners.flat()) file.endPart({ error });
    }
  }

  #next(): OwnedBatch | undefined {
    const batch = this.#waiting.shift();
    this.#waitingBytes -= batch?.bytes ?? 0;
    return batch;
  }

  /** Hands out what waits, as far as workers have room. */
  #send(): void {
    while (this.#pool && this.#sent.size < this.#sentLimit) {
      const batch = this.#next();
      if (batch === undefined) return;
      const sent = this.#pool
        .run(batch.batch)
        .then(
          (result) => settle(batch, result, this.reads),
          // A worker that has failed may have written a part, which does not harm.
          () => this.#doHere(batch),
        )
        .then(() => {
          this.#sent.delete(sent);
          this.#send();
        });
      this.#sent.add(sent);
    }
  }
}

/** Tells the files what became of their parts. */
function settle(
  { owners, path }: OwnedBatch,
  { failures, reads, readBytes }: ExtractResult,
  total: { requests: number; bytes: number },
): void {
  total.requests += reads;
  total.bytes += readBytes;
  const failed = new Map(failures.map((failure) => [failure.piece, failure]));
  owners.forEach((pieceOwners, piece) => {
    const failure = failed.get(piece);
    for (const owner of pieceOwners) owner.file.endPart(failure && { error: errorOf(failure, owner, path) });
  });
}

/** A failure as an error of this side. */
function errorOf({ of, code, message }: PieceFailure, { nid, start, offset }: Owner, source: string): Error {
  if (of === "erofs") {
    return new ErofsError(code as ErofsErrorCode, message, { path: `inode ${nidText(nid)}.data`, offset, nid, start });
  }
  if (of === "bytes") return new BytesError(code as BytesErrorCode, message, { source });
  return Object.assign(new Error(message), { code });
}
