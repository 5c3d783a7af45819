import { type ByteSource, toHex } from "@sextant/bytes";
import type { Name } from "@sextant/tree";
import { type LazyNode, nameToText } from "@sextant/tree";
import { featureNames } from "./features.js";
import type { SuperblockRecord } from "./layout.js";
import { loadNode } from "./lazy-node.js";
import { type Device, openVolume } from "./volume.js";

export interface OpenOptions {
  /** The extra devices of the image's device table, in its order. Default: none. */
  readonly devices?: readonly ByteSource[];
}

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
}

/**
 * Opens an image: one request for its first 4096 bytes (one more where its blocks are larger), which are kept, as is all
 * metadata read later (1 MiB of it, 4096 bytes a request). Nodes are then read one by one as they are asked for.
 *
 * Throws `ErofsError`: `MALFORMED_SUPERBLOCK`, `MALFORMED_TRUNCATED`, `MISMATCH_CHECKSUM`, `UNSUPPORTED_FEATURE`. An image
 * with compressed files opens; what throws `UNSUPPORTED_COMPRESSION` is the `open()` of such a file's content.
 */
export async function open(source: ByteSource, options: OpenOptions = {}): Promise<ErofsImage> {
  const volume = await openVolume(source, options.devices ?? []);
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
  };
}

/** Sixteen bytes in the usual form: 8-4-4-4-12 digits. */
export function formatUuid(uuid: Uint8Array): string {
  return toHex(uuid).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
