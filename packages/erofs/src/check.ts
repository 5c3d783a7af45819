import { type ByteSource, BytesError, cached } from "@sextant/bytes";
import { checkClusters, noReferences } from "./check-clusters.js";
import { addRange, noRanges, overlaps, rangesBeyond } from "./check-extents.js";
import { checkUnnamed } from "./check-inode.js";
import { type CheckState, describeRange, type Finding, type FindingCode, pathOf, pathOfNid } from "./check-state.js";
import { walkTree } from "./check-walk.js";
import { readLimits } from "./compressed/configs.js";
import { ErofsError } from "./errors.js";
import { deviceSlotRecord, superblockRecord, superOffset, superSlotBytes } from "./layout.js";
import { openVolume } from "./open-volume.js";
import { deviceCount, type Volume } from "./volume.js";

export interface CheckOptions {
  /** The extra devices of the image's device table, in its order. Default: none. */
  readonly devices?: readonly ByteSource[];
  /** The walk ends when there are so many findings. Default 1000. */
  readonly maxFindings?: number;
  /**
   * Clusters are decompressed until so many bytes came out; that there are more is a finding. Default 1 TiB: nothing that
   * small images claim to hold can keep a check busy for ever.
   */
  readonly maxDecodedBytes?: number;
  /** Extents of compressed data are remembered up to this many, some 60 bytes each; that there are more is a finding. Default 2^23. */
  readonly maxExtents?: number;
}

/** What a check found, and how far it got. */
export interface CheckReport {
  /** Empty: the structure is sound. In the order in which the walk met them. */
  readonly findings: readonly Finding[];
  /** Whether the walk ended at `maxFindings`, so that there may be more. */
  readonly truncated: boolean;
  /** What was reached from the root. */
  readonly inodes: number;
  readonly directories: number;
  /** Inodes whose data is compressed. */
  readonly compressed: number;
  /** Clusters that were decompressed, each once, and bytes that came out of them. */
  readonly clusters: number;
  readonly decodedBytes: number;
}

/** Pages of the walk: it wants everything, so each request brings more than a lookup's. */
const walkPages = { pageBytes: 65536, pages: 64 };

/**
 * Walks the whole structure of an image and reports all that is wrong with it: superblock and checksum, every inode,
 * its xattrs, where its data is and whether others' data is there too, every directory block, the order and types of
 * entries, `.` and `..`, link counts, the count of inodes, directories under two names; of compressed data every index,
 * and whether each cluster decompresses to exactly what its extents say. Data that is stored as it is has nothing to
 * check it by and is not read.
 *
 * What is wrong with the image is a finding, never an error; errors are those of the source.
 */
export async function check(source: ByteSource, options: CheckOptions = {}): Promise<CheckReport> {
  const { devices = [], maxFindings = 1000, maxDecodedBytes = 2 ** 40, maxExtents = 2 ** 23 } = options;
  const findings: Finding[] = [];
  const state: CheckState = {
    findings,
    ranges: noRanges(),
    inodes: new Map(),
    unnamed: new Map(),
    clusters: noReferences(),
    limits: undefined,
    compressed: 0,
    indexBytes: 0,
    maxExtents,
    decodedClusters: 0,
    decodedBytes: 0,
    maxDecodedBytes,
    skippedClusters: 0,
    scratch: growingScratch(),
    isFull: () => findings.length >= maxFindings,
    report(code, path, message, offset) {
      if (findings.length < maxFindings) findings.push({ code, path, offset, message });
    },
    async attempt(path, work) {
      try {
        return await work();
      } catch (error) {
        state.report(...asFinding(error, path()));
        return undefined;
      }
    },
  };
  const volume = await state.attempt(
    () => "",
    () => openVolume(cached(source, walkPages), { devices }),
  );
  if (volume) await checkVolume(volume, state);
  const directories = [...state.inodes.values()].filter(({ kind }) => kind === "directory").length;
  return {
    findings,
    truncated: state.isFull(),
    inodes: state.inodes.size,
    directories,
    compressed: state.compressed,
    clusters: state.decodedClusters,
    decodedBytes: state.decodedBytes,
  };
}

