import { crc32cRaw, toSafeNumber } from "@sextant/bytes";
import { algorithm, allAlgorithms } from "./compressed/layout.js";
import { ErofsError } from "./errors.js";
import { checkFeatures, featureCompat, featureIncompat, hasFeature } from "./features.js";
import {
  blockBytesLog2Range,
  metaboxNidBit,
  metaboxNids,
  type SuperblockRecord,
  superblockRecord,
  superblockSlotRecord,
  superMagic,
  superOffset,
  superSlotBytes,
} from "./layout.js";

/** What the superblock says, checked, in the units that the rest works with. */
export interface Superblock {
  readonly record: SuperblockRecord;
  readonly blockBytes: number;
  /** Blocks of the primary device. */
  readonly blocks: number;
  readonly rootNid: number;
  /** Where inode number 0 would stand, in bytes. */
  readonly metaOffset: number;
  /** Where shared xattr 0 would stand, in bytes. */
  readonly xattrOffset: number;
  /** Seconds since 1970 that compact inodes count from. */
  readonly epochSeconds: number;
  /** Bytes of the superblock with its extension slots; the algorithms' configurations follow. */
  readonly superblockBytes: number;
  /** Numbers of the algorithms that data may be compressed with, as bits. */
  readonly algorithms: number;
  /** Compressed data ends with its cluster, zeros before it. */
  readonly padded: boolean;
  /** The inode whose data fragments are parts of; 0: there is none. */
  readonly packedNid: number;
  /** The inode whose data holds inodes; undefined: there is none. */
  readonly metaboxNid: number | undefined;
}

const bad = (field: keyof SuperblockRecord, message: string) =>
  new ErofsError("MALFORMED_SUPERBLOCK", message, {
    path: `superblock.${field}`,
    offset: superOffset + superblockRecord.offsets[field],
  });

/** Whether bytes from the start of something look like an EROFS image; 1028 of them are enough to tell. */
export function isErofs(bytes: Uint8Array): boolean {
  if (bytes.length < superOffset + 4) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset + superOffset, 4);
  return view.getUint32(0, true) === superMagic;
}

/**
 * The checksum over `bytes`, which begin at the superblock and end with the first block (or, where blocks are 512 or 1024
 * bytes long, after one block): CRC-32C with the checksum field as zero, not inverted at the end.
 */
export function superblockChecksum(bytes: Uint8Array): number {
  const field = superblockRecord.offsets.checksum;
  const state = crc32cRaw(0xffffffff, bytes.subarray(0, field));
  return crc32cRaw(crc32cRaw(state, new Uint8Array(4)), bytes.subarray(field + 4));
}

/** End of the bytes that the checksum covers, from the start of the image. */
export function checksumEnd(blockBytes: number): number {
  return blockBytes > superOffset ? blockBytes : superOffset + blockBytes;
}

/** Decodes the superblock out of the first bytes of an image and checks all but its checksum. */
export function decodeSuperblock(first: Uint8Array): Superblock {
  if (!isErofs(first)) {
    throw new ErofsError("MALFORMED_SUPERBLOCK", "there is no EROFS magic number", {
      path: "superblock.magic",
      offset: superOffset,
    });
  }
  const record = superblockRecord.decode(first, superOffset);
  const { least, most } = blockBytesLog2Range;
  if (record.blockBytesLog2 < least || record.blockBytesLog2 > most) {
    throw bad("blockBytesLog2", `blocks of 2^${record.blockBytesLog2} bytes do not exist, only 2^${least}…2^${most}`);
  }
  checkFeatures(record);
  if (record.directoryBlockLog2 !== 0) {
    throw new ErofsError("UNSUPPORTED_FEATURE", "directory blocks are larger than blocks", {
      path: "superblock.directoryBlockLog2",
      offset: superOffset + superblockRecord.offsets.directoryBlockLog2,
    });
  }
  const blockBytes = 2 ** record.blockBytesLog2;
  const wide = hasFeature(record.featureIncompat, featureIncompat.layout48) && record.rootNid64 !== 0n;
  const superblockBytes = superblockRecord.size + superSlotBytes * record.extensionSlots;
  return {
    record,
    blockBytes,
    blocks: record.blocksLow + (wide ? record.rootNid16 * 2 ** 32 : 0),
    rootNid: wide ? decodeNid(record.rootNid64, "superblock.rootNid64", offsetOf("rootNid64")) : record.rootNid16,
    metaOffset: record.metaBlock * blockBytes,
    xattrOffset: record.xattrBlock * blockBytes,
    epochSeconds: signedSeconds(record.epoch, "superblock.epoch", offsetOf("epoch")),
    superblockBytes,
    algorithms: algorithmsOf(record),
    padded: hasFeature(record.featureIncompat, featureIncompat.lz4ZeroPadding),
    packedNid: plainNid(record.packedNid, "superblock.packedNid", offsetOf("packedNid")),
    metaboxNid: metaboxNidOf(record, first),
  };
}

