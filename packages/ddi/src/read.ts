import { type ByteSource, BytesError, describeError, slice, withKnown } from "@sextant/bytes";
import { DdiError } from "./errors.js";
import {
  backupSizeCandidates,
  checkEntries,
  readTable,
  sectorSizeCandidates,
  type Table,
  type TableEntry,
} from "./gpt.js";
import type { Guid } from "./guid.js";
import {
  attributeBit,
  type GptHeader,
  gptEntry,
  gptHeader,
  maxSectorBytes,
  minSectorBytes,
  protectiveMbr,
  standardEntryCount,
} from "./layout.js";
import { isProtective, mbrWarnings } from "./mbr.js";
import {
  designatorOf,
  type PartitionArchitecture,
  type PartitionKind,
  type PartitionRole,
  typeOfGuid,
} from "./partition-types.js";
import type { Warning } from "./warning.js";

/**
 * What `open` reads at once: both tables' places for 512- and 4096-byte sectors (17,408 and 24,576 bytes) and the first
 * blocks of the first partition behind them, so that a small filesystem's metadata cost no further request.
 */
export const defaultHeadBytes = 32768;
/** A backup header and 128 entries, in sectors of any size. */
const tailBytes = maxSectorBytes + standardEntryCount * gptEntry.size;

/** A partition of an image. */
export interface Partition {
  /** Number of its entry, from 0. */
  readonly index: number;
  readonly type: Guid;
  /** systemd's name of the type, such as `root-x86-64-verity`; undefined for types that it does not know. */
  readonly designator: string | undefined;
  /** These three are there for root and /usr partitions and those that go with them. */
  readonly role: PartitionRole | undefined;
  readonly architecture: PartitionArchitecture | undefined;
  readonly kind: PartitionKind | undefined;
  readonly uuid: Guid;
  readonly label: string;
  readonly attributes: bigint;
  readonly readOnly: boolean;
  readonly noAuto: boolean;
  readonly growFileSystem: boolean;
  /** systemd passes it over: it is marked no-auto or labelled `_empty`. */
  readonly ignored: boolean;
  /** First byte in the image. */
  readonly start: number;
  /** Bytes. */
  readonly size: number;
  readonly source: ByteSource;
}

/** An image whose partition table was read. */
export interface Ddi {
  readonly sectorBytes: number;
  readonly diskGuid: Guid;
  /** The header that was used. */
  readonly header: GptHeader;
  /** In the order of their entries. */
  readonly partitions: readonly Partition[];
  readonly usedBackup: boolean;
  readonly warnings: readonly Warning[];
}

/** How much `open` reads at once. */
export interface OpenOptions {
  /** Bytes of the first request. Default 32768; below 24,576 an image may need a second. */
  readonly headBytes?: number;
}

/**
 * Reads the partition table of a disk image: one request of 32 KiB, and one more of 20 KiB where the primary table is
 * damaged. Reads within the first 32 KiB of the image cost no request afterwards. The backup table is not looked at
 * otherwise: `check` does.
 *
 * Throws `DdiError` where neither table can be used (then of the primary, with the backup's error as `cause`), and for
 * partitions that overlap, lie outside or stand twice; `BytesError` where the source fails.
 */
export async function open(source: ByteSource, options: OpenOptions = {}): Promise<Ddi> {
  const headBytes = Math.max(options.headBytes ?? defaultHeadBytes, 2 * maxSectorBytes);
  const head = await source.read(0, Math.min(source.size, headBytes));
  const candidates = sectorSizeCandidates(head);
  checkProtectiveMbr(head, candidates, source);
  const known = withKnown(source, 0, head);
  const { table, sectorBytes, warning } = await readEitherTable(known, candidates);
  checkEntries(table, source.name);
  const partitions = table.entries.map((entry) => toPartition(entry, sectorBytes, known));
  checkDesignators(partitions, table, source);
  const warnings = [...(warning ? [warning] : []), ...(await tableWarnings(known, table, sectorBytes))];
  return {
    sectorBytes,
    diskGuid: table.header.diskGuid,
    header: table.header,
    partitions,
    usedBackup: warning !== undefined,
    warnings,
  };
}

/**
 * Whether the first bytes of a file (8 KiB are enough) look like a disk image: a protective MBR, or a GPT header at the
 * place of some sector size. Says nothing about whether `open` will like it.
 */
export function looksLikeDdi(head: Uint8Array): boolean {
  if (sectorSizeCandidates(head).length > 0) return true;
  return head.length >= protectiveMbr.size && isProtective(protectiveMbr.decode(head));
}

function checkProtectiveMbr(head: Uint8Array, candidates: readonly number[], source: ByteSource): void {
  const at = { path: "protectiveMbr", offset: 0, source: source.name };
  if (!looksLikeDdi(head)) throw new DdiError("UNSUPPORTED_NOT_GPT", "there is no GUID partition table", at);
  if (candidates.length > 1) {
    const message = `there are partition tables for sectors of ${candidates.join(" and of ")} bytes`;
    throw new DdiError("MALFORMED_SECTOR_SIZE", message, { ...at, path: "header", offset: candidates[0] });
  }
  if (!isProtective(protectiveMbr.decode(head))) {
    throw new DdiError("MALFORMED_PROTECTIVE_MBR", "there is no protective MBR before the partition table", at);
  }
}

interface ChosenTable {
  readonly table: Table;
  readonly sectorBytes: number;
  /** Why it is the backup. */
  readonly warning: Warning | undefined;
}