function growingScratch(): (bytes: number) => Uint8Array {
  let memory = new Uint8Array(0);
  return (bytes) => {
    if (bytes > memory.length) memory = new Uint8Array(bytes);
    return memory.subarray(0, bytes);
  };
}

/** What a reading function throws about the image; whatever else it throws goes on. */
function asFinding(error: unknown, path: string): [FindingCode, string, string, number | undefined] {
  const ofImage =
    error instanceof ErofsError || (error instanceof BytesError && /^(MALFORMED|LIMIT)_/.test(error.code));
  if (!ofImage) throw error;
  const { offset, path: field } = error.context;
  const where = path === "" ? (field ?? "") : path;
  return [error.code as FindingCode, where, error.message, offset === undefined ? undefined : Number(offset)];
}

async function checkVolume(volume: Volume, state: CheckState): Promise<void> {
  const { superblock, source } = volume;
  const { record } = superblock;
  const end = superOffset + superblockRecord.size + superSlotBytes * record.extensionSlots;
  addRange(state.ranges, { source, start: superOffset, end, owner: "metadata", of: -1 });
  const tableStart = record.deviceTableSlot * deviceSlotRecord.size;
  const tableEnd = tableStart + deviceCount(superblock) * deviceSlotRecord.size;
  addRange(state.ranges, { source, start: tableStart, end: tableEnd, owner: "metadata", of: -1 });
  await state.attempt(
    () => "device table",
    () => volume.devices(),
  );

  state.limits = await state.attempt(
    () => "superblock",
    () => readLimits(volume),
  );
  await walkTree(volume, state);
  await checkUnnamed(volume, state);
  checkLinks(state);
  await checkClusters(volume, state);
  checkOverlaps(volume, state);
  checkCount(volume, state);
  if (state.skippedClusters > 0) {
    const message = `${state.skippedClusters} clusters hold more than the ${state.maxDecodedBytes} bytes that are decompressed`;
    state.report("LIMIT_CLUSTER", "/", message);
  }
}

function checkLinks(state: CheckState): void {
  if (state.isFull()) return;
  for (const [nid, seen] of state.inodes) {
    const links = seen.kind === "directory" ? 2 + seen.subdirectories : seen.names;
    if (seen.nlink !== links) {
      const message = `inode ${nid} says it has ${seen.nlink} links, the tree has ${links}`;
      state.report("MISMATCH_LINKS", pathOf(seen), message, seen.offset);
    }
  }
}

function checkOverlaps({ superblock, source }: Volume, state: CheckState): void {
  for (const [first, second] of overlaps(state.ranges)) {
    if (state.isFull()) return;
    const message = `${describeRange(state, second)} begins inside of ${describeRange(state, first)}`;
    state.report("MALFORMED_OVERLAP", pathOfNid(state, second.of), message, second.start);
  }
  // The device may well be longer than the image, or hold other devices' blocks behind it.
  const limit = deviceCount(superblock) > 0 ? source.size : superblock.blocks * superblock.blockBytes;
  for (const { end, start, of } of rangesBeyond(state.ranges, source, limit)) {
    if (state.isFull()) return;
    const message = `bytes up to ${end} are in use, the superblock says that ${limit} are all`;
    state.report("MALFORMED_DATA", pathOfNid(state, of), message, start);
  }
}

/** Of a walk that came through, what it found is all there is. */
function checkCount(volume: Volume, state: CheckState): void {
  const { inodes } = volume.superblock.record;
  const found = state.inodes.size + state.unnamed.size;
  if (state.findings.length > 0 || inodes === BigInt(found)) return;
  const message = `the superblock counts ${inodes} inodes, the tree has ${found}`;
  state.report("MISMATCH_COUNT", "superblock.inodes", message, superOffset + superblockRecord.offsets.inodes);
}