const offsetOf = (field: keyof SuperblockRecord) => superOffset + superblockRecord.offsets[field];

/** Without COMPR_CFGS the field says something else, and there is nothing but LZ4. */
function algorithmsOf(record: SuperblockRecord): number {
  if (!hasFeature(record.featureIncompat, featureIncompat.compressionConfigs)) return 1 << algorithm.lz4;
  const unknown = record.compression & ~allAlgorithms;
  if (unknown === 0) return record.compression;
  throw new ErofsError("UNSUPPORTED_COMPRESSION", `the image names the unknown algorithms 0x${unknown.toString(16)}`, {
    path: "superblock.compression",
    offset: offsetOf("compression"),
  });
}

function metaboxNidOf(record: SuperblockRecord, first: Uint8Array): number | undefined {
  if (!hasFeature(record.featureIncompat, featureIncompat.metabox)) return undefined;
  if (record.extensionSlots === 0) throw bad("extensionSlots", "there is no room for the metabox's inode number");
  const offset = superOffset + superblockRecord.size;
  return plainNid(superblockSlotRecord.decode(first, offset).metaboxNid, "superblock.metaboxNid", offset);
}

/** An inode number as a number: those in the metabox are `metaboxNids` and more. */
export function decodeNid(value: bigint, path: string, offset: number | undefined): number {
  const isBoxed = (value & metaboxNidBit) !== 0n;
  const rest = toSafeNumber(isBoxed ? value ^ metaboxNidBit : value, path, offset);
  if (rest < metaboxNids) return isBoxed ? metaboxNids + rest : rest;
  throw new ErofsError("MALFORMED_INODE", `inode ${rest} is farther than this program can address`, { path, offset });
}

/** The number of an inode that stands in the image itself. */
function plainNid(value: bigint, path: string, offset: number): number {
  const nid = decodeNid(value, path, offset);
  if (nid < metaboxNids) return nid;
  throw new ErofsError("MALFORMED_SUPERBLOCK", "an inode that others depend on is in the metabox", { path, offset });
}

/** Throws `MISMATCH_CHECKSUM` unless the checksum is right or the image has none. */
export function checkChecksum({ record }: Superblock, firstBlock: Uint8Array): void {
  if (!hasFeature(record.featureCompat, featureCompat.checksum)) return;
  const found = superblockChecksum(firstBlock.subarray(superOffset));
  if (found === record.checksum) return;
  const [have, want] = [found, record.checksum].map((value) => `0x${value.toString(16).padStart(8, "0")}`);
  throw new ErofsError("MISMATCH_CHECKSUM", `the first block has checksum ${have}, the superblock says ${want}`, {
    path: "superblock.checksum",
    offset: superOffset + superblockRecord.offsets.checksum,
  });
}

/** Signed seconds out of a u64; beyond ±2^53 throws `BytesError` `LIMIT_RANGE`. */
export function signedSeconds(value: bigint, path: string, offset: number): number {
  const signed = BigInt.asIntN(64, value);
  return signed < 0n ? -toSafeNumber(-signed, path, offset) : toSafeNumber(signed, path, offset);
}
