import { type ByteSink, type ByteSource, checkRange } from "@sextant/bytes";
import { ArchiveError } from "./errors.js";

/** A place for data that has to be kept while a tree is in use. */
export interface SpillTarget extends AsyncDisposable {
  readonly sink: ByteSink;
  /** What was written, after the sink's `commit`; until the target is disposed of. */
  source(): ByteSource;
}

/** Makes a new, empty place. `spillFile` of `@sextant/archive/node` makes temporary files. */
export type Spill = () => Promise<SpillTarget>;

/** What `memorySpill` holds unless told otherwise: 1 GiB. */
export const defaultMemoryLimitBytes = 2 ** 30;
const pageBytes = 2 ** 20;

/**
 * Keeps data in memory: up to `limitBytes` in all targets of this spill together, default 1 GiB; beyond it is `ArchiveError`
 * `LIMIT_CONTENT`.
 */
export function memorySpill(limitBytes = defaultMemoryLimitBytes): Spill {
  let used = 0;
  return async () => {
    // Pages of equal size: large enough for reads to mostly be views, small enough to waste little.
    const pages = new Map<number, Uint8Array>();
    let size = 0;
    const grow = (end: number) => {
      if (end <= size) return;
      used += end - size;
      size = end;
      if (used <= limitBytes) return;
      const what = `the archive unpacks to more than the ${limitBytes} bytes that memory may hold`;
      throw new ArchiveError("LIMIT_CONTENT", what, { path: "content" });
    };
    const release = async () => {
      used -= size;
      size = 0;
      pages.clear();
    };
    return {
      sink: {
        async write(offset, bytes) {
          grow(offset + bytes.length);
          writePages(pages, offset, bytes);
        },
        async commit(total) {
          grow(total);
          size = total;
        },
        abort: release,
      },
      source: () => pagedSource(pages, size),
      [Symbol.asyncDispose]: release,
    };
  };
}

function writePages(pages: Map<number, Uint8Array>, offset: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    const index = Math.floor((offset + at) / pageBytes);
    const from = offset + at - index * pageBytes;
    const count = Math.min(bytes.length - at, pageBytes - from);
    let page = pages.get(index);
    if (page === undefined) {
      page = new Uint8Array(pageBytes);
      pages.set(index, page);
    }
    page.set(bytes.subarray(at, at + count), from);
    at += count;
  }
}

function pagedSource(pages: ReadonlyMap<number, Uint8Array>, size: number): ByteSource {
  const blank = new Uint8Array(0);
  const source: ByteSource = {
    size,
    async read(start, end) {
      checkRange(source, start, end);
      const first = Math.floor(start / pageBytes);
      const from = start - first * pageBytes;
      const page = pages.get(first);
      if (page && from + end - start <= pageBytes) return page.subarray(from, from + end - start);
      const bytes = new Uint8Array(end - start);
      for (let at = start; at < end; ) {
        const index = Math.floor(at / pageBytes);
        const begin = at - index * pageBytes;
        const count = Math.min(end - at, pageBytes - begin);
        bytes.set((pages.get(index) ?? blank).subarray(begin, begin + count), at - start);
        at += count;
      }
      return bytes;
    },
  };
  return source;
}

/** Runs what unpacks an archive. Disposing of the result lets go of all that was spilled; an error does so at once. */
export async function withSpill<T extends object>(
  spill: Spill | undefined,
  open: (spill: Spill) => Promise<T>,
): Promise<T & AsyncDisposable> {
  const make = spill ?? memorySpill();
  const targets: SpillTarget[] = [];
  const release = async () => {
    for (const target of targets.splice(0)) await target[Symbol.asyncDispose]();
  };
  try {
    const result = await open(async () => {
      const target = await make();
      targets.push(target);
      return target;
    });
    return { ...result, [Symbol.asyncDispose]: release };
  } catch (error) {
    await release();
    throw error;
  }
}
