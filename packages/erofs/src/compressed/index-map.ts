import { ErofsError } from "../errors.js";
import { bodyOffset, type Inode, metadataOf, nidText } from "../inode.js";
import type { Volume } from "../volume.js";
import type { IndexedMap } from "./header.js";
import { type IndexReader, indexReader } from "./index-reader.js";
import type { IndexSection } from "./index-run.js";
import { type AlgorithmName, advise, algorithmNames, compactClusterLog2 } from "./layout.js";
import { compactSections } from "./map-compact.js";
import { fullSections } from "./map-full.js";

/** An inode's indexes and what is needed to follow them. */
export interface IndexMap {
  readonly inode: Inode;
  readonly header: IndexedMap;
  readonly reader: IndexReader;
  readonly sections: readonly IndexSection[];
  /** Where the first index stands, in bytes. */
  readonly offset: number;
  readonly blockBytes: number;
  /** lclusters in all. */
  readonly count: number;
  /** Numbers of the algorithms that the superblock allows, as bits. */
  readonly algorithms: number;
  fail(message: string, lcluster: number): ErofsError;
}

export async function openIndexes(volume: Volume, inode: Inode, header: IndexedMap): Promise<IndexMap> {
  const { blockBytes, algorithms } = volume.superblock;
  const clusterLog2 = Math.log2(header.clusterBytes);
  const count = Math.ceil(inode.size / header.clusterBytes);
  const path = `inode ${nidText(inode.nid)}.lcluster`;
  const narrow = header.kind === "compact" && (header.advise & advise.compacted2b) !== 0;
  if (header.kind === "compact" && clusterLog2 > compactClusterLog2[narrow ? "narrow" : "wide"]) {
    const what = `compact indexes${narrow ? " of 2 bytes" : ""} for lclusters of ${header.clusterBytes} bytes`;
    throw new ErofsError("UNSUPPORTED_COMPRESSION", `there are no ${what}`, { path, offset: inode.offset });
  }
  const big = (header.advise & advise.bigCluster1) !== 0;
  // Kernels count compact indexes in blocks, whatever the size of lclusters.
  const indexes = header.kind === "compact" ? Math.ceil(inode.size / blockBytes) : count;
  const sections =
    header.kind === "full"
      ? fullSections(bodyOffset(inode), count)
      : compactSections(bodyOffset(inode), indexes, { clusterLog2, narrow, big });
  return {
    inode,
    header,
    reader: indexReader(await metadataOf(volume, inode), sections, path),
    sections,
    offset: sections[0]?.offset ?? 0,
    blockBytes,
    count,
    algorithms,
    fail: (message, lcluster) =>
      new ErofsError("MALFORMED_INDEX", message, {
        path: `${path} ${lcluster}`,
        offset: indexOffset(sections, lcluster),
        nid: inode.nid,
      }),
  };
}

/** Where the pack with an lcluster's index stands. */
export function indexOffset(sections: readonly IndexSection[], lcluster: number): number | undefined {
  const section = sections.find(({ first, count }) => lcluster >= first && lcluster < first + count);
  if (section === undefined) return undefined;
  return section.offset + Math.floor((lcluster - section.first) / section.packIndexes) * section.packBytes;
}

/** The name of an algorithm. Throws what `fail` makes where it has none, or the superblock (`allowed`) does not have it. */
export function namedAlgorithm(
  allowed: number,
  number: number,
  fail: (code: "UNSUPPORTED_COMPRESSION" | "MALFORMED_INDEX", message: string) => ErofsError,
): AlgorithmName {
  const name = algorithmNames[number];
  if (name === undefined)
    throw fail("UNSUPPORTED_COMPRESSION", `the data is compressed with unknown algorithm ${number}`);
  if ((allowed & (1 << number)) === 0) {
    throw fail("MALFORMED_INDEX", `the data is compressed with ${name}, which the superblock does not name`);
  }
  return name;
}
