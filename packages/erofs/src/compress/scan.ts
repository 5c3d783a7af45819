import type { Hasher } from "@sextant/bytes";
import { chunkEnd } from "./chunker.js";
import type { ScanResult, ScanTask } from "./task.js";

/** Bytes of a digest that are kept: half of SHA-256, which still nobody makes two contents for. */
export const digestBytes = 16;

/** Cuts each item into chunks and digests them. */
export function scanTask(task: ScanTask, hasher: Hasher, transfer: (buffer: ArrayBuffer) => void): ScanResult {
  const lengths: number[] = [];
  const digests: Uint8Array[] = [];
  const chunks = new Uint32Array(task.sizes.length);
  let start = 0;
  task.sizes.forEach((size, item) => {
    const before = lengths.length;
    for (let at = start; at < start + size; ) {
      const end = chunkEnd(task.bytes, at, start + size);
      lengths.push(end - at);
      digests.push(hasher.hash("sha256", task.bytes.subarray(at, end)));
      at = end;
    }
    chunks[item] = lengths.length - before;
    start += size;
  });
  const joined = new Uint8Array(digests.length * digestBytes);
  for (const [index, digest] of digests.entries()) joined.set(digest.subarray(0, digestBytes), index * digestBytes);
  const result = { chunks, lengths: Uint32Array.from(lengths), digests: joined };
  for (const array of Object.values(result)) transfer(array.buffer);
  return result;
}
