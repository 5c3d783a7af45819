// One table (header and entries), decoded and validated as libblkid does it, which systemd relies on.
import { type ByteSource, crc32, viewOf } from "@sextant/bytes";
import { DdiError, type DdiErrorCode } from "./errors.js";
import { guidBytes } from "./guid.js";
import {
  type GptEntry,
  type GptHeader,
  gptEntry,
  gptHeader,
  headerRevision,
  headerSignature,
  maxEntryCount,
  maxSectorBytes,
  sectorSizes,
} from "./layout.js";

/** A used entry. */
export interface TableEntry extends GptEntry {
  /** Number of the entry in the table, from 0. */
  readonly index: number;
  /** Absolute offset of the entry. */
  readonly offset: number;
}

/** A header and the used entries it points to. */
export interface Table {
  readonly header: GptHeader;
  /** Absolute offset of the header. */
  readonly offset: number;
  readonly entries: readonly TableEntry[];
  /** The whole array of entries as it lies there. */
  readonly entryArray: Uint8Array;
  /** Absolute offset of the first entry. */
  readonly entriesOffset: number;
}

/** Whether a header's signature, revision and size are there, which is all that systemd looks at to tell the sector size. */
function looksLikeHeader(bytes: Uint8Array, at: number, lba: bigint | undefined): boolean {
  if (at + gptHeader.size > bytes.length) return false;
  const { signature, revision, headerBytes, currentLba } = gptHeader.decode(bytes, at);
  return (
    signature === headerSignature &&
    revision === headerRevision &&
    headerBytes >= gptHeader.size &&
    headerBytes <= maxSectorBytes &&
    (lba === undefined || currentLba === lba)
  );
}

/** Sector sizes at which the first bytes of an image have a primary header: none, the one, or an ambiguous image's. */
export function sectorSizeCandidates(head: Uint8Array): readonly number[] {
  return sectorSizes.filter((sectorBytes) => looksLikeHeader(head, sectorBytes, 1n));
}

/** Sector sizes at which the last bytes of an image have a backup header in the very last sector. */
export function backupSizeCandidates(tail: Uint8Array, imageBytes: number): readonly number[] {
  return sectorSizes.filter(
    (sectorBytes) =>
      imageBytes % sectorBytes === 0 &&
      looksLikeHeader(tail, tail.length - sectorBytes, BigInt(imageBytes / sectorBytes - 1)),
  );
}

/** The CRC of a header that claims `headerBytes`: over them all, its own field taken as zero. */
export function headerChecksum(sector: Uint8Array, headerBytes: number): number {
  const bytes = sector.slice(0, headerBytes);
  viewOf(bytes).setUint32(gptHeader.offsets.headerCrc, 0, true);
  return crc32(bytes);
}

/**
 * Reads and validates the table whose header stands at `lba`. Throws `DdiError` for everything because of which libblkid
 * would not take it; two reads, header sector and entries.
 */
export async function readTable(source: ByteSource, sectorBytes: number, lba: number): Promise<Table> {
  const offset = lba * sectorBytes;
  if (lba < 1 || offset + sectorBytes > source.size) {
    const context = { path: "header", offset: Math.max(0, offset), source: source.name };
    throw new DdiError("MALFORMED_HEADER", `the image ends before the header in sector ${lba}`, context);
  }
  const sector = await source.read(offset, offset + sectorBytes);
  const header = decodeHeader(sector, sectorBytes, lba, source);
  const entriesOffset = Number(header.entriesLba) * sectorBytes;
  const entryArray = await source.read(entriesOffset, entriesOffset + header.entryCount * gptEntry.size);
  const crc = crc32(entryArray);
  if (crc !== header.entriesCrc) {
    throw new DdiError(
      "MISMATCH_ENTRIES_CHECKSUM",
      `the checksum of the partition entries is ${hex(crc)}, the header says ${hex(header.entriesCrc)}`,
      { path: "entries", offset: entriesOffset, source: source.name },
    );
  }
  return { header, offset, entryArray, entriesOffset, entries: usedEntries(entryArray, entriesOffset) };
}

const hex = (value: number) => `0x${value.toString(16).padStart(8, "0")}`;

function usedEntries(array: Uint8Array, base: number): readonly TableEntry[] {
  const entries: TableEntry[] = [];
  for (let index = 0; index * gptEntry.size < array.length; index++) {
    const at = index * gptEntry.size;
    // Most are unused: looking at the type's bytes is cheaper than decoding it.
    if (array.subarray(at, at + guidBytes).every((byte) => byte === 0)) continue;
    entries.push({ ...gptEntry.decode(array, at, base), index, offset: base + at });
  }
  return entries;
}

