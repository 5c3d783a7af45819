import { crc32, viewOf } from "@sextant/bytes";
import { headerChecksum } from "../src/gpt.js";
import { type GptEntry, type GptHeader, gptEntry, gptHeader } from "../src/layout.js";

export interface TablePatch {
  /** Default 512. */
  readonly sectorBytes?: number;
  /** Which of the two tables; default both. */
  readonly which?: "primary" | "backup";
  readonly header?: Partial<GptHeader>;
  /** Changes of entries by their number; an entry that is not there begins as the first one. */
  readonly entries?: Readonly<Record<number, Partial<GptEntry>>>;
}

/** A copy of an image with changed tables whose checksums are right. */
export function patchTable(image: Uint8Array, patch: TablePatch): Uint8Array {
  const { sectorBytes = 512, which } = patch;
  const copy = image.slice();
  const lastLba = image.length / sectorBytes - 1;
  if (which !== "backup") patchOne(copy, sectorBytes, 1, patch);
  if (which !== "primary") patchOne(copy, sectorBytes, lastLba, patch);
  return copy;
}

function patchOne(image: Uint8Array, sectorBytes: number, lba: number, patch: TablePatch): void {
  const at = lba * sectorBytes;
  const old = gptHeader.decode(image, at);
  const array = Number(old.entriesLba) * sectorBytes;
  for (const [index, change] of Object.entries(patch.entries ?? {})) {
    const place = array + Number(index) * gptEntry.size;
    const present = gptEntry.decode(image, place);
    const base = present.lastLba === 0n ? gptEntry.decode(image, array) : present;
    image.set(gptEntry.encode({ ...base, ...change }), place);
  }
  const entriesCrc = crc32(image.subarray(array, array + old.entryCount * old.entryBytes));
  const header = { ...old, entriesCrc, ...patch.header };
  image.set(gptHeader.encode(header), at);
  const crc = headerChecksum(image.subarray(at, at + sectorBytes), Math.min(header.headerBytes, sectorBytes));
  if (patch.header?.headerCrc === undefined) viewOf(image).setUint32(at + gptHeader.offsets.headerCrc, crc, true);
}

/** A copy with one bit flipped; bits count from the first byte's lowest. */
export function flipBit(image: Uint8Array, bit: number): Uint8Array {
  const copy = image.slice();
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}
