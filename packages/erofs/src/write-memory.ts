import { unitBytes } from "./write-chunks.js";

/** Memory for whole units of data that comes back when a chunk has been taken care of. */
export interface UnitMemory {
  /** A unit's worth of bytes with anything in them. */
  take(): Uint8Array;
  /** Ends the use of a chunk's bytes; does nothing for those that were not taken here. */
  release(bytes: Uint8Array): void;
}

/** Fresh memory costs more than copying into it: the kernel clears it page by page, and nothing of it is in a cache. */
export function unitMemory(): UnitMemory {
  const free: Uint8Array[] = [];
  const taken = new Set<ArrayBufferLike>();
  return {
    take() {
      const unit = free.pop() ?? new Uint8Array(unitBytes);
      taken.add(unit.buffer);
      return unit;
    },
    release({ buffer }) {
      if (taken.delete(buffer)) free.push(new Uint8Array(buffer));
    },
  };
}
