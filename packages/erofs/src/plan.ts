import { type Directory, type Name, nameFromText } from "@sextant/tree";
import type { ChunkMap } from "./chunks.js";
import { ErofsError } from "./errors.js";
import { nullBlock32, superblockRecord } from "./layout.js";
import { shareChunks, shareIdentical } from "./plan-chunks.js";
import { shapeDirectory } from "./plan-directories.js";
import { gatherFront, releaseDirectories } from "./plan-front.js";
import { gatherInodes, type PlannedInode } from "./plan-inodes.js";
import { layOut } from "./plan-layout.js";
import { blockBytes } from "./plan-slots.js";
import { chooseBaseTime, clampTimes, fitsCompact, type Time } from "./plan-times.js";
import { type PlannedXattr, planXattrs } from "./plan-xattrs.js";

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
  /** Metadata stands before this block, the data of files from here on. */
  readonly dataBlock: number;
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
 * `LIMIT_SYMLINK`, `LIMIT_SIZE`, `UNSUPPORTED_XATTR`; `RangeError` for options.
 */
export function plan(tree: Directory, options: PlanOptions = {}): ErofsPlan {
  checkOptions(options);
  const found = gatherInodes(tree);
  const [root] = found;
  if (root === undefined) throw new TypeError("a tree has a root");
  clampTimes(found, options.epochSeconds);
  for (const inode of found) {
    if (inode.entries) inode.size = shapeDirectory(inode.entries.names, blockBytes).size;
  }
  const sharedXattrs = planXattrs(found);
  const baseTime = chooseBaseTime(found);
  for (const inode of found) {
    const isBaseTime = inode.mtimeSeconds === baseTime.seconds && inode.mtimeNanoseconds === baseTime.nanoseconds;
    inode.extended = !isBaseTime || !fitsCompact(inode);
  }
  const front = gatherFront(root, options.front ?? releaseDirectories);
  const isFront = new Set(front.inodes);
  const inodes = [...front.inodes, ...found.filter((inode) => !isFront.has(inode))];
  const { sharedOffset, dataBlock, blocks } = layOut(inodes, front, sharedXattrs, (files) => {
    if (options.chunks) shareChunks(files, options.chunks);
    else if (options.shareIdentical) shareIdentical(files);
  });
  // The highest number means "no block".
  if (blocks >= nullBlock32) {
    throw new ErofsError("LIMIT_SIZE", `the image would take ${blocks} blocks, more than 32 bits count`, { path: "/" });
  }
  return {
    sizeBytes: blocks * blockBytes,
    blockBytes,
    label: nameFromText(options.label ?? ""),
    uuid: options.uuid,
    baseTime,
    inodes,
    sharedXattrs,
    sharedOffset,
    dataBlock,
  };
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
