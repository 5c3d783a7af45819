import { serveTasks } from "@sextant/workers/node";
import type { CompressionResult, CompressionTask } from "./compress/task.js";
import { batchWriter, type ExtractBatch, type ExtractResult } from "./node/extract-batch.js";

type Compress = (task: CompressionTask, transfer: (buffer: ArrayBuffer) => void) => CompressionResult;

let writeBatch: ((batch: ExtractBatch) => ExtractResult) | undefined;
let compress: Promise<Compress> | undefined;

// Loaded when it is needed, because a worker that loads less starts sooner, and extraction waits for it.
async function loadCompress(): Promise<Compress> {
  const [{ workOn }, { nodeHasher }] = await Promise.all([
    import("./compress/runner.js"),
    import("@sextant/bytes/node"),
  ]);
  return workOn(nodeHasher);
}

serveTasks(async (task: CompressionTask | ExtractBatch, transfer) => {
  if (task.kind === "extract") {
    writeBatch ??= batchWriter();
    return writeBatch(task);
  }
  compress ??= loadCompress();
  return (await compress)(task, transfer);
});
