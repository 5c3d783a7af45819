import type { Steps } from "./steps.js";

/** Output that is kept back until so many bytes are there, so that chunks are worth handing on. */
const chunkBytes = 256 * 1024;
/** Memory that is taken before any data came, whatever a header says. */
const firstBytes = 1024 * 1024;

/**
 * What a decoder has written lately: its output until that is handed on, and the history that matches refer to. Memory grows
 * with the data up to the size of the history and a quarter more.
 *
 * After a reset, index 0 is the first byte; later it is some multiple of 16 after it, which LZMA counts on.
 */
export class Window {
  bytes: Uint8Array;
  /** Where the next byte goes. */
  at = 0;
  private emitted = 0;

  /** A window with `historyBytes` of history; `sizeHint` bytes of output are likely. */
  constructor(
    private historyBytes: number,
    sizeHint = chunkBytes,
  ) {
    this.bytes = new Uint8Array(Math.min(sizeHint, firstBytes, this.largest(0)));
  }

  private largest(count: number): number {
    return this.historyBytes + 16 + Math.max(count, 2 * chunkBytes, this.historyBytes >>> 2);
  }

  /** Makes room for `count` more bytes behind `at`. */
  *room(count: number): Steps {
    const needed = this.at + count;
    if (needed <= this.bytes.length) return;
    yield* this.emit();
    const largest = this.largest(count);
    const shift = needed <= largest ? 0 : Math.floor((this.at - this.historyBytes) / 16) * 16;
    const length = Math.min(largest, Math.max(2 * this.bytes.length, needed));
    if (length > this.bytes.length) {
      const grown = new Uint8Array(length);
      grown.set(this.bytes.subarray(shift, this.at));
      this.bytes = grown;
    } else {
      this.bytes.copyWithin(0, shift, this.at);
    }
    this.at -= shift;
    this.emitted = this.at;
  }

  /** Hands on all that is new, as a copy. */
  *emit(): Steps {
    if (this.at === this.emitted) return;
    const chunk = this.bytes.slice(this.emitted, this.at);
    this.emitted = this.at;
    yield chunk;
  }

  /** Hands on what is new if it is a good deal. */
  *emitIfMuch(): Steps {
    if (this.at - this.emitted >= chunkBytes) yield* this.emit();
  }

  /** Forgets the history, after handing on what is new. */
  *reset(historyBytes = this.historyBytes): Steps {
    yield* this.emit();
    this.historyBytes = historyBytes;
    this.at = 0;
    this.emitted = 0;
  }
}

/** Copies `length` bytes from `distance` before `to`, byte after byte as it were: the two runs may overlap. */
export function copyMatch(buffer: Uint8Array, to: number, distance: number, length: number): void {
  const from = to - distance;
  if (length > 48 && distance >= length) {
    buffer.copyWithin(to, from, from + length);
  } else {
    for (let i = 0; i < length; i++) buffer[to + i] = buffer[from + i] as number;
  }
}
