export { WorkerPoolError, type WorkerPoolErrorCode } from "./errors.js";
export { type MapOptions, type PoolOptions, type TaskOptions, WorkerPool } from "./pool.js";
export type { TaskHandler, WorkerLike, WorkerListener } from "./protocol.js";
export { serveWebWorker, type WebWorker, type WebWorkerScope, webWorker } from "./web.js";
