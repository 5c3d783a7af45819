import type { Chunk, Hasher } from "@sextant/bytes";
import type { UnitMemory } from "./write-memory.js";

/**
 * What is written comes in units of this size (the last one of an area shorter), each a chunk and a fingerprint of its own,
 * so that units can be hashed side by side.
 */
export const unitBytes = 1 << 20;

/** Fingerprints under way: what they hold in memory. */
const digestsAhead = 8;

/** Makes chunks of what is written to an area of the image in ascending order. */
export interface AreaWriter {
  /** `offset` is in the image. What is left out is zeros, and a unit of nothing else is no chunk. */
  append(offset: number, bytes: Uint8Array): void;
  /** Hands on what is left. */
  finish(): void;
  /** Waits while too much is being hashed. */
  pace(): Promise<void>;
  /** SHA-256 over the fingerprints of the area's units, after `finish`. */
  digest(): Promise<Uint8Array>;
}

/** The start of the unit in which a byte of an area stands. */
export function unitStart(areaStart: number, offset: number): number {
  return offset - ((offset - areaStart) % unitBytes);
}

/** A writer of `[start, end)` that puts its chunks into `ready`; without a hasher it has no digest. */
export function areaWriter(
  ready: Chunk[],
  start: number,
  end: number,
  hasher: Hasher | undefined,
  memory?: UnitMemory,
): AreaWriter {
  const digests = unitDigests(hasher);
  let unit: { readonly at: number; readonly bytes: Uint8Array } | undefined;
  /** Where the next unit begins. */
  let next = start;

  const unitSize = (at: number) => Math.min(unitBytes, end - at);
  const skipTo = (at: number) => {
    for (; next < at; next += unitSize(next)) digests.addZeros(unitSize(next));
  };
  const handOn = (at: number, bytes: Uint8Array) => {
    skipTo(at);
    digests.add(bytes);
    ready.push({ offset: at, bytes });
    next = at + bytes.length;
  };
  const flush = () => {
    if (unit !== undefined) handOn(unit.at, unit.bytes);
    unit = undefined;
  };
  const appendToUnit = (at: number, offset: number, bytes: Uint8Array) => {
    if (unit?.at !== at) flush();
    if (bytes.length === unitSize(at)) {
      handOn(at, bytes);
      return;
    }
    unit ??= { at, bytes: memory ? memory.take().subarray(0, unitSize(at)).fill(0) : new Uint8Array(unitSize(at)) };
    unit.bytes.set(bytes, offset - at);
  };
  return {
    append(offset, bytes) {
      for (let done = 0; done < bytes.length; ) {
        const at = unitStart(start, offset + done);
        const count = Math.min(bytes.length - done, at + unitSize(at) - offset - done);
        appendToUnit(at, offset + done, bytes.subarray(done, done + count));
        done += count;
      }
    },
    finish() {
      flush();
      skipTo(end);
    },
    pace: () => digests.pace(),
    digest: () => digests.digest(),
  };
}

/** Fingerprints units and hashes, in their order, what comes out. */
function unitDigests(hasher: Hasher | undefined) {
  const state = hasher?.create("sha256");
  const pending: (Uint8Array | Promise<Uint8Array>)[] = [];
  const ofZeros = new Map<number, Uint8Array | Promise<Uint8Array>>();
  const settle = async (keep: number) => {
    const done = pending.splice(0, Math.max(0, pending.length - keep));
    for (const digest of done) state?.update(await digest);
  };
  return {
    add(bytes: Uint8Array) {
      if (hasher === undefined) return;
      const digest = hasher.fingerprint(bytes);
      // Whoever settles it gets the error.
      if (digest instanceof Promise) digest.catch(() => {});
      pending.push(digest);
    },
    addZeros(size: number) {
      if (hasher === undefined) return;
      const digest = ofZeros.get(size) ?? hasher.fingerprint(new Uint8Array(size));
      ofZeros.set(size, digest);
      pending.push(digest);
    },
    pace: () => settle(digestsAhead),
    async digest() {
      await settle(0);
      if (state === undefined) throw new TypeError("nothing was hashed");
      return state.digest();
    },
  };
}
