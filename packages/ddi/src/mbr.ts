// The protective MBR: what systemd-repart (libfdisk) writes, and what deserves a warning in others'.
import { mbrPartition, mbrSignature, type ProtectiveMbr, protectiveMbr, protectiveType } from "./layout.js";
import type { Warning } from "./warning.js";

const empty = mbrPartition.decode(new Uint8Array(mbrPartition.size));
const maxSectors = 0xffffffff;

/** The protective MBR of an image whose last sector is `lastLba`. */
export function protectiveMbrFor(lastLba: number): ProtectiveMbr {
  return {
    bootCode: new Uint8Array(protectiveMbr.offsets.diskSignature),
    diskSignature: 0,
    unknown: 0,
    partition1: {
      bootIndicator: 0,
      // Head 0, sector 2, cylinder 0: LBA 1.
      startingChs: Uint8Array.of(0x00, 0x02, 0x00),
      osType: protectiveType,
      // Beyond what cylinders, heads and sectors can say.
      endingChs: Uint8Array.of(0xff, 0xff, 0xff),
      startingLba: 1,
      sizeInLba: Math.min(lastLba, maxSectors),
    },
    partition2: empty,
    partition3: empty,
    partition4: empty,
    signature: mbrSignature,
  };
}

/** Whether the kernel and libblkid would look for a GPT behind it. */
export function isProtective(mbr: ProtectiveMbr): boolean {
  const types = [mbr.partition1, mbr.partition2, mbr.partition3, mbr.partition4].map(({ osType }) => osType);
  return mbr.signature === mbrSignature && types.includes(protectiveType);
}

/** Each field in which an MBR differs from the one that the image should have. */
export function mbrWarnings(bytes: Uint8Array, lastLba: number): readonly Warning[] {
  const expected = protectiveMbr.spans(protectiveMbr.encode(protectiveMbrFor(lastLba)));
  return protectiveMbr.spans(bytes).flatMap(({ path, start, value }, index) => {
    const wanted = expected[index]?.value;
    if (value === wanted) return [];
    const message =
      path === "protectiveMbr.bootCode" ? "there is boot code" : `it is ${value}, usual is ${wanted ?? "nothing"}`;
    return [{ code: "unusual-mbr" as const, message, path, offset: start }];
  });
}
