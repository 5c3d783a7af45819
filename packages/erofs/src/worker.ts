import { serveTasks } from "@sextant/workers/node";
import type { CompressionResult, CompressionTask } from "./compress/task.js";
import type { ExtractBatch, ExtractResult } from "./node/extract-batch.js";

type Handler = (task: never, transfer: (buffer: ArrayBuffer) => void) => CompressionResult | ExtractResult;

// Loaded by what comes first, because a worker that loads less starts sooner.
async function load(task: CompressionTask | ExtractBatch): Promise<Handler> {
  if (task.kind === "extract") return (await import("./node/extract-batch.js")).batchWriter();
  const [{ workOn }, { nodeHasher }] = await Promise.all([
    import("./compress/runner.js"),
    import("@sextant/bytes/node"),
  ]);
  return workOn(nodeHasher);
}

let handler: Promise<Handler> | undefined;

serveTasks(async (task: CompressionTask | ExtractBatch, transfer) => {
  handler ??= load(task);
  return (await handler)(task as never, transfer);
});
