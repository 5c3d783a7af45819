import { viewOf } from "@sextant/bytes";
import type { ClusterAlgorithm } from "../stored.js";
import { algorithm, extentLength, extentRecord, extentRecordBytes, firstExtentAddress } from "./layout.js";
import type { MappedExtent } from "./write-lclusters.js";

/** How the extent records of a file are written. */
export interface RecordShape {
  /** 4, 8, 16 or 32. */
  readonly recordBytes: number;
  /** Of records of 4 or 8 bytes: how long each extent but the last one is; of others a block. */
  readonly clusterBytes: number;
  /** Of all records, and of what stands before those of 4 bytes. */
  readonly bytes: number;
}

/**
 * Records of 4 bytes have to be read from the first one on for each read in the file: more than this many would be slow
 * where 8 bytes each are not.
 */
const maxChained = 256;

/** What bounds the fields of records. */
export interface RecordLimits {
  /** Bytes of the file. */
  readonly size: number;
  readonly blockBytes: number;
  /** The block that those of `extents` count from, at most. */
  readonly maxDataBlock: number;
}

/** Undefined where there is an inline extent, for which there is no record. */
export function recordShape(extents: readonly MappedExtent[], limits: RecordLimits): RecordShape | undefined {
  const { size, blockBytes } = limits;
  if (extents.at(-1)?.kind === "inline") return undefined;
  const { length, address, logical, all } = extentRecordBytes;
  const count = extents.length;
  const shaped = (recordBytes: number, clusterBytes: number) => ({
    recordBytes,
    clusterBytes,
    bytes: recordBytes * count + (recordBytes === length ? firstExtentAddress.size : 0),
  });
  const clusterBytes = equalLength(extents, blockBytes);
  if (clusterBytes !== undefined) {
    const [chained, addressed] = [shaped(length, clusterBytes), shaped(address, clusterBytes)];
    const isAddressed = isBelow32Bits(extents, limits);
    if (isChained(extents) && !(isAddressed && (count > maxChained || addressed.bytes <= chained.bytes)))
      return chained;
    if (isAddressed) return addressed;
  }
  return shaped(size > 2 ** 32 ? all : logical, blockBytes);
}

/** The power of two that is the length of every extent but the last, which is no longer. */
function equalLength(extents: readonly MappedExtent[], blockBytes: number): number | undefined {
  const [first] = extents;
  if (first === undefined) return undefined;
  const length = Math.max(blockBytes, 2 ** Math.ceil(Math.log2(first.end - first.start)));
  const fits = extents.every(({ start, end }, index) =>
    index === extents.length - 1 ? end - start <= length : end - start === length,
  );
  return fits && length / blockBytes <= 2 ** 15 ? length : undefined;
}

/** Whether each cluster begins where the one before it ends; a fragment's offset then has 32 bits. */
function isChained(extents: readonly MappedExtent[]): boolean {
  return extents.every(({ kind, address }, index) => {
    const before = extents[index - 1];
    if (kind === "fragment") return address < 2 ** 32;
    return before === undefined || before.address + before.blocks === address;
  });
}

/** Whether 32 bits hold every address in bytes. */
function isBelow32Bits(extents: readonly MappedExtent[], { blockBytes, maxDataBlock }: RecordLimits): boolean {
  return extents.every(({ kind, address }) => kind === "fragment" || (maxDataBlock + address) * blockBytes < 2 ** 32);
}

/** Extent records; addresses count from the start of the image. */
export function encodeRecords(extents: readonly MappedExtent[], shape: RecordShape, blockBytes: number): Uint8Array {
  const { recordBytes } = shape;
  const { offsets } = extentRecord;
  const bytes = new Uint8Array(shape.bytes);
  const view = viewOf(bytes);
  let at = 0;
  if (recordBytes === extentRecordBytes.length) {
    view.setBigUint64(0, BigInt((extents[0]?.address ?? 0) * blockBytes), true);
    at = firstExtentAddress.size;
  }
  for (const extent of extents) {
    const { length, physical } = extentFields(extent, blockBytes);
    view.setUint32(at + offsets.length, length, true);
    if (recordBytes >= extentRecordBytes.address) view.setUint32(at + offsets.physicalLow, physical % 2 ** 32, true);
    if (recordBytes >= extentRecordBytes.logical) {
      view.setUint32(at + offsets.physicalHigh, Math.floor(physical / 2 ** 32), true);
      view.setUint32(at + offsets.logicalLow, extent.start % 2 ** 32, true);
    }
    if (recordBytes >= extentRecordBytes.all) {
      view.setUint32(at + offsets.logicalHigh, Math.floor(extent.start / 2 ** 32), true);
    }
    at += recordBytes;
  }
  return bytes;
}

/** What stands as length and physical address. */
function extentFields({ kind, algorithm: name, address, blocks, partial }: MappedExtent, blockBytes: number) {
  if (kind === "fragment") return { length: address % 2 ** 32, physical: Math.floor(address / 2 ** 32) };
  const length = blocks * blockBytes + (partial ? extentLength.partial : 0);
  return { length: length + formatOf(name) * 2 ** extentLength.formatShift, physical: address * blockBytes };
}

const formatOf = (name: ClusterAlgorithm) => (name === "stored" ? 0 : 1 + algorithm[name]);
