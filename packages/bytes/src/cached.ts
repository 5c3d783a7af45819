import { type ByteSource, checkRange, concatBytes } from "./source.js";

/** How much `cached` keeps, and how much it fetches at a time. */
export interface CachedOptions {
  /** Grain of the reads below, in bytes; a power of two is not required. Default 4096. */
  readonly pageBytes?: number;
  /** Pages kept, least recently used first out. Default 256 (1 MiB of 4096-byte pages). */
  readonly pages?: number;
  /** Pages fetched in one request when the first of them is missing. Default 1. */
  readonly readAheadPages?: number;
}

/**
 * A source that keeps whole pages, so that many small reads near each other cost one request below. Neighbouring
 * missing pages are fetched in one request. Reads that start while a page is on its way wait for that request.
 */
export function cached(source: ByteSource, options: CachedOptions = {}): ByteSource {
  const pageBytes = options.pageBytes ?? 4096;
  const capacity = options.pages ?? 256;
  const readAhead = options.readAheadPages ?? 1;
  if (!(pageBytes > 0 && capacity > 0 && readAhead > 0)) throw new RangeError("page size and counts are positive");
  const lastPage = Math.max(0, Math.ceil(source.size / pageBytes) - 1);
  const pages = new Map<number, Promise<Uint8Array>>();

  const remember = (page: number, bytes: Promise<Uint8Array>) => {
    pages.delete(page);
    pages.set(page, bytes);
    bytes.catch(() => pages.get(page) === bytes && pages.delete(page));
    for (const oldest of pages.keys()) {
      if (pages.size <= capacity) break;
      pages.delete(oldest);
    }
  };

  const fetchRun = (first: number, last: number): Promise<Uint8Array>[] => {
    const start = first * pageBytes;
    const run = source.read(start, Math.min(source.size, (last + 1) * pageBytes));
    const parts: Promise<Uint8Array>[] = [];
    for (let page = first; page <= last; page++) {
      const from = (page - first) * pageBytes;
      const part = run.then((bytes) => bytes.subarray(from, from + pageBytes));
      parts.push(part);
      remember(page, part);
    }
    return parts;
  };

  const collect = (first: number, last: number): Promise<Uint8Array>[] => {
    const parts: Promise<Uint8Array>[] = [];
    for (let page = first; page <= last; page++) {
      const known = pages.get(page);
      if (known) {
        remember(page, known);
        parts.push(known);
        continue;
      }
      let end = page;
      while (end < last && !pages.has(end + 1)) end++;
      const ahead = end === last ? Math.min(lastPage, Math.max(end, page + readAhead - 1)) : end;
      parts.push(...fetchRun(page, ahead).slice(0, end - page + 1));
      page = end;
    }
    return parts;
  };

  const whole: ByteSource = {
    size: source.size,
    name: source.name,
    async read(start, end) {
      checkRange(whole, start, end);
      if (start === end) return new Uint8Array(0);
      const first = Math.floor(start / pageBytes);
      const last = Math.floor((end - 1) / pageBytes);
      const parts = await Promise.all(collect(first, last));
      const base = first * pageBytes;
      const [only] = parts;
      if (parts.length === 1 && only) return only.subarray(start - base, end - base);
      return concatBytes(parts).subarray(start - base, end - base);
    },
  };
  return whole;
}
