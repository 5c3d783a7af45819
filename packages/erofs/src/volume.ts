import { type ByteSource, cached } from "@sextant/bytes";
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
  /** The device table, read when first needed. */
  devices(): Promise<readonly Device[]>;
  /** Long xattr prefixes, read when first needed. */
  readonly prefixes: { loaded?: Promise<readonly LongPrefix[]> };
}

/** Grain of metadata reads: what a matcher pays for the first look at an image. */
const pageBytes = 4096;
/** 1 MiB of metadata is kept. */
const pagesKept = 256;

/** Reads and checks the superblock: one request of 4096 bytes (and one more where blocks are larger). */
export async function openVolume(source: ByteSource, extra: readonly ByteSource[]): Promise<Volume> {
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
  let devices: Promise<readonly Device[]> | undefined;
  return {
    superblock,
    source,
    pages,
    devices: () => {
      devices ??= readDevices(superblock, pages, extra);
      return devices;
    },
    prefixes: {},
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
