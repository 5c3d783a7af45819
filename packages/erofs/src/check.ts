import { type ByteSource, BytesError, cached } from "@sextant/bytes";
import { addRange, noRanges, overlaps, rangesBeyond } from "./check-extents.js";
import { type CheckState, describeRange, type Finding, type FindingCode, pathOf } from "./check-state.js";
import { walkTree } from "./check-walk.js";
import { ErofsError } from "./errors.js";
import { deviceSlotRecord, superblockRecord, superOffset, superSlotBytes } from "./layout.js";
import { openVolume } from "./open-volume.js";
import { deviceCount, type Volume } from "./volume.js";

export interface CheckOptions {
  /** The extra devices of the image's device table, in its order. Default: none. */
  readonly devices?: readonly ByteSource[];
  /** The walk ends when there are so many findings. Default 1000. */
  readonly maxFindings?: number;
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
  /** Inodes whose data is compressed and was not looked at. */
  readonly compressed: number;
}

/** Pages of the walk: it wants everything, so each request brings more than a lookup's. */
const walkPages = { pageBytes: 65536, pages: 64 };

/**
 * Walks the whole structure of an image and reports all that is wrong with it: superblock and checksum, every inode,
 * its xattrs, where its data is and whether others' data is there too, every directory block, the order and types of
 * entries, `.` and `..`, link counts, the count of inodes, directories under two names. File data itself has nothing to
 * check it by and is not read; compressed data is not followed and counts as a finding.
 *
 * What is wrong with the image is a finding, never an error; errors are those of the source.
 */
export async function check(source: ByteSource, options: CheckOptions = {}): Promise<CheckReport> {
  const { devices = [], maxFindings = 1000 } = options;
  const findings: Finding[] = [];
  const state: CheckState = {
    findings,
    ranges: noRanges(),
    inodes: new Map(),
    compressed: 0,
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

  await walkTree(volume, state);
  checkLinks(state);
  checkOverlaps(volume, state);
  checkCount(volume, state);
  if (state.compressed > 0) {
    state.report("UNSUPPORTED_COMPRESSION", "/", `the compressed data of ${state.compressed} inodes was not checked`);
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

function pathOfNid({ inodes }: CheckState, nid: number): string {
  const inode = inodes.get(nid);
  return inode === undefined ? "/" : pathOf(inode);
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

/** Of a walk that came through, what it found is all there is; the packed inode alone has no name. */
function checkCount(volume: Volume, state: CheckState): void {
  const { inodes, packedNid } = volume.superblock.record;
  const packed = packedNid !== 0n && !state.inodes.has(Number(packedNid)) ? 1 : 0;
  if (state.findings.length > 0 || inodes === BigInt(state.inodes.size + packed)) return;
  const message = `the superblock counts ${inodes} inodes, the tree has ${state.inodes.size + packed}`;
  state.report("MISMATCH_COUNT", "superblock.inodes", message, superOffset + superblockRecord.offsets.inodes);
}
