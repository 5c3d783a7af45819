import { serveTasks } from "@sextant/workers/node";
import { rangeHasher } from "./range.js";

/** What a worker of `hashFile` and `checkFile` does. */
export function serveRanges(): void {
  const hashRange = rangeHasher();
  serveTasks(async (task: Parameters<typeof hashRange>[0], transfer) => {
    const digests = await hashRange(task);
    transfer(digests.buffer);
    return digests;
  });
}