function decodeHeader(sector: Uint8Array, sectorBytes: number, lba: number, source: ByteSource): GptHeader {
  const base = lba * sectorBytes;
  const header = gptHeader.decode(sector, 0, base);
  const wrong = (field: keyof GptHeader, message: string, code: DdiErrorCode = "MALFORMED_HEADER") =>
    new DdiError(code, message, {
      path: `header.${field}`,
      offset: base + gptHeader.offsets[field],
      source: source.name,
    });
  if (header.signature !== headerSignature) throw wrong("signature", "there is no GPT header");
  if (header.revision !== headerRevision) throw wrong("revision", `the revision is ${hex(header.revision)}, not 1.0`);
  if (header.headerBytes < gptHeader.size || header.headerBytes > sectorBytes) {
    throw wrong("headerBytes", `the header claims ${header.headerBytes} bytes in a sector of ${sectorBytes}`);
  }
  const crc = headerChecksum(sector, header.headerBytes);
  if (crc !== header.headerCrc) {
    const message = `the checksum of the header is ${hex(crc)}, it says ${hex(header.headerCrc)}`;
    throw wrong("headerCrc", message, "MISMATCH_HEADER_CHECKSUM");
  }
  if (header.currentLba !== BigInt(lba)) {
    throw wrong("currentLba", `the header is for sector ${header.currentLba}, it stands in ${lba}`);
  }
  const lastLba = Math.floor(source.size / sectorBytes) - 1;
  const { firstUsableLba: first, lastUsableLba: last } = header;
  if (last < first || last > BigInt(lastLba)) {
    throw wrong("lastUsableLba", `partitions may lie in sectors ${first} to ${last}, the image ends with ${lastLba}`);
  }
  const at = BigInt(lba);
  if (first <= at && at <= last)
    throw wrong("firstUsableLba", `the header lies among the partitions, in ${first} to ${last}`);
  checkEntryArray(header, sectorBytes, lastLba, wrong);
  return header;
}

function checkEntryArray(
  header: GptHeader,
  sectorBytes: number,
  lastLba: number,
  wrong: (field: keyof GptHeader, message: string, code?: DdiErrorCode) => DdiError,
): void {
  if (header.entryBytes !== gptEntry.size) {
    const message = `entries have ${header.entryBytes} bytes, only ${gptEntry.size} are read`;
    throw wrong("entryBytes", message, "UNSUPPORTED_ENTRY_SIZE");
  }
  if (header.entryCount === 0) throw wrong("entryCount", "the table has no entries");
  if (header.entryCount > maxEntryCount) {
    throw wrong(
      "entryCount",
      `the table has ${header.entryCount} entries, more than ${maxEntryCount}`,
      "LIMIT_ENTRIES",
    );
  }
  const sectors = BigInt(Math.ceil((header.entryCount * gptEntry.size) / sectorBytes));
  const { entriesLba: start, currentLba, firstUsableLba, lastUsableLba } = header;
  const last = start + sectors - 1n;
  const place = `the entries lie in sectors ${start} to ${last}`;
  if (start < 1n || last > BigInt(lastLba)) throw wrong("entriesLba", `${place}, outside of the image`);
  if (start <= currentLba && currentLba <= last)
    throw wrong("entriesLba", `${place}, over the header in ${currentLba}`);
  if (start <= lastUsableLba && firstUsableLba <= last) {
    throw wrong("entriesLba", `${place}, among the partitions in ${firstUsableLba} to ${lastUsableLba}`);
  }
}

/** Throws `DdiError` where partitions lie outside of the usable sectors, overlap, or share a UUID. */
export function checkEntries(table: Table, source: string | undefined): void {
  const { firstUsableLba, lastUsableLba } = table.header;
  const wrong = (code: DdiErrorCode, entry: TableEntry, field: keyof GptEntry, message: string) =>
    new DdiError(code, message, {
      path: `entries[${entry.index}].${field}`,
      offset: entry.offset + gptEntry.offsets[field],
      source,
    });
  const range = ({ firstLba, lastLba }: TableEntry) => `sectors ${firstLba} to ${lastLba}`;
  const uuids = new Map<string, TableEntry>();
  for (const entry of table.entries) {
    if (entry.lastLba < entry.firstLba) {
      throw wrong("MALFORMED_PARTITION_RANGE", entry, "lastLba", `the partition has ${range(entry)}`);
    }
    if (entry.firstLba < firstUsableLba || entry.lastLba > lastUsableLba) {
      const field = entry.firstLba < firstUsableLba ? "firstLba" : "lastLba";
      const message = `the partition has ${range(entry)}, outside of ${firstUsableLba} to ${lastUsableLba}`;
      throw wrong("MALFORMED_PARTITION_RANGE", entry, field, message);
    }
    const twin = uuids.get(entry.uuid);
    if (twin) {
      const message = `the partition has the UUID of entry ${twin.index}, ${entry.uuid}`;
      throw wrong("MALFORMED_DUPLICATE_PARTITION", entry, "uuid", message);
    }
    uuids.set(entry.uuid, entry);
  }
  const ordered = [...table.entries].sort((a, b) => Number(a.firstLba - b.firstLba));
  for (const [index, entry] of ordered.entries()) {
    const before = ordered[index - 1];
    if (!before || before.lastLba < entry.firstLba) continue;
    const message = `the partition has ${range(entry)}, entry ${before.index} has ${range(before)}`;
    throw wrong("MALFORMED_PARTITION_OVERLAP", entry, "firstLba", message);
  }
}
