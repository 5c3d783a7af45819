import { inodeSlotBytes } from "./layout.js";

/** The writer's block size on every machine: that of the pages of most, and what all their kernels mount. */
export const blockBytes = 4096;
export const slotsPerBlock = blockBytes / inodeSlotBytes;

/**
 * How far back a block with room is still filled up, in metadata blocks. It bounds what writing holds in memory, since
 * blocks are written in order, and keeps a directory's inodes near each other. (/usr/include, 8,767 inodes: 4023 blocks
 * of metadata with a window of 64, 3955 with 256, 3916 with 1024, 3914 without end.)
 */
const windowBlocks = 1024;

/** Hands out room for inodes and for runs of whole blocks, from the start of the image on. */
export interface SlotAllocator {
  /** Room for that many slots in one block, or from the start of a block on if it takes several. Gives the slot's number. */
  place(slots: number): number;
  /**
   * Room for that many bytes in neighbouring blocks, where what follows them, a slot less than a block at most, does not
   * cross one; what is left before and behind is for others. Gives the slot's number.
   */
  placeAcross(bytes: number, followingBytes: number): number;
  /** That many neighbouring blocks. Gives the first one's number. */
  takeBlocks(blocks: number): number;
  /** Keeps blocks out of both; call it before them. */
  reserve(startBlock: number, blocks: number): void;
  /** Number of the block behind everything so far. */
  end(): number;
}

/** Slots that stay empty in front, so that what follows begins with the next block where it would cross into it. */
function slotsBefore(bytes: number, followingBytes: number): number {
  const over = bytes % blockBytes;
  return over + followingBytes <= blockBytes ? 0 : Math.ceil((blockBytes - over) / inodeSlotBytes);
}

/** An allocator whose block 0 is free from `firstSlot` on. */
export function slotAllocator(firstSlot: number): SlotAllocator {
  const reserved: { readonly start: number; readonly end: number }[] = [];
  /** Where there is room in a block, by the number of slots; the last one is the youngest. */
  const partial: number[][] = Array.from({ length: slotsPerBlock + 1 }, () => []);
  let next = 1;
  let youngest = 0;
  partial[slotsPerBlock - firstSlot]?.push(firstSlot);

  const takeBlocks = (blocks: number): number => {
    for (const { start, end } of reserved) if (next < end && next + blocks > start) next = end;
    const start = next;
    next += blocks;
    return start;
  };

  /** The least room that is enough, out of the window. */
  const findPartial = (slots: number): { start: number; free: number } | undefined => {
    for (let free = slots; free <= slotsPerBlock; free++) {
      const start = partial[free]?.pop();
      if (start === undefined) continue;
      if (Math.floor(start / slotsPerBlock) >= youngest - windowBlocks) return { start, free };
      // All below it are older still.
      partial[free] = [];
    }
    return undefined;
  };

  return {
    takeBlocks,
    place(slots) {
      if (slots > slotsPerBlock) return takeBlocks(Math.ceil(slots / slotsPerBlock)) * slotsPerBlock;
      let found = findPartial(slots);
      if (found === undefined) {
        youngest = takeBlocks(1);
        found = { start: youngest * slotsPerBlock, free: slotsPerBlock };
      }
      const { start, free } = found;
      if (free > slots) partial[free - slots]?.push(start + slots);
      return start;
    },
    placeAcross(bytes, followingBytes) {
      const before = slotsBefore(bytes, followingBytes);
      const blocks = Math.ceil((before * inodeSlotBytes + bytes + followingBytes) / blockBytes);
      const first = takeBlocks(blocks) * slotsPerBlock;
      const end = before + Math.ceil((bytes + followingBytes) / inodeSlotBytes);
      youngest = first / slotsPerBlock + blocks - 1;
      if (before > 0) partial[before]?.push(first);
      if (end < blocks * slotsPerBlock) partial[blocks * slotsPerBlock - end]?.push(first + end);
      return first + before;
    },
    reserve(start, blocks) {
      reserved.push({ start, end: start + blocks });
      reserved.sort((a, b) => a.start - b.start);
    },
    end: () => Math.max(next, ...reserved.map(({ end }) => end)),
  };
}
