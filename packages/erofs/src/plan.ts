import { type Directory, type Name, nameFromText } from "@sextant/tree";
import type { ChunkMap } from "./chunks.js";
import type { IndexForm } from "./compressed/write-map.js";
import { ErofsError } from "./errors.js";
import type { Fingerprints } from "./fingerprints.js";
import { nullBlock32, nullBlock48, superblockRecord } from "./layout.js";
import { shareChunks, shareIdentical } from "./plan-chunks.js";
import { shapeDirectory } from "./plan-directories.js";
import { incompatibleFeatures, type PlannedCompression, planCompression } from "./plan-features.js";
import { gatherFront, releaseDirectories } from "./plan-front.js";
import { gatherInodes, type PlannedInode } from "./plan-inodes.js";
import { layOut } from "./plan-layout.js";
import { blockBytes } from "./plan-slots.js";
import { attachStored, latestDataBlock, planMaps } from "./plan-stored.js";
import { chooseBaseTime, clampTimes, fitsCompact, type Time } from "./plan-times.js";
import { type PlannedXattr, planXattrs } from "./plan-xattrs.js";
import type { CompressedContent } from "./stored.js";
import { type PlannedPrefix, prefixTableBytes, xattrFeatures } from "./xattr-prefixes.js";

export interface PlanOptions {
  /**
   * Times later than this many seconds since 1970 become this time; 0 sets every time to 0. Default: times are kept, which
   * is the same as the newest time in the tree.
   */
  readonly epochSeconds?: number | undefined;
  /** Sixteen bytes. Default: derived from all that is written, see `emit`. */
  readonly uuid?: Uint8Array | undefined;
  /** The volume's name, up to 16 bytes. Default: none. */
  readonly label?: string | undefined;
  /**
   * What stands first, metadata as well as content: paths of files, or of directories with what is in them. Default: the
   * directories that extension-release files are in, below `usr/lib` and `etc`.
   */
  readonly front?: readonly Name[] | undefined;
  /**
   * Equal chunks, as `findChunks` found them in this tree: files then share blocks wherever that makes the image smaller, and
   * holes have none. Needs Linux 5.15 if files share parts (the feature `chunked_file`), and any Linux if they only share all.
   */
  readonly chunks?: ChunkMap | undefined;
  /** Whether files of equal identity share their blocks; not needed with `chunks`. Default false. */
  readonly shareIdentical?: boolean | undefined;
  /**
   * Beginnings that names of xattrs have in common, a namespace and more, such as `trusted.overlay.`: names then take fewer
   * bytes. Those that no name has are left out. Needs Linux 6.4, and 6.17 if `compressed` has packed data.
   */
  readonly xattrPrefixes?: readonly Name[] | undefined;
  /** Whether inodes tell which xattrs they do not have, so that kernels need not look (Linux 6.6; others ignore it). Default false. */
  readonly xattrFilter?: boolean | undefined;
  /** Digests of files, as `fingerprintFiles` made them of this tree. Needs what `xattrPrefixes` needs. */
  readonly fingerprints?: Fingerprints | undefined;
  /**
   * What `compress` made of this very tree. The files that are in it are written from it, the others behind them from their
   * sources. Default: nothing is compressed.
   */
  readonly compressed?: CompressedContent | undefined;
  /**
   * How extents are told. `compact`: in the form with two bytes for a block, and with eight only where that cannot be.
   * `full`: in eight, always. `extents`: in records, wherever these are smaller, which needs Linux 6.15. Default `compact`.
   */
  readonly indexes?: IndexForm | undefined;
  /**
   * Whether block numbers have 48 bits instead of 32, which needs Linux 6.15. Parts of files are then not shared as chunks.
   * Default: only where an image takes more than 16 TiB.
   */
  readonly wide?: boolean | undefined;
}

/** An image, decided to the last byte but for the content of its files. Made by `plan`, written by `emit`. */
export interface ErofsPlan {
  /** Bytes of the image. */
  readonly sizeBytes: number;
  readonly blockBytes: number;
  readonly label: Name;
  /** Undefined: `emit` derives it. */
  readonly uuid: Uint8Array | undefined;
  /** The time of compact inodes. */
  readonly baseTime: Time;
  /** In the order in which their data stands. */
  readonly inodes: readonly PlannedInode[];
  /** Xattrs that several inodes have, in the order in which they stand from `sharedOffset` on. */
  readonly sharedXattrs: readonly PlannedXattr[];
  /** In bytes from the start of the image. */
  readonly sharedOffset: number;
  /** Long prefixes of names, whose table stands behind the shared xattrs. */
  readonly xattrPrefixes: readonly PlannedPrefix[];
  /** The one that is the name of fingerprints. */
  readonly fingerprintPrefix: PlannedPrefix | undefined;
  /** Whether xattr bodies have a filter of names. */
  readonly xattrFilter: boolean;
  /** Metadata stands before this block, the data of files from here on. */
  readonly dataBlock: number;
  /** Content that stands at `dataBlock`, with what the superblock says of it. */
  readonly compressed: CompressedContent | undefined;
  readonly compression: PlannedCompression | undefined;
  /** The inode with the ends of files; `inodes` has it, no directory does. */
  readonly packed: PlannedInode | undefined;
  /** EROFS_FEATURE_INCOMPAT_…, as bits. */
  readonly featureIncompat: number;
  /** Block numbers have 48 bits. */
  readonly wide: boolean;
}

