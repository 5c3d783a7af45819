/** What is odd about an image that can be read all the same. */
export type WarningCode =
  /** The primary table is damaged, the backup was read. */
  | "used-backup"
  /** The protective MBR is not the usual one; nobody who knows GPT minds. */
  | "unusual-mbr"
  /** Bytes that UEFI reserves are not zero. */
  | "reserved-bytes"
  /** Bytes follow the backup header. */
  | "trailing-data"
  /** The backup header would lie behind the end of the image. */
  | "no-backup";

/** Something odd that `open` saw. */
export interface Warning {
  readonly code: WarningCode;
  readonly message: string;
  /** Field path, such as `header.reserved`. */
  readonly path: string;
  /** Absolute offset, in bytes. */
  readonly offset: number;
}
