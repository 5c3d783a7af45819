import { answer, type TaskHandler, type TaskRequest, type WorkerLike } from "./protocol.js";

interface WebEvent {
  readonly data?: unknown;
  readonly message?: string;
}

/** The part of a browser's `Worker` that a pool needs. */
export interface WebWorker {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  addEventListener(type: "message" | "messageerror" | "error", listener: (event: WebEvent) => void): void;
  terminate(): void;
}

/** The part of a browser worker's global scope (`self`) that serving tasks needs. */
export interface WebWorkerScope {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  addEventListener(type: "message", listener: (event: WebEvent) => void): void;
}

/**
 * A browser's worker for a pool:
 * `spawn: () => webWorker(new Worker(new URL("./worker.js", import.meta.url), { type: "module" }))`.
 * The `new Worker(new URL(…))` stands in the caller's code because that is where bundlers look for it.
 */
export function webWorker(worker: WebWorker): WorkerLike {
  return {
    listen(listener) {
      worker.addEventListener("message", ({ data }) => listener.message(data));
      worker.addEventListener("messageerror", () => listener.failure(new Error("a message could not be decoded")));
      worker.addEventListener("error", ({ message }) =>
        listener.failure(new Error(message ?? "the worker did not start")),
      );
    },
    post: (message, transfer) => worker.postMessage(message, [...transfer]),
    terminate: async () => worker.terminate(),
  };
}

/** In the browser's worker file: answers the pool's tasks. `scope` is `self`. */
export function serveWebWorker<Task, Result>(scope: WebWorkerScope, handler: TaskHandler<Task, Result>): void {
  scope.addEventListener("message", ({ data }) => {
    void answer(data as TaskRequest, handler, (reply, transfer) => scope.postMessage(reply, [...transfer]));
  });
}