async function readEitherTable(source: ByteSource, candidates: readonly number[]): Promise<ChosenTable> {
  const [sectorBytes] = candidates;
  let failure: DdiError;
  if (sectorBytes === undefined) {
    const at = { path: "header", offset: minSectorBytes, source: source.name };
    failure = new DdiError("MALFORMED_HEADER", "there is no GPT header behind the protective MBR", at);
  } else {
    try {
      return { table: await readTable(source, sectorBytes, 1), sectorBytes, warning: undefined };
    } catch (error) {
      failure = asDamage(error);
    }
  }
  try {
    const backup = await readBackupTable(source, sectorBytes);
    const { path = "header", offset = 0 } = failure.context;
    const message = `the primary partition table is damaged, the backup is used: ${failure.message}`;
    return { ...backup, warning: { code: "used-backup", message, path, offset: Number(offset) } };
  } catch (error) {
    const cause = asDamage(error);
    const message = `${failure.message}; nor can the backup be used: ${describeError(cause)}`;
    throw new DdiError(failure.code, message, failure.context, { cause });
  }
}

/** The table whose header is in the last sector. Where the sector size is not known, the one at which there is a header. */
export async function readBackupTable(
  source: ByteSource,
  sectorBytes: number | undefined,
): Promise<{ table: Table; sectorBytes: number }> {
  const start = Math.max(0, source.size - tailBytes);
  const tail = await source.read(start, source.size);
  const sizes = backupSizeCandidates(tail, source.size);
  const found = sectorBytes ?? sizes[0];
  if (found === undefined || (sectorBytes === undefined && sizes.length > 1)) {
    const at = { path: "backup", offset: Math.max(0, source.size - minSectorBytes), source: source.name };
    const what = sizes.length > 1 ? `headers for sectors of ${sizes.join(" and of ")} bytes` : "no GPT header";
    throw new DdiError("MALFORMED_HEADER", `there is ${what} in the last sector`, at);
  }
  const lastLba = Math.floor(source.size / found) - 1;
  return { table: await readTable(withKnown(source, start, tail), found, lastLba), sectorBytes: found };
}

/** Damage is what the other table may help against; a source that fails is something else. */
function asDamage(error: unknown): DdiError {
  if (error instanceof DdiError) return error;
  if (error instanceof BytesError && error.code === "LIMIT_RANGE") {
    return new DdiError("MALFORMED_HEADER", error.message, error.context, { cause: error });
  }
  throw error;
}

function toPartition(entry: TableEntry, sectorBytes: number, source: ByteSource): Partition {
  // checkEntries has seen to it that both lie within the image.
  const start = Number(entry.firstLba) * sectorBytes;
  const end = (Number(entry.lastLba) + 1) * sectorBytes;
  const type = typeOfGuid(entry.type);
  const has = (bit: bigint) => (entry.attributes & bit) !== 0n;
  const noAuto = has(attributeBit.noAuto);
  return {
    index: entry.index,
    type: entry.type,
    designator: designatorOf(entry.type),
    role: type?.role,
    architecture: type?.architecture,
    kind: type?.kind,
    uuid: entry.uuid,
    label: entry.label,
    attributes: entry.attributes,
    readOnly: has(attributeBit.readOnly),
    noAuto,
    growFileSystem: has(attributeBit.growFileSystem),
    ignored: noAuto || entry.label === "_empty",
    start,
    size: end - start,
    source: slice(source, start, end),
  };
}

/** systemd would take the one with the greater label; what an image means must not hang on that. */
function checkDesignators(partitions: readonly Partition[], table: Table, source: ByteSource): void {
  const seen = new Map<string, Partition>();
  for (const partition of partitions) {
    if (partition.role === undefined || partition.designator === undefined || partition.ignored) continue;
    const twin = seen.get(partition.designator);
    if (twin) {
      const offset = table.entriesOffset + partition.index * gptEntry.size;
      const message = `there are two ${partition.designator} partitions, entries ${twin.index} and ${partition.index}`;
      const path = `entries[${partition.index}].type`;
      throw new DdiError("MALFORMED_DUPLICATE_PARTITION", message, { path, offset, source: source.name });
    }
    seen.set(partition.designator, partition);
  }
}

async function tableWarnings(source: ByteSource, table: Table, sectorBytes: number): Promise<readonly Warning[]> {
  const { header, offset } = table;
  const isPrimary = header.currentLba === 1n;
  const lastLba = Math.floor(source.size / sectorBytes) - 1;
  const tableLastLba = Number(isPrimary ? header.alternateLba : header.currentLba);
  const mbr = await source.read(0, sectorBytes);
  const warnings: Warning[] = [...mbrWarnings(mbr, tableLastLba)];
  const warn = (code: Warning["code"], message: string, path: string, at: number) =>
    void warnings.push({ code, message, path, offset: at });
  const reserved = (path: string, from: number, bytes: Uint8Array) => {
    const at = bytes.findIndex((byte) => byte !== 0);
    if (at >= 0) warn("reserved-bytes", "reserved bytes are not zero", path, from + at);
  };
  reserved("protectiveMbr", protectiveMbr.size, mbr.subarray(protectiveMbr.size));
  if (isPrimary) {
    const sector = await source.read(offset, offset + sectorBytes);
    reserved("header", offset + header.headerBytes, sector.subarray(header.headerBytes));
  }
  const fieldOffset = (field: keyof GptHeader) => offset + gptHeader.offsets[field];
  if (header.reserved !== 0) {
    warn("reserved-bytes", "reserved bytes are not zero", "header.reserved", fieldOffset("reserved"));
  }
  const end = (tableLastLba + 1) * sectorBytes;
  if (tableLastLba > lastLba) {
    const message = `the backup header should be in sector ${header.alternateLba}, the image ends with ${lastLba}`;
    warn("no-backup", message, "header.alternateLba", fieldOffset("alternateLba"));
  } else if (end < source.size) {
    warn("trailing-data", `${source.size - end} bytes follow the end of the disk image`, "image", end);
  }
  return warnings;
}
