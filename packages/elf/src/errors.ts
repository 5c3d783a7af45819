import { CodedError } from "@sextant/bytes";

export type ElfErrorCode =
  /** The identification or the header contradicts itself. */
  | "MALFORMED_HEADER"
  /** A program header points outside of the file, or the dynamic section outside of what is loaded. */
  | "MALFORMED_SEGMENT"
  /** An entry of the dynamic section, or what it points to, does not hold. */
  | "MALFORMED_DYNAMIC"
  /** More program headers, dynamic entries, versions or text than any real file has. */
  | "LIMIT_ENTRIES";

/** Everything that is wrong with an ELF file. */
export class ElfError extends CodedError<ElfErrorCode> {}
