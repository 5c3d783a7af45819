import { type ByteSource, cached } from "@sextant/bytes";
import { type ClusterDecoder, clusterDecoder } from "@sextant/codecs";
import { type ClusterCache, clusterCache } from "./compressed/cache.js";
import { ErofsError } from "./errors.js";
import { featureIncompat, hasFeature } from "./features.js";
import { deviceSlotRecord, superblockRecord, superOffset } from "./layout.js";
import type { LongPrefix } from "./prefixes.js";
import { checkChecksum, checksumEnd, decodeSuperblock, type Superblock } from "./superblock.js";

/** A device besides the primary one, as the device table has it. */
export interface Device {
  /** As the image's maker named it; often a digest. */
  readonly tag: string;
  readonly blocks: number;
  /** Where it begins in the one address space of all devices, in blocks; 0: it is not in there. */
  readonly startBlock: number;
  /** Undefined: its bytes were not given to `open`. */
  readonly source: ByteSource | undefined;
}

/** An open image: what every reading function works on. */
export interface Volume {
  readonly superblock: Superblock;
  /** The primary device. File data is read from here. */
  readonly source: ByteSource;
  /** The same through a cache of pages, for metadata. */
  readonly pages: ByteSource;
  /** Decoded clusters, and what they cost. */
  readonly clusters: ClusterCache;
  readonly decoder: ClusterDecoder;
  /** The device table, read when first needed. */
  devices(): Promise<readonly Device[]>;
  /** The data of the metabox inode, through a cache of pages. Throws `MALFORMED_INODE` where there is none. */
  metabox(): Promise<ByteSource>;
  /** The data of the packed inode. Throws `MALFORMED_FRAGMENT` where there is none. */
  packed(): Promise<ByteSource>;
  /** Long xattr prefixes, read when first needed. */
  readonly prefixes: { load?: () => Promise<readonly LongPrefix[]> };
}

/** What opens a volume besides its source. */
export interface VolumeOptions {
  /** The extra devices of the device table, in its order. */
  readonly devices: readonly ByteSource[];
  readonly clusterCacheBytes: number;
}

/** What gives the data of an inode; it needs a volume, and a volume needs it. */
export type OpenInode = (volume: Volume, nid: number) => Promise<ByteSource>;

/** Grain of metadata reads: what a matcher pays for the first look at an image. */
const pageBytes = 4096;
/** 1 MiB of metadata is kept. */
const pagesKept = 256;

/** Reads and checks the superblock: one request of 4096 bytes (and one more where blocks are larger). */
export async function readVolume(source: ByteSource, options: VolumeOptions, openInode: OpenInode): Promise<Volume> {
  const end = superOffset + superblockRecord.size;
  if (source.size < end) {
    throw new ErofsError("MALFORMED_TRUNCATED", `${source.size} bytes cannot hold a superblock that ends at ${end}`, {
      path: "superblock",
      offset: source.size,
      source: source.name,
    });
  }
  const pages = cached(source, { pageBytes, pages: pagesKept });
  const superblock = decodeSuperblock(await pages.read(0, Math.min(pageBytes, source.size)));
  const sizeBytes = superblock.blocks * superblock.blockBytes;
  if (sizeBytes > source.size) {
    throw new ErofsError("MALFORMED_TRUNCATED", `the image is ${sizeBytes} bytes long, only ${source.size} are here`, {
      path: "superblock.blocksLow",
      offset: superOffset + superblockRecord.offsets.blocksLow,
      source: source.name,
    });
  }
  checkChecksum(superblock, await readBytes(pages, 0, checksumEnd(superblock.blockBytes), "superblock"));
  const volume: Volume = {
    superblock,
    source,
    pages,
    clusters: clusterCache(options.clusterCacheBytes),
    decoder: clusterDecoder(),
    devices: once(() => readDevices(superblock, pages, options.devices)),
    metabox: once(async () => {
      const { metaboxNid } = superblock;
      if (metaboxNid === undefined) throw missing("MALFORMED_INODE", "an inode is in the metabox, which is missing");
      return cached(await openInode(volume, metaboxNid), { pageBytes, pages: pagesKept });
    }),
    packed: once(async () => {
      const { packedNid } = superblock;
      if (packedNid === 0) throw missing("MALFORMED_FRAGMENT", "data is in the packed inode, which is missing");
      return openInode(volume, packedNid);
    }),
    prefixes: {},
  };
  return volume;
}

const missing = (code: "MALFORMED_INODE" | "MALFORMED_FRAGMENT", message: string) =>
  new ErofsError(code, message, { path: "superblock", offset: superOffset });

/** The same promise for every call, until it fails: what a source could not give, it may give later. */
export function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined;
  return () => {
    if (loaded !== undefined) return loaded;
    const loading = load();
    loaded = loading;
    loading.catch(() => {
      loaded = undefined;
    });
    return loading;
  };
}

/** Bytes of a source that an address in the image points at; throws `MALFORMED_TRUNCATED` where the source ends before. */
export async function readBytes(source: ByteSource, start: number, end: number, path: string): Promise<Uint8Array> {
  if (!(start >= 0 && start <= end && end <= source.size)) {
    throw new ErofsError("MALFORMED_TRUNCATED", `${path} ends at byte ${end} of ${source.size}`, {
      path,
      offset: start,
      source: source.name,
    });
  }
  return source.read(start, end);
}

/** How many extra devices the image has. */
export function deviceCount({ record }: Superblock): number {
  return hasFeature(record.featureIncompat, featureIncompat.deviceTable) ? record.extraDevices : 0;
}

async function readDevices(
  superblock: Superblock,
  pages: ByteSource,
  extra: readonly ByteSource[],
): Promise<readonly Device[]> {
  const { record } = superblock;
  const count = deviceCount(superblock);
  const base = record.deviceTableSlot * deviceSlotRecord.size;
  const bytes = await readBytes(pages, base, base + count * deviceSlotRecord.size, "device table");
  const wide = hasFeature(record.featureIncompat, featureIncompat.layout48);
  return Array.from({ length: count }, (_, index) => {
    const slot = deviceSlotRecord.decode(bytes, index * deviceSlotRecord.size, base);
    return {
      tag: slot.tag,
      blocks: slot.blocksLow + (wide ? slot.blocksHigh * 2 ** 32 : 0),
      startBlock: slot.startBlockLow + (wide ? slot.startBlockHigh * 2 ** 32 : 0),
      source: extra[index],
    };
  });
}
