import { serveTasks } from "@sextant/workers/node";
import { type RangeTask, rangeHasher } from "./range.js";

/** What a worker of `hashFile` and `checkFile` does. */
export function serveRanges(): void {
  const hashRange = rangeHasher();
  serveTasks((task: RangeTask, transfer) => {
    const digests = hashRange(task);
    transfer(digests.buffer);
    return digests;
  });
}