/**
 * Decides where everything stands. Reads no file; needs about 300 bytes an inode.
 *
 * Block 0 holds the superblock and, right behind it, the root and the inodes of `front` with their small directories and
 * files, so that reading the first 4096 bytes answers what a matcher asks. The other metadata follows, densely packed: file
 * tails stand behind their inodes where a block takes both. The data of files ends the image. The same tree and options
 * give the same plan, whatever order the tree's maps are in.
 *
 * Throws `ErofsError` with the path for what EROFS cannot hold: `MALFORMED_TREE`, `LIMIT_NAME`, `LIMIT_XATTR`,
 * `LIMIT_SYMLINK`, `LIMIT_SIZE`, `UNSUPPORTED_XATTR`; `RangeError` for options, and for compressed content that the
 * chosen indexes cannot tell; `TypeError` for such that does not belong to the tree.
 */
export function plan(tree: Directory, options: PlanOptions = {}): ErofsPlan {
  checkOptions(options);
  const { compressed } = options;
  const listed = gatherInodes(tree);
  const [root] = listed;
  if (root === undefined) throw new TypeError("a tree has a root");
  const packed = compressed && attachStored(listed, compressed);
  clampTimes(listed, options.epochSeconds);
  for (const inode of listed) {
    if (inode.entries) inode.size = shapeDirectory(inode.entries.names, blockBytes).size;
  }
  const xattrs = planXattrs(listed, { prefixes: options.xattrPrefixes, fingerprints: options.fingerprints });
  const sharedXattrs = xattrs.shared;
  const prefixTable = { bytes: prefixTableBytes(xattrs.prefixes) };
  const baseTime = chooseBaseTime(listed);
  if (packed) Object.assign(packed, { mtimeSeconds: baseTime.seconds, mtimeNanoseconds: baseTime.nanoseconds });
  const front = gatherFront(root, options.front ?? releaseDirectories);
  const inodes = [...new Set([...front.inodes, ...(packed ? [packed] : []), ...listed])];
  const wide = options.wide ?? needsWide(inodes, compressed);
  chooseForms(inodes, baseTime, wide);
  const tables = [...sharedXattrs, prefixTable];
  const compression = compressed && planCompression(inodes, compressed);
  if (compressed && compression) {
    const { indexes = "compact" } = options;
    const maxDataBlock = latestDataBlock(inodes, tables);
    planMaps(inodes, { content: compressed, shared: compression.shared, indexes, wide, maxDataBlock });
  }
  const { sharedOffset, dataBlock, blocks } = layOut(inodes, front, tables, {
    share(files) {
      if (options.chunks && !wide) shareChunks(files, options.chunks);
      else if (options.chunks || options.shareIdentical) shareIdentical(files);
    },
    stored: { blocks: (compressed?.data.size ?? 0) / blockBytes, configBytes: compression?.configBytes ?? 0 },
  });
  checkSize(blocks, wide);
  return {
    sizeBytes: blocks * blockBytes,
    blockBytes,
    label: nameFromText(options.label ?? ""),
    uuid: options.uuid,
    baseTime,
    inodes,
    sharedXattrs,
    sharedOffset,
    xattrPrefixes: xattrs.prefixes,
    fingerprintPrefix: xattrs.fingerprint,
    xattrFilter: options.xattrFilter ?? false,
    dataBlock,
    compressed,
    compression,
    packed,
    featureIncompat:
      incompatibleFeatures(inodes, compressed, compression, wide) +
      xattrFeatures(xattrs.prefixes, undefined, false).incompat,
    wide,
  };
}

/** What metadata may take of 16 TiB before data gets wide block numbers. */
const metadataRoomBlocks = 2 ** 28;

function needsWide(inodes: readonly PlannedInode[], compressed: CompressedContent | undefined): boolean {
  let blocks = metadataRoomBlocks + (compressed?.data.size ?? 0) / blockBytes;
  for (const { stored, size } of inodes) if (stored === undefined) blocks += Math.ceil(size / blockBytes);
  return blocks >= nullBlock32;
}

/** Decides which inodes take the 64-byte form. Wide block numbers have no place in the other one beside a count of links. */
function chooseForms(inodes: readonly PlannedInode[], baseTime: Time, wide: boolean): void {
  for (const inode of inodes) {
    const isBaseTime = inode.mtimeSeconds === baseTime.seconds && inode.mtimeNanoseconds === baseTime.nanoseconds;
    const hasRoom = !wide || inode.nlink === 1 || inode.entries !== undefined || inode.stored?.kind === "compressed";
    inode.extended = !isBaseTime || !fitsCompact(inode) || !hasRoom;
  }
}

function checkSize(blocks: number, wide: boolean): void {
  // The highest number means "no block".
  const most = wide ? Math.min(nullBlock48, Number.MAX_SAFE_INTEGER / blockBytes) : nullBlock32;
  if (blocks < most) return;
  const limit = wide ? "bytes than 53 bits" : "than 32 bits";
  throw new ErofsError("LIMIT_SIZE", `the image would take ${blocks} blocks, more ${limit} count`, { path: "/" });
}

function checkOptions({ epochSeconds, uuid, label }: PlanOptions): void {
  if (epochSeconds !== undefined && !Number.isSafeInteger(epochSeconds)) {
    throw new RangeError(`an epoch is a whole number of seconds, not ${epochSeconds}`);
  }
  const uuidBytes = superblockRecord.offsets.volumeName - superblockRecord.offsets.uuid;
  if (uuid !== undefined && uuid.length !== uuidBytes) throw new RangeError(`a UUID has ${uuidBytes} bytes`);
  if (label === undefined) return;
  const name = nameFromText(label);
  if (name.length > 16 || name.includes("\0")) {
    throw new RangeError(`a label has at most 16 bytes and no NUL, not ${JSON.stringify(label)}`);
  }
}
