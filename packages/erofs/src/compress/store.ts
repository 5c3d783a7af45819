import { type ByteSink, type ByteSource, checkRange } from "@sextant/bytes";

/** Where compressed data waits until the image is written. */
export interface StoreTarget extends AsyncDisposable {
  readonly sink: ByteSink;
  /** What was written, after the sink's `commit`. */
  source(): ByteSource;
}

/** Appended to, then read. */
export interface Store extends AsyncDisposable {
  readonly size: number;
  append(bytes: Uint8Array): Promise<void>;
  /** Ends writing. */
  finish(): Promise<ByteSource>;
}

/** What a store keeps in memory where it may spill. */
const memoryBytes = 96 << 20;

/** A store in memory; what is more than 96 MiB goes to a target of `spill` where there is one. */
export function openStore(spill: (() => Promise<StoreTarget>) | undefined): Store {
  const pages: Uint8Array[] = [];
  const offsets: number[] = [];
  let kept = 0;
  let target: StoreTarget | undefined;
  let spilled = 0;
  return {
    get size() {
      return kept + spilled;
    },
    async append(bytes) {
      if (bytes.length === 0) return;
      if (target === undefined && spill && kept + bytes.length > memoryBytes) target = await spill();
      if (target === undefined) {
        pages.push(bytes);
        offsets.push(kept);
        kept += bytes.length;
        return;
      }
      await target.sink.write(spilled, bytes);
      spilled += bytes.length;
    },
    async finish() {
      await target?.sink.commit(spilled);
      return joined(pages, offsets, kept, target?.source());
    },
    async [Symbol.asyncDispose]() {
      pages.length = 0;
      await target?.[Symbol.asyncDispose]();
    },
  };
}

/** Pages one behind the other, then the rest. */
function joined(
  pages: readonly Uint8Array[],
  offsets: readonly number[],
  kept: number,
  rest: ByteSource | undefined,
): ByteSource {
  const copy = async (start: number, target: Uint8Array) => {
    const end = start + target.length;
    for (let index = lastAtOrBefore(offsets, start); index < pages.length; index++) {
      const offset = offsets[index] ?? 0;
      if (offset >= end) break;
      const page = pages[index]?.subarray(Math.max(0, start - offset), end - offset);
      if (page) target.set(page, Math.max(0, offset - start));
    }
    if (rest && end > kept) {
      const from = Math.max(start, kept);
      target.set(await rest.read(from - kept, end - kept), from - start);
    }
  };
  const source: ByteSource = {
    size: kept + (rest?.size ?? 0),
    async read(start, end) {
      checkRange(source, start, end);
      const bytes = new Uint8Array(end - start);
      await copy(start, bytes);
      return bytes;
    },
    readInto: async (start, target) => {
      checkRange(source, start, start + target.length);
      await copy(start, target);
    },
  };
  return source;
}

function lastAtOrBefore(offsets: readonly number[], at: number): number {
  let low = 0;
  let high = offsets.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((offsets[middle] ?? 0) <= at) low = middle;
    else high = middle - 1;
  }
  return Math.max(0, low);
}
