import { existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { setImmediate } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { BytesError, checkRange, digestBytes } from "@sextant/bytes";
import { describeErrno, openFile } from "@sextant/bytes/node";
import { WorkerPool, WorkerPoolError } from "@sextant/workers";
import { nodeWorker } from "@sextant/workers/node";
import { hashTypes } from "../layout.js";
import type { VerityParams } from "../params.js";
import { type RangeTask, rangeHasher, readAheadHasher } from "./range.js";

/** Part of a file. */
export interface FileRange {
  readonly path: string;
  /** First byte. Default 0. */
  readonly start?: number;
  /** After the last byte. Default the size of the file or device. */
  readonly end?: number;
}

/** How the work on a file is spread. No value changes the result. */
export interface JobOptions {
  /** Threads that hash at most. Default the number of processors, at most 4. */
  readonly jobs?: number;
  /** Data for which a further thread pays, in bytes. Default 64 MiB; tests lower it. */
  readonly bytesPerThread?: number;
  /** Data of one task, in bytes, at least a block. Default 8 MiB, or 128 MiB where there is one thread. */
  readonly taskBytes?: number;
}

/** Each task waits for its first read; one thread has nobody to share with, so its tasks are long. */
const soleTaskBytes = 128 << 20;
const sharedTaskBytes = 8 << 20;
/**
 * A worker takes some 40 ms to start, in which this thread hashes on. Whole process with one and two threads, in ms: 64 MiB
 * 140, 146; 96 MiB 163, 160; 128 MiB 185, 174; 192 MiB 228, 204.
 */
const defaultBytesPerThread = 64 << 20;

/** A file that is open, and the range of it that is meant. */
export interface OpenRange {
  readonly fd: number;
  readonly path: string;
  readonly start: number;
  readonly size: number;
}

/** Opens a file, does something with a range of it, closes it. Throws `BytesError`, and `RangeError` for a range outside of it. */
export async function withRange<T>(range: FileRange, use: (range: OpenRange) => Promise<T>): Promise<T> {
  const { path, start = 0 } = range;
  await using source = openFile(path);
  const { end = source.size } = range;
  checkRange(source, start, end);
  // A descriptor of our own, as a source keeps its own to itself: workers read from it too.
  const file = await open(path);
  try {
    return await use({ fd: file.fd, path, start, size: end - start });
  } finally {
    await file.close();
  }
}

/** The digests of all data blocks of an open file, in order, hashed in this thread or in workers. */
export async function* fileDigests(
  range: OpenRange,
  params: VerityParams,
  options: JobOptions & { readonly signal?: AbortSignal | undefined },
): AsyncGenerator<Uint8Array> {
  const size = poolSize(params.dataBlocks * params.dataBlockBytes, options);
  const { taskBytes = size === 1 ? soleTaskBytes : sharedTaskBytes } = options;
  const pool = new WorkerPool<RangeTask, Uint8Array>({
    size,
    spawn: () => nodeWorker(workerFile),
    local: size === 1 ? readAheadHasher() : rangeHasherBetweenEvents(),
    callerHelps: true,
  });
  try {
    yield* pool.map(tasks(range, params, taskBytes), { signal: options.signal });
  } catch (error) {
    throw asSourceError(error, range.path);
  } finally {
    // Before the file is closed: no worker may read a descriptor that something else has by then.
    await pool.close();
  }
}

/** Lets the event loop turn before each range, or the workers would wait for their next tasks. */
function rangeHasherBetweenEvents(): (task: RangeTask) => Promise<Uint8Array> {
  const hashRange = rangeHasher();
  return async (task) => {
    await setImmediate();
    return hashRange(task);
  };
}

function* tasks(range: OpenRange, params: VerityParams, taskBytes: number): Generator<RangeTask> {
  const { dataBlocks, dataBlockBytes: blockBytes, algorithm, salt } = params;
  const kind = {
    blockBytes,
    algorithm,
    digestBytes: digestBytes[algorithm],
    salt,
    saltFirst: params.hashType === hashTypes.normal,
  };
  const perTask = Math.max(1, Math.floor(taskBytes / blockBytes));
  for (let first = 0; first < dataBlocks; first += perTask) {
    const blocks = Math.min(perTask, dataBlocks - first);
    const start = range.start + first * blockBytes;
    yield { fd: range.fd, start, blocks, ...kind };
  }
}

const ownUrl = import.meta.url;
const workerFile = new URL(ownUrl.endsWith(".ts") ? "../worker.ts" : "./worker.js", ownUrl);

/** Threads for so many bytes; one where a bundler has left the worker's file behind, as that costs only speed. */
function poolSize(dataBytes: number, options: JobOptions): number {
  const { jobs = Math.min(4, availableParallelism()), bytesPerThread = defaultBytesPerThread } = options;
  if (!Number.isSafeInteger(jobs) || jobs < 1) throw new RangeError(`cannot hash with ${jobs} jobs`);
  const useful = Math.min(jobs, Math.floor(dataBytes / bytesPerThread));
  return useful > 1 && existsSync(fileURLToPath(workerFile)) ? useful : 1;
}

/** What a task threw, as an error of this side, with the name of the file. */
function asSourceError(error: unknown, source: string): unknown {
  if (!(error instanceof WorkerPoolError) || error.code !== "FAILED_TASK") return error;
  const { message, code, context } = error.cause as Error & { code?: unknown; context?: object };
  if (code === "MISMATCH_CHANGED") return new BytesError(code, message, { ...context, source }, { cause: error });
  const why = `the file cannot be read: ${describeErrno(error.cause)}`;
  return new BytesError("UNREADABLE_SOURCE", why, { source }, { cause: error });
}
