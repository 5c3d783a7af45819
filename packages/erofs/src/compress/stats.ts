import { type ClusterAlgorithm, type ClusterTable, clusterAlgorithms } from "../stored.js";

/** What compressing came to. */
export interface CompressStats {
  /** Of each algorithm that was used. */
  readonly algorithms: readonly AlgorithmStats[];
  /** Bytes in the packed inode. */
  readonly packedBytes: number;
  /** Bytes of files that are copies of others. */
  readonly copiedBytes: number;
  /** Bytes of runs that came before. */
  readonly repeatedBytes: number;
}

/** What one algorithm came to. */
export interface AlgorithmStats {
  readonly algorithm: ClusterAlgorithm;
  readonly clusters: number;
  /** Bytes of content, and of the blocks that it takes. */
  readonly contentBytes: number;
  readonly blocks: number;
}

/** Sums up a table. */
export function statsOf(table: ClusterTable, savings: Omit<CompressStats, "algorithms">): CompressStats {
  const sums = clusterAlgorithms.map((algorithm) => ({ algorithm, clusters: 0, contentBytes: 0, blocks: 0 }));
  for (let index = 0; index < table.count; index++) {
    const sum = sums[table.algorithm[index] ?? 0];
    if (sum === undefined) continue;
    sum.clusters += 1;
    sum.contentBytes += table.decodedBytes[index] ?? 0;
    sum.blocks += (table.firstBlock[index + 1] ?? 0) - (table.firstBlock[index] ?? 0);
  }
  return { algorithms: sums.filter(({ clusters }) => clusters > 0), ...savings };
}
