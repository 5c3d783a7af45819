import { Worker } from "node:worker_threads";
import type { WorkerLike } from "../protocol.js";
import { bundleSources } from "./sources.js";

/**
 * A worker thread for a pool: `spawn: () => nodeWorker(new URL("./worker.js", import.meta.url))`. A `.ts` file is
 * bundled first, so that a checkout runs its sources in workers too. Instead of a file, a worker that runs one already.
 */
export function nodeWorker(file: URL | Worker): WorkerLike {
  const worker = file instanceof Worker ? file : start(file);
  worker.unref();
  return {
    listen(listener) {
      // One that has ended before says so no more.
      if (worker.threadId < 0) queueMicrotask(() => listener.failure(new Error("the worker has ended")));
      worker.on("message", (data) => listener.message(data));
      worker.on("messageerror", (cause) => listener.failure(cause));
      worker.on("error", (cause) =>
        listener.failure(cause instanceof Error ? cause : new Error(`the worker threw ${String(cause)}`)),
      );
      worker.on("exit", (code) => listener.failure(new Error(`the worker exited with code ${code}`)));
    },
    post: (message, transfer) => worker.postMessage(message, transfer),
    terminate: () => worker.terminate(),
    busy(busy) {
      if (busy) worker.ref();
      else worker.unref();
    },
  };
}

/** A worker must not inherit flags such as `--import` or `--test`: it runs one file of ours and nothing else. */
function start(file: URL): Worker {
  return new Worker(file.pathname.endsWith(".ts") ? bundleSources(file) : file, { execArgv: [] });
}
