import { type ClusterTable, type CompressedFile, clusterAlgorithms, type InlineCluster, noCluster } from "../stored.js";
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

/** The extents of a stream whose runs are known. */
export function extentsOf(
  runs: readonly Run[],
  table: ClusterTable,
  fragmentOffset: number | undefined,
): CompressedFile {
  const starts: number[] = [];
  const clusters: number[] = [];
  let inline: InlineCluster | undefined;
  let extentsEnd = 0;
  for (const run of [...runs].sort((a, b) => a.start - b.start)) {
    let at = run.start;
    for (let index = 0; index < run.count && at < run.end; index++) {
      const cluster = run.firstCluster + index;
      starts.push(at);
      clusters.push(cluster);
      at += table.decodedBytes[cluster] ?? 0;
    }
    if (run.inline) {
      starts.push(at);
      clusters.push(noCluster);
      inline = run.inline;
    }
    extentsEnd = run.end;
  }
  return {
    kind: "compressed",
    starts: Float64Array.from(starts),
    clusters: Uint32Array.from(clusters),
    inline,
    extentsEnd,
    fragmentOffset,
  };
}

/** Where the file begins in the data area if it is just stored blocks, one behind the other. */
export function flatBlock(file: CompressedFile, table: ClusterTable): number | undefined {
  const { clusters, inline, fragmentOffset } = file;
  const [first] = clusters;
  if (first === undefined || inline || fragmentOffset !== undefined) return undefined;
  const stored = clusterAlgorithms.indexOf("stored");
  const isPlain = clusters.every((cluster, index) => cluster === first + index && table.algorithm[cluster] === stored);
  return isPlain ? table.firstBlock[first] : undefined;
}
