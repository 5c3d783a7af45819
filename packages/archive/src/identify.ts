import { nameFromBytes } from "@sextant/tree";
import { arMagic } from "./ar/layout.js";
import { magicBytes as cpioMagicBytes, magics as cpioMagics, otherMagics } from "./cpio/layout.js";
import { hasValidChecksum, isZeroBlock } from "./tar/header.js";
import { blockBytes } from "./tar/layout.js";

/** The archive formats that are read. */
export type ArchiveFormat = "tar" | "deb" | "cpio";

/** Bytes from the start that `identify` wants to see. */
export const identifyBytes = blockBytes;

/** The archive format that these first bytes, or all if there are fewer, are of; `deb` for any ar archive. */
export function identify(head: Uint8Array): ArchiveFormat | undefined {
  if (nameFromBytes(head.subarray(0, arMagic.length)) === arMagic) return "deb";
  const magic = nameFromBytes(head.subarray(0, cpioMagicBytes));
  if (magic === cpioMagics.newc || magic === cpioMagics.crc || otherMagics.has(magic)) return "cpio";
  if (head.length < blockBytes) return undefined;
  // An empty archive is nothing but its end; what else starts with a block of zeros is not for us to guess.
  return isZeroBlock(head) || hasValidChecksum(head) ? "tar" : undefined;
}
