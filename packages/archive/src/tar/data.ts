import type { ByteSource } from "@sextant/bytes";
import { type Name, nameToText } from "@sextant/tree";
import { ArchiveError } from "../errors.js";
import { blockBytes } from "./layout.js";

/** Offset of the block behind data of `size` bytes. */
export const behind = (dataStart: number, size: number) => dataStart + Math.ceil(size / blockBytes) * blockBytes;

/** Throws where a member's data goes on beyond the source. */
export function checkData(source: ByteSource, start: number, size: number, member: Name): void {
  if (size <= source.size - start) return;
  throw new ArchiveError("MALFORMED_TRUNCATED", `the file has ${size} bytes, ${source.size - start} are left`, {
    path: "tar.data",
    offset: start,
    member: nameToText(member),
  });
}
