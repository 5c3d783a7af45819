import { statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { ExtractOptions } from "../extraction.js";

/** Images from this size on are worth a worker. */
const workerBytes = 16 << 20;

/** Unpacks an image, or what is below one of its directories, into a new or empty directory. */
export async function extract(where: string, path: string, options: ExtractOptions): Promise<number> {
  const worker = startWorker(where, options);
  try {
    const { extractImage } = await import("../extraction.js");
    return await extractImage(where, path, options, worker ? [worker] : []);
  } finally {
    await worker?.terminate();
  }
}

/** A worker takes as long to start as all that an extraction is made of: it does so while that is loaded. */
function startWorker(where: string, { certificate }: ExtractOptions): Worker | undefined {
  try {
    const { size } = statSync(where);
    if (certificate !== undefined || size < workerBytes || availableParallelism() < 2) return undefined;
    const worker = new Worker(new URL("worker.js", import.meta.resolve("@sextant/erofs/node")), { execArgv: [] });
    // One that cannot start is not missed: others do its work.
    worker.on("error", () => {});
    worker.unref();
    return worker;
  } catch {
    // There is no such file, or it is a URL; whoever opens it will say so.
    return undefined;
  }
}
