import { concatBytes } from "@sextant/bytes";
import type { ClusterEncoder } from "@sextant/codecs";
import { type ClusterAlgorithm, clusterAlgorithms } from "../stored.js";
import { encoderFor } from "./encoders.js";
import { type CompressResult, type CompressTask, itemTail } from "./task.js";

/**
 * The most that an inline end has: with the inode, its index and its xattrs it has to fit in a block, and what leaves most of
 * a block empty saves nothing.
 */
const inlineLimit = (blockBytes: number) => blockBytes - (blockBytes >> 2);

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
  const endOf = endRule(tail, end, blockBytes);
  let at = start;
  let inlineSize = 0;
  while (at < end && inlineSize === 0) {
    if (tail === itemTail.fragment && end - at <= clusterBytes) break;
    const filled = fillCluster(encoder, at, end, clusterBytes, endOf);
    const size = filled?.bytes.length ?? 0;
    const consumed = filled?.consumed ?? 0;
    const isLast = at + consumed === end;
    if (filled && tail === itemTail.inline && isLast && size <= inlineLimit(blockBytes) && size < consumed) {
      results.addInline(filled.bytes);
      inlineSize = size;
      at = end;
    } else if (filled && Math.ceil(size / blockBytes) < Math.ceil(consumed / blockBytes)) {
      results.add(filled.bytes, consumed);
      at += consumed;
    } else {
      const next = endOf(at, Math.min(end, at + clusterBytes));
      results.addStored(task.bytes.subarray(at, next));
      at = next;
    }
  }
  results.endItem(at - start, inlineSize);
}

/** Fills a cluster that ends where `endOf` lets it; undefined where that is no use. */
function fillCluster(encoder: ClusterEncoder, at: number, end: number, clusterBytes: number, endOf: EndRule) {
  const filled = encoder.fill(at, end, clusterBytes);
  if (filled === undefined) return undefined;
  const next = at + filled.consumed;
  const wanted = endOf(at, next);
  if (wanted === next) return filled;
  return wanted < next ? encoder.fill(at, wanted, clusterBytes) : undefined;
}

/** Where a cluster from `at` on ends that would end at `next`. */
type EndRule = (at: number, next: number) => number;

/**
 * No two extents of a file may begin in the same block. So where more of the file follows behind `end`, the last cluster
 * holds a block at least, or everything, which may take one block more than a cluster has.
 */
function endRule(tail: number, end: number, blockBytes: number): EndRule {
  if (tail !== itemTail.inner && tail !== itemTail.cut) return (_, next) => next;
  const least = tail === itemTail.cut ? blockBytes : 1;
  return (at, next) => {
    if (next >= end || end - next >= blockBytes) return next;
    return end - blockBytes - at >= least ? end - blockBytes : end;
  };
}

type Collector = ReturnType<typeof collector>;

/** Tasks run one after another, so their results are put together in the same memory. */
let scratch = new Uint8Array(0);

function collector({ bytes, sizes, blockBytes, compression }: CompressTask) {
  // A cluster is never larger than what it holds, but for the last block.
  const limit = bytes.length + (sizes.length + 1) * blockBytes;
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
