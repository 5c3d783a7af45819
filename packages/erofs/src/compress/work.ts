import { concatBytes } from "@sextant/bytes";
import type { ClusterEncoder } from "@sextant/codecs";
import { type ClusterAlgorithm, clusterAlgorithms } from "../stored.js";
import { encoderFor } from "./encoders.js";
import { type CompressResult, type CompressTask, itemTail } from "./task.js";

/**
 * The most that an inline end has. It has to stand in one block, where most inodes with their index take less than this
 * leaves; a tighter limit saves less. (Debian packages of 165 MB at lz4, 4 KiB: 98.8 MB at three quarters, 98.5 MB here.)
 */
const inlineLimit = (blockBytes: number) => blockBytes - 200;

const stored = clusterAlgorithms.indexOf("stored");

/** Compresses a task. The same task gives the same result, in any thread and whatever came before. */
export function compressTask(task: CompressTask, transfer: (buffer: ArrayBuffer) => void): CompressResult {
  const encoder = encoderFor(task.compression);
  encoder.input(task.bytes.length).set(task.bytes);
  const results = collector(task);
  let at = 0;
  task.sizes.forEach((size, item) => {
    compressItem(task, encoder, results, { start: at, end: at + size, tail: task.tails[item] ?? itemTail.blocks });
    at += size;
  });
  const result = results.finish();
  for (const array of Object.values(result)) transfer(array.buffer as ArrayBuffer);
  return result;
}

interface Item {
  readonly start: number;
  readonly end: number;
  readonly tail: number;
}

function compressItem(
  task: CompressTask,
  encoder: ClusterEncoder,
  results: Collector,
  { start, end, tail }: Item,
): void {
  const { blockBytes, compression } = task;
  const { clusterBytes } = compression;
  let at = start;
  let inlineSize = 0;
  while (at < end && inlineSize === 0) {
    if (tail === itemTail.fragment && end - at <= clusterBytes) break;
    if (tail === itemTail.cut && end - at < 4 * blockBytes) {
      finishItem(task, encoder, results, at, end);
      at = end;
      break;
    }
    const filled = fillCluster(encoder, at, end, task, tail);
    const size = filled?.bytes.length ?? 0;
    const consumed = filled?.consumed ?? 0;
    const isLast = at + consumed === end;
    // A cluster that is not full holds more where others' ends fill it up.
    if (tail === itemTail.fragment && isLast && Math.ceil(size / blockBytes) < clusterBytes / blockBytes) break;
    if (filled && tail === itemTail.inline && isLast && size <= inlineLimit(blockBytes) && size < consumed) {
      results.addInline(filled.bytes);
      inlineSize = size;
      at = end;
    } else if (filled && isSmaller(size, consumed, blockBytes)) {
      results.add(filled.bytes, consumed);
      at += consumed;
    } else {
      const next = storedEnd(at, end, task, tail);
      results.addStored(task.bytes.subarray(at, next));
      at = next;
    }
  }
  results.endItem(at - start, inlineSize);
}

const isSmaller = (size: number, consumed: number, blockBytes: number) =>
  Math.ceil(size / blockBytes) < Math.ceil(consumed / blockBytes);

/**
 * What an item that is cut anywhere leaves for its last cluster at least. No two extents of a file may begin in the same
 * block, wherever in a file these clusters come again: so none is shorter than a block, and the last one, which may be larger
 * than its content, begins two blocks before the end so that the file's index has room to say how large.
 */
const cutRest = (blockBytes: number) => 2 * blockBytes;

function fillCluster(encoder: ClusterEncoder, at: number, end: number, task: CompressTask, tail: number) {
  const { clusterBytes } = task.compression;
  const filled = encoder.fill(at, end, clusterBytes);
  const rest = end - at - (filled?.consumed ?? 0);
  if (tail !== itemTail.cut || rest === 0 || rest >= cutRest(task.blockBytes)) return filled;
  return encoder.fill(at, end - cutRest(task.blockBytes), clusterBytes);
}

/** Where a stored cluster from `at` on ends: whole blocks, unless it is the last one. */
function storedEnd(at: number, end: number, { blockBytes, compression }: CompressTask, tail: number): number {
  const next = Math.min(end, at + compression.clusterBytes);
  if (tail !== itemTail.cut) return next;
  const count = Math.min(next, end - cutRest(blockBytes)) - at;
  return at + count - (count % blockBytes);
}

/** The last cluster of an item that is cut anywhere: compressed even where that makes it larger, as it has no other form. */
function finishItem(task: CompressTask, encoder: ClusterEncoder, results: Collector, at: number, end: number): void {
  const { blockBytes, bytes, compression } = task;
  const filled = encoder.fill(at, end, Math.max(compression.clusterBytes, 6 * blockBytes));
  if (filled?.consumed !== end - at) throw new RangeError(`${end - at} bytes do not fit into six blocks`);
  const isWhole = filled.consumed % blockBytes === 0;
  if (isWhole && !isSmaller(filled.bytes.length, filled.consumed, blockBytes))
    results.addStored(bytes.subarray(at, end));
  else results.add(filled.bytes, filled.consumed);
}

type Collector = ReturnType<typeof collector>;

/** Tasks run one after another, so their results are put together in the same memory. */
let scratch = new Uint8Array(0);

function collector({ bytes, sizes, blockBytes, compression }: CompressTask) {
  // A cluster is never larger than what it holds, but for the last block, and one where an item is cut.
  const limit = bytes.length + (sizes.length + 1) * 2 * blockBytes;
  if (scratch.length < limit) scratch = new Uint8Array(limit);
  const data = scratch;
  const algorithm = clusterAlgorithms.indexOf(algorithmOf(compression.method));
  const blocks: number[] = [];
  const decoded: number[] = [];
  const algorithms: number[] = [];
  const inline: Uint8Array[] = [];
  const clusters = new Uint32Array(sizes.length);
  const consumed = new Uint32Array(sizes.length);
  const inlineSizes = new Uint32Array(sizes.length);
  let at = 0;
  let item = 0;
  let first = 0;

  const addCluster = (cluster: Uint8Array, padBefore: boolean, decodedBytes: number, code: number) => {
    const count = Math.ceil(cluster.length / blockBytes);
    const end = at + count * blockBytes;
    const padding = count * blockBytes - cluster.length;
    if (padBefore) data.fill(0, at, at + padding).set(cluster, at + padding);
    else data.fill(0, end - padding, end).set(cluster, at);
    at = end;
    blocks.push(count);
    decoded.push(decodedBytes);
    algorithms.push(code);
  };
  return {
    add: (cluster: Uint8Array, decodedBytes: number) => addCluster(cluster, true, decodedBytes, algorithm),
    addStored: (content: Uint8Array) => addCluster(content, false, content.length, stored),
    addInline: (cluster: Uint8Array) => inline.push(cluster.slice()),
    endItem(bytesDone: number, inlineSize: number) {
      clusters[item] = blocks.length - first;
      consumed[item] = bytesDone;
      inlineSizes[item] = inlineSize;
      first = blocks.length;
      item += 1;
    },
    finish(): CompressResult {
      return {
        data: data.slice(0, at),
        inline: concatBytes(inline),
        blocks: Uint16Array.from(blocks),
        decodedBytes: Uint32Array.from(decoded),
        algorithms: Uint8Array.from(algorithms),
        clusters,
        consumed,
        inlineSizes,
      };
    },
  };
}

/** What readers call it. */
export function algorithmOf(method: CompressTask["compression"]["method"]): ClusterAlgorithm {
  return method === "lz4hc" ? "lz4" : method;
}
