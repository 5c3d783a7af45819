import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { nodeWorker } from "@sextant/workers/node";
import type { CompressOptions } from "./compress/compress.js";

/** Built, this file stands beside the worker; in a checkout, it runs the worker's source. */
const built = new URL("./worker.js", import.meta.url);
const workerFile = existsSync(fileURLToPath(built)) ? built : new URL("./worker.ts", import.meta.url);

/** Threads for `compress`: `jobs` of them, default the number of processors. */
export function compressionWorkers(jobs = availableParallelism()): NonNullable<CompressOptions["workers"]> {
  return { size: jobs, spawn: () => nodeWorker(workerFile) };
}

export {
  type ContentWriterOptions,
  contentWriter,
  type ImageContentWriter,
  type ImageFile,
} from "./node/content-writer.js";
