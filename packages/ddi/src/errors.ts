import { CodedError } from "@sextant/bytes";

/** The ways in which a disk image is wrong. */
export type DdiErrorCode =
  /** There is no partition table at all: a bare filesystem, or something else. */
  | "UNSUPPORTED_NOT_GPT"
  /** There is a table but no protective MBR, without which neither the kernel nor libblkid looks at it. */
  | "MALFORMED_PROTECTIVE_MBR"
  /** Valid headers stand at the places of several sector sizes; systemd refuses these images too. */
  | "MALFORMED_SECTOR_SIZE"
  /** A header that is none, or whose numbers contradict each other or the size of the image. */
  | "MALFORMED_HEADER"
  | "MISMATCH_HEADER_CHECKSUM"
  | "MISMATCH_ENTRIES_CHECKSUM"
  /** Entries of another size than 128 bytes, which libblkid does not read either. */
  | "UNSUPPORTED_ENTRY_SIZE"
  /** More entries than anybody has partitions. */
  | "LIMIT_ENTRIES"
  /** A partition ends before it begins, or lies outside of the space for partitions. */
  | "MALFORMED_PARTITION_RANGE"
  | "MALFORMED_PARTITION_OVERLAP"
  /** Two partitions with the same UUID, or of the same designator, so that which one counts would be chance. */
  | "MALFORMED_DUPLICATE_PARTITION"
  /** The signature partition does not hold what systemd reads from one. */
  | "MALFORMED_SIGNATURE_PARTITION"
  | "LIMIT_SIGNATURE_PARTITION"
  /** The root hash that is signed is not the one that the partition UUIDs are made of. */
  | "MISMATCH_ROOT_HASH"
  /** The signature does not fit its partition. */
  | "LIMIT_SIGNATURE";

/** What is wrong with a partition table or a signature partition. */
export class DdiError extends CodedError<DdiErrorCode> {}
