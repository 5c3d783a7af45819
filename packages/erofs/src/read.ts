import { type ByteSource, toHex } from "@sextant/bytes";
import type { Name } from "@sextant/tree";
import { type LazyNode, nameToText } from "@sextant/tree";
import type { ClusterStats } from "./compressed/cache.js";
import type { DataExtent } from "./compressed/extents.js";
import { featureNames } from "./features.js";
import { readInode } from "./inode.js";
import type { SuperblockRecord } from "./layout.js";
import { loadNode } from "./lazy-node.js";
import { mapExtents } from "./map-data.js";
import { type OpenOptions, openVolume } from "./open-volume.js";
import { withVolume } from "./origins.js";
import type { Device } from "./volume.js";

/** An open EROFS image. */
export interface ErofsImage {
  /** As it is on disk. */
  readonly superblock: SuperblockRecord;
  readonly blockBytes: number;
  /** What the superblock states: blocks × block size. The source may be longer. */
  readonly sizeBytes: number;
  /** Names of the features in use, as `dump.erofs` has them. */
  readonly features: readonly string[];
  readonly label: string;
  /** In the usual form, lower case. */
  readonly uuid: string;
  readonly rootNid: number;
  root(): Promise<LazyNode>;
  /** The node of an inode number, which is the `id` of the nodes of this tree. Throws `MALFORMED_INODE`. */
  node(nid: number): Promise<LazyNode>;
  /** The extra devices that the image names. */
  devices(): Promise<readonly Device[]>;
  /**
   * Where bytes `[start, end)` of an inode's data are stored, by default all of them: extents in order and without gaps.
   * Reads metadata only. Clusters and fragments are whole, other extents are cut to the range.
   */
  extents(nid: number, start?: number, end?: number): Promise<readonly DataExtent[]>;
  /** What reading compressed data has cost so far. */
  readonly clusterStats: Readonly<ClusterStats>;
}

/**
 * Opens an image: one request for its first 4096 bytes (one more where its blocks are larger), which are kept, as is all
 * metadata read later (1 MiB of it, 4096 bytes a request). Nodes are then read one by one as they are asked for.
 *
 * Throws `ErofsError`: `MALFORMED_SUPERBLOCK`, `MALFORMED_TRUNCATED`, `MISMATCH_CHECKSUM`, `UNSUPPORTED_FEATURE`,
 * `UNSUPPORTED_COMPRESSION`.
 */
export async function open(source: ByteSource, options: OpenOptions = {}): Promise<ErofsImage> {
  const volume = await openVolume(source, options);
  const { record, blockBytes, blocks, rootNid } = volume.superblock;
  return {
    superblock: record,
    blockBytes,
    sizeBytes: blocks * blockBytes,
    features: featureNames(record),
    label: nameToText(record.volumeName as Name),
    uuid: formatUuid(record.uuid),
    rootNid,
    root: () => loadNode(volume, rootNid),
    node: (nid) => loadNode(volume, nid),
    devices: () => volume.devices(),
    extents: async (nid, start, end) => mapExtents(volume, await readInode(volume, nid), start, end),
    clusterStats: volume.clusters.stats,
    ...withVolume(volume),
  };
}

/** Sixteen bytes in the usual form: 8-4-4-4-12 digits. */
export function formatUuid(uuid: Uint8Array): string {
  return toHex(uuid).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
