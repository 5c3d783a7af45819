import { BytesError } from "./errors.js";
import { type ByteSource, checkRange } from "./source.js";

export interface CachedOptions {
  /** Grain of the reads below, in bytes; a power of two is not required. Default 4096. */
  readonly pageBytes?: number;
  /** Pages kept, least recently used first out. Default 256 (1 MiB of 4096-byte pages). */
  readonly pages?: number;
  /** Pages fetched in one request when the first of them is missing. Default 1. */
  readonly readAheadPages?: number;
}

/** Bytes of the source, or a request for them that is under way, and where they start. */
interface Piece {
  readonly base: number;
  readonly bytes: Uint8Array | Promise<Uint8Array>;
}

/**
 * A source that keeps whole pages, so that many small reads near each other cost one request below. Neighbouring
 * missing pages are fetched in one request. Reads that start while a page is on its way wait for that request; a request
 * that fails is forgotten, so the next read tries again.
 *
 * A read of more pages than are kept goes through to the source as it is and leaves the pages alone. What is held is
 * never more than `pages * pageBytes` and the requests under way.
 */
export function cached(source: ByteSource, options: CachedOptions = {}): ByteSource {
  const { pageBytes = 4096, pages: capacity = 256, readAheadPages = 1 } = options;
  for (const value of [pageBytes, capacity, readAheadPages]) {
    if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${value} is no page size or count of pages`);
  }
  const pageCount = Math.ceil(source.size / pageBytes);
  const pages = new Map<number, Piece>();

  const keep = (page: number, piece: Piece) => {
    pages.delete(page);
    pages.set(page, piece);
    const [oldest] = pages.keys();
    if (pages.size > capacity && oldest !== undefined) pages.delete(oldest);
  };

  /** Fetches pages `[first, end)`; each is in the map at once, as a promise, and as bytes of its own when they are here. */
  const fetchRun = (first: number, end: number): Piece => {
    const base = first * pageBytes;
    const run: Piece = { base, bytes: readExactly(source, base, Math.min(source.size, end * pageBytes)) };
    for (let page = first; page < end; page++) keep(page, run);
    const settle = (bytes?: Uint8Array) => {
      for (let page = first; page < end; page++) {
        if (pages.get(page) !== run) continue;
        const from = page * pageBytes;
        // A copy: a view would hold the whole run for as long as one of its pages is kept.
        if (bytes) pages.set(page, { base: from, bytes: bytes.slice(from - base, from - base + pageBytes) });
        else pages.delete(page);
      }
    };
    Promise.resolve(run.bytes).then(settle, () => settle());
    return run;
  };

  const collect = (first: number, last: number): Piece[] => {
    const pieces: Piece[] = [];
    for (let page = first; page <= last; ) {
      let piece = pages.get(page);
      let end = page + 1;
      if (piece) keep(page, piece);
      else {
        const ahead = Math.min(pageCount, page + Math.min(readAheadPages, capacity));
        while ((end <= last || end < ahead) && !pages.has(end)) end++;
        piece = fetchRun(page, end);
      }
      if (pieces.at(-1) !== piece) pieces.push(piece);
      page = end;
    }
    return pieces;
  };

  const whole: ByteSource = {
    size: source.size,
    name: source.name,
    async read(start, end) {
      checkRange(whole, start, end);
      if (start === end) return new Uint8Array(0);
      const first = Math.floor(start / pageBytes);
      const last = Math.floor((end - 1) / pageBytes);
      if (last - first >= capacity) return readExactly(source, start, end);
      return gather(collect(first, last), start, end);
    },
  };
  return whole;
}

/** The bytes `[start, end)` out of pieces that cover them; a view where one piece does. */
async function gather(pieces: readonly Piece[], start: number, end: number): Promise<Uint8Array> {
  let whole: Uint8Array | undefined;
  for (const { base, bytes: promised } of pieces) {
    const bytes = promised instanceof Uint8Array ? promised : await promised;
    const from = Math.max(start, base);
    const part = bytes.subarray(from - base, end - base);
    if (part.length === end - start) return part;
    whole ??= new Uint8Array(end - start);
    whole.set(part, from - start);
  }
  return whole ?? new Uint8Array(0);
}

async function readExactly(source: ByteSource, start: number, end: number): Promise<Uint8Array> {
  const bytes = await source.read(start, end);
  if (bytes.length === end - start) return bytes;
  throw new BytesError("MISMATCH_SOURCE", `the source gave ${bytes.length} bytes where ${end - start} were asked for`, {
    offset: start,
    source: source.name,
  });
}
