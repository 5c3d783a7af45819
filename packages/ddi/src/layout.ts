// GUID partition table: UEFI specification 2.10, section 5.2 (protective MBR) and 5.3 (headers and entries).
// All numbers are little-endian; LBA counts sectors from 0.
import { bytesField, type Field, type RecordOf, record, textField, u8, u16le, u32le, u64le } from "@sextant/bytes";
import { guidField } from "./guid.js";

/** Sector sizes at which systemd looks for a table (`dissect-image.c`, `probe_sector_size`). */
export const sectorSizes = [512, 1024, 2048, 4096] as const;
export const minSectorBytes = 512;
export const maxSectorBytes = 4096;

export const mbrPartition = record("partition", {
  /** BootIndicator */
  bootIndicator: u8,
  /** StartingCHS */
  startingChs: bytesField(3),
  /** OSType */
  osType: u8,
  /** EndingCHS */
  endingChs: bytesField(3),
  /** StartingLBA */
  startingLba: u32le,
  /** SizeInLBA */
  sizeInLba: u32le,
});

/** LBA 0 tells tools that know no GPT that the whole disk is taken. */
export const protectiveMbr = record("protectiveMbr", {
  /** BootCode */
  bootCode: bytesField(440),
  /** UniqueMBRDiskSignature */
  diskSignature: u32le,
  unknown: u16le,
  /** PartitionRecord[4] */
  partition1: mbrPartition,
  partition2: mbrPartition,
  partition3: mbrPartition,
  partition4: mbrPartition,
  /** Signature, 0xaa55 */
  signature: u16le,
});
export type ProtectiveMbr = RecordOf<typeof protectiveMbr>;
export const mbrSignature = 0xaa55;
/** OSType of the one partition that covers the disk. */
export const protectiveType = 0xee;

export const gptHeader = record("header", {
  /** Signature, "EFI PART" */
  signature: textField(8),
  /** Revision, 1.0 */
  revision: u32le,
  /** HeaderSize, bytes, 92…sector */
  headerBytes: u32le,

  /** HeaderCRC32, over HeaderSize bytes with this field zero */
  headerCrc: u32le,
  reserved: u32le,
  /** MyLBA */
  currentLba: u64le,

  /** AlternateLBA */
  alternateLba: u64le,
  /** FirstUsableLBA */
  firstUsableLba: u64le,

  /** LastUsableLBA */
  lastUsableLba: u64le,
  /** DiskGUID, first half */
  diskGuid: guidField,

  /** PartitionEntryLBA */
  entriesLba: u64le,
  /** NumberOfPartitionEntries */
  entryCount: u32le,

  /** SizeOfPartitionEntry, bytes */
  entryBytes: u32le,
  /** PartitionEntryArrayCRC32 */
  entriesCrc: u32le,
});
/** A header of a partition table, its fields named as in UEFI 2.10 table 5.5. */
export type GptHeader = RecordOf<typeof gptHeader>;
export const headerSignature = "EFI PART";
export const headerRevision = 0x10000;

/** PartitionName: UTF-16LE up to the first NUL. Not everything on disk is well-formed; the units are kept as they are. */
export const labelUnits = 36;
const labelField: Field<string> = {
  size: 2 * labelUnits,
  get(view, at) {
    let label = "";
    for (let unit = 0; unit < labelUnits; unit++) {
      const code = view.getUint16(at + 2 * unit, true);
      if (code === 0) break;
      label += String.fromCharCode(code);
    }
    return label;
  },
  set(view, at, label) {
    if (label.length > labelUnits)
      throw new RangeError(`the label ${JSON.stringify(label)} is longer than ${labelUnits}`);
    for (let unit = 0; unit < labelUnits; unit++) {
      view.setUint16(at + 2 * unit, unit < label.length ? label.charCodeAt(unit) : 0, true);
    }
  },
  show: (label) => JSON.stringify(label),
};

export const gptEntry = record("entry", {
  /** PartitionTypeGUID */
  type: guidField,

  /** UniquePartitionGUID */
  uuid: guidField,

  /** StartingLBA */
  firstLba: u64le,
  /** EndingLBA, inclusive */
  lastLba: u64le,

  /** Attributes */
  attributes: u64le,
  /** PartitionName, UTF-16LE */
  label: labelField,
});
/** An entry of a partition table (UEFI 2.10 table 5.6); sectors are inclusive. */
export type GptEntry = RecordOf<typeof gptEntry>;

/** Attributes (UEFI table 5.8; bits 48…63 belong to the type, here the Discoverable Partitions Specification). */
export const attributeBit = {
  required: 1n << 0n,
  growFileSystem: 1n << 59n,
  readOnly: 1n << 60n,
  noAuto: 1n << 63n,
} as const;

/** What everybody writes, and UEFI's minimum for the space that is kept for entries. */
export const standardEntryCount = 128;
/** 512 KiB of entries. systemd-repart and sfdisk write 128; nothing needs more. */
export const maxEntryCount = 4096;

/** Partitions that systemd-repart makes begin and end at multiples of this, or of the sector if that is larger. */
export const grainBytes = 4096;

/** `repart.c` (`VERITY_SIG_SIZE`). */
export const signaturePartitionBytes = 16384;
/** What systemd reads at most (`dissect-image.c`, `acquire_sig_for_roothash`). */
export const maxSignaturePartitionBytes = 4 << 20;
