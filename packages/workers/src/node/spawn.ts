import { Worker } from "node:worker_threads";
import type { WorkerLike } from "../protocol.js";
import { bundleSources } from "./sources.js";

/**
 * A worker thread for a pool: `spawn: () => nodeWorker(new URL("./worker.js", import.meta.url))`. A `.ts` file is
 * bundled first, so that a checkout runs its sources in workers too.
 */
export function nodeWorker(file: URL): WorkerLike {
  // A worker must not inherit flags such as `--import` or `--test`: it runs one file of ours and nothing else.
  const worker = new Worker(file.pathname.endsWith(".ts") ? bundleSources(file) : file, { execArgv: [] });
  worker.unref();
  return {
    listen(listener) {
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
