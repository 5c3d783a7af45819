import { blockBytes } from "../plan-slots.js";
import {
  type ClusterTable,
  type CompressedFile,
  clusterAlgorithms,
  type FlatFile,
  type InlineCluster,
  noCluster,
} from "../stored.js";
import type { Repeat } from "./dedupe.js";
import { growing } from "./numbers.js";
import type { Item } from "./schedule.js";
import type { Stream } from "./streams.js";
import type { CompressResult } from "./task.js";

/** A run of a stream as clusters: `count` of them from `firstCluster` on, or an inline end. */
export interface Run {
  readonly start: number;
  readonly end: number;
  readonly firstCluster: number;
  readonly count: number;
  readonly inline: InlineCluster | undefined;
}

/** Collects results, in their order, into the one table of clusters. */
export function clusterCollector() {
  const firstBlock = growing(Float64Array);
  const decodedBytes = growing(Uint32Array);
  const algorithm = growing(Uint8Array);
  const runs = new Map<Stream, Run[]>();
  let blocks = 0;
  let inlineBytes = 0;

  return {
    runs,
    /** Blocks so far. */
    blocks: () => blocks,
    add(items: readonly Item[], result: CompressResult, inlineAlgorithm: InlineCluster["algorithm"]): void {
      let cluster = decodedBytes.length;
      result.blocks.forEach((count, index) => {
        firstBlock.push(blocks);
        decodedBytes.push(result.decodedBytes[index] ?? 0);
        algorithm.push(result.algorithms[index] ?? 0);
        blocks += count;
      });
      items.forEach(({ stream, start }, index) => {
        const count = result.clusters[index] ?? 0;
        const size = result.inlineSizes[index] ?? 0;
        const end = start + (result.consumed[index] ?? 0);
        const inline = size > 0 ? { algorithm: inlineAlgorithm, offset: inlineBytes, size } : undefined;
        const list = runs.get(stream);
        const run = { start, end, firstCluster: cluster, count, inline };
        if (list) list.push(run);
        else runs.set(stream, [run]);
        cluster += count;
        inlineBytes += size;
      });
    },
    table(): ClusterTable {
      const count = decodedBytes.length;
      firstBlock.push(blocks);
      return {
        count,
        firstBlock: firstBlock.take(),
        decodedBytes: decodedBytes.take(),
        algorithm: algorithm.take(),
      };
    },
  };
}

/** Extents in order: where each begins, and its cluster. */
interface ExtentList {
  readonly starts: readonly number[];
  readonly clusters: readonly number[];
  readonly inline: InlineCluster | undefined;
  /** Where they end. */
  readonly end: number;
}

/** What the stream's own runs come to, sorted. */
function ownExtents(runs: readonly Run[], table: ClusterTable): ExtentList {
  const starts: number[] = [];
  const clusters: number[] = [];
  let inline: InlineCluster | undefined;
  let end = 0;
  for (const run of [...runs].sort((a, b) => a.start - b.start)) {
    let at = run.start;
    for (let cluster = run.firstCluster; cluster < run.firstCluster + run.count; cluster++) {
      starts.push(at);
      clusters.push(cluster);
      at += table.decodedBytes[cluster] ?? 0;
    }
    if (run.inline) {
      starts.push(at);
      clusters.push(noCluster);
      inline = run.inline;
    }
    end = run.end;
  }
  return { starts, clusters, inline, end };
}

/** Puts the clusters of files together from what was compressed and what repeats that. */
export function fileAssembler(
  runs: ReadonlyMap<Stream, readonly Run[]>,
  repeats: ReadonlyMap<Stream, readonly Repeat[]>,
  table: ClusterTable,
) {
  const known = new Map<Stream, ExtentList>();
  const own = (stream: Stream): ExtentList => {
    const list = known.get(stream) ?? ownExtents(runs.get(stream) ?? [], table);
    known.set(stream, list);
    return list;
  };
  const extentsOf = (stream: Stream): ExtentList => {
    const list = own(stream);
    const repeated = repeats.get(stream);
    if (repeated === undefined) return list;
    const extents = list.starts.map((start, index) => ({ start, cluster: list.clusters[index] ?? 0 }));
    let end = list.end;
    for (const repeat of repeated) {
      extents.push(...repeatedExtents(repeat, own(repeat.source)));
      end = Math.max(end, repeat.end);
    }
    extents.sort((a, b) => a.start - b.start);
    const starts = extents.map(({ start }) => start);
    return { starts, clusters: extents.map(({ cluster }) => cluster), inline: list.inline, end };
  };
  return (stream: Stream, fragmentOffset: number | undefined): CompressedFile | FlatFile => {
    const { starts, clusters, inline, end } = extentsOf(stream);
    const firstBlock = inline || fragmentOffset !== undefined ? undefined : flatBlock(clusters, table);
    if (firstBlock !== undefined) return { kind: "flat", firstBlock, inline: undefined };
    return {
      kind: "compressed",
      starts: Float64Array.from(starts),
      clusters: Uint32Array.from(clusters),
      inline,
      extentsEnd: end,
      fragmentOffset,
    };
  };
}

/** The source's extents, which begin and end where the repeat does, at the repeat's place. */
function repeatedExtents({ start, end, from }: Repeat, { starts, clusters }: ExtentList) {
  const extents: { start: number; cluster: number }[] = [];
  const last = from + end - start;
  let index = lowerBound(starts, from);
  if (starts[index] !== from) throw new TypeError(`no cluster begins at ${from}`);
  for (; index < starts.length; index++) {
    const at = starts[index] ?? 0;
    if (at >= last) break;
    extents.push({ start: at - from + start, cluster: clusters[index] ?? 0 });
  }
  return extents;
}

/** The first index whose value is not below `value`. */
function lowerBound(values: readonly number[], value: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Where a file begins in the data area if it is just stored blocks, one behind the other. */
function flatBlock(clusters: readonly number[], table: ClusterTable): number | undefined {
  const [first] = clusters;
  if (first === undefined) return undefined;
  const stored = clusterAlgorithms.indexOf("stored");
  const last = first + clusters.length - 1;
  const isPlain = clusters.every((cluster, index) => {
    // Blocks that are not full leave gaps.
    const isFull = cluster === last || (table.decodedBytes[cluster] ?? 0) % blockBytes === 0;
    return cluster === first + index && table.algorithm[cluster] === stored && isFull;
  });
  return isPlain ? table.firstBlock[first] : undefined;
}
