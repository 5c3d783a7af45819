import type { Chunk, HashState } from "@sextant/bytes";

/** Collects what is written in ascending order into chunks of a useful size, and hashes it on the way. */
export interface ChunkWriter {
  /** `offset` is in the image; what is left out in between is zeros. */
  append(offset: number, bytes: Uint8Array): void;
  /** Hands on what is left and gives the digest of all bytes from the writer's start to `end`. */
  finish(end: number): Uint8Array | undefined;
}

/** Small writes are gathered up to this size. Larger chunks gain nothing (measured: 1, 2 and 4 MiB). */
const chunkBytes = 1 << 20;
/** From here on bytes are handed on as they are: copying them would cost more than one more chunk. */
const directBytes = 1 << 17;

const someZeros = new Uint8Array(1 << 16);

/** A writer that begins at `start` and puts chunks into `ready`. */
export function chunkWriter(ready: Chunk[], start: number, hash: HashState | undefined): ChunkWriter {
  let buffer: Uint8Array | undefined;
  let bufferStart = 0;
  let used = 0;
  let hashed = start;

  const hashZerosTo = (offset: number) => {
    if (hash === undefined) return;
    for (; hashed < offset; hashed += Math.min(someZeros.length, offset - hashed)) {
      hash.update(someZeros.subarray(0, offset - hashed));
    }
  };
  const handOn = (offset: number, bytes: Uint8Array) => {
    hashZerosTo(offset);
    hash?.update(bytes);
    hashed = offset + bytes.length;
    ready.push({ offset, bytes });
  };
  const flush = () => {
    if (buffer !== undefined) handOn(bufferStart, buffer.subarray(0, used));
    buffer = undefined;
  };
  return {
    append(offset, bytes) {
      if (bytes.length >= directBytes) {
        flush();
        handOn(offset, bytes);
        return;
      }
      if (buffer !== undefined && offset + bytes.length > bufferStart + buffer.length) flush();
      if (buffer === undefined) {
        buffer = new Uint8Array(chunkBytes);
        bufferStart = offset;
      }
      buffer.set(bytes, offset - bufferStart);
      used = offset - bufferStart + bytes.length;
    },
    finish(end) {
      flush();
      hashZerosTo(end);
      return hash?.digest();
    },
  };
}
