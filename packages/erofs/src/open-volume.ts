import type { ByteSource } from "@sextant/bytes";
import { openData } from "./data.js";
import { readInode } from "./inode.js";
import { readVolume, type Volume } from "./volume.js";

/** Options of everything that opens an image. */
export interface OpenOptions {
  /** The extra devices of the image's device table, in its order. Default: none. */
  readonly devices?: readonly ByteSource[];
  /** Most bytes of decompressed data that are kept; a cluster that alone is larger is not. Default 16 MiB. */
  readonly clusterCacheBytes?: number | undefined;
}

const defaultCacheBytes = 16 * 1024 * 1024;

/** Reads and checks the superblock: one request of 4096 bytes (and one more where blocks are larger). */
export function openVolume(source: ByteSource, options: OpenOptions = {}): Promise<Volume> {
  const { devices = [], clusterCacheBytes = defaultCacheBytes } = options;
  return readVolume(source, { devices, clusterCacheBytes }, async (volume, nid) =>
    openData(volume, await readInode(volume, nid)),
  );
}
