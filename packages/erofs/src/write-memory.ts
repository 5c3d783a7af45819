import { unitBytes } from "./write-chunks.js";

/**
 * Memory that is used again: whole units for chunks, and parts of units for what is read and copied at once. Fresh memory
 * costs more than copying into it: the kernel clears it page by page, and nothing of it is in a cache.
 */
export interface UnitMemory {
  /** A unit's worth of bytes with anything in them. */
  take(): Uint8Array;
  /** Ends the use of a chunk's bytes; does nothing for those that were not taken here. */
  release(bytes: Uint8Array): void;
  /** Up to a unit's worth of bytes, with anything in them. */
  carve(size: number): Uint8Array;
  /** Ends the use of carved bytes; does nothing for others. */
  giveBack(bytes: Uint8Array): void;
}

/** A unit that is carved up: its parts are given out one behind the other, and come back in any order. */
interface Slab {
  readonly unit: Uint8Array;
  used: number;
  parts: number;
}

/** Memory of one writer; it grows to what is in use at once. */
export function unitMemory(): UnitMemory {
  const free: Uint8Array[] = [];
  const taken = new Set<ArrayBufferLike>();
  const slabs = new Map<ArrayBufferLike, Slab>();
  let current: Slab | undefined;

  const unused = () => free.pop() ?? new Uint8Array(unitBytes);
  return {
    take() {
      const unit = unused();
      taken.add(unit.buffer);
      return unit;
    },
    release({ buffer }) {
      if (taken.delete(buffer)) free.push(new Uint8Array(buffer));
    },
    carve(size) {
      if (current === undefined || current.used + size > unitBytes) {
        current = { unit: unused(), used: 0, parts: 0 };
        slabs.set(current.unit.buffer, current);
      }
      const part = current.unit.subarray(current.used, current.used + size);
      current.used += size;
      current.parts += 1;
      return part;
    },
    giveBack({ buffer }) {
      const slab = slabs.get(buffer);
      if (slab === undefined) return;
      slab.parts -= 1;
      if (slab.parts > 0) return;
      slab.used = 0;
      if (slab === current) return;
      slabs.delete(buffer);
      free.push(slab.unit);
    },
  };
}
