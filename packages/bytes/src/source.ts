import { BytesError } from "./errors.js";

/**
 * Where bytes live. `read(start, end)` gives exactly the bytes `[start, end)`; both are within `0..size`.
 * The result may share memory with the source: callers do not write to it.
 *
 * Throws `RangeError` where the caller asks for bytes outside of the source, `BytesError` where the source fails.
 */
export interface ByteSource {
  /** Bytes in all. */
  readonly size: number;
  read(start: number, end: number): Promise<Uint8Array>;
  /**
   * Reads the bytes from `start` on into memory that the caller has, as many as it takes: `[start, start + target.length)`.
   * Only where a source does that without reading into memory of its own first.
   */
  readInto?(start: number, target: Uint8Array): Promise<void>;
  /** Name for error messages, where the source has one. */
  readonly name?: string | undefined;
}

/** Throws `RangeError` unless `0 <= start <= end <= source.size`, all whole numbers. */
export function checkRange(source: { readonly size: number }, start: number, end: number): void {
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start || end > source.size) {
    throw new RangeError(`range [${start}, ${end}) is not within a source of ${source.size} bytes`);
  }
}

/** A source over bytes in memory. Reads are views, not copies. */
export function fromBytes(bytes: Uint8Array, name?: string): ByteSource {
  const source = {
    size: bytes.length,
    name,
    async read(start: number, end: number) {
      checkRange(source, start, end);
      return bytes.subarray(start, end);
    },
  };
  return source;
}

/** A source over a browser's `File` or `Blob`. */
export function fromBlob(blob: Blob, name?: string): ByteSource {
  const source = {
    size: blob.size,
    name,
    async read(start: number, end: number) {
      checkRange(source, start, end);
      if (start === end) return new Uint8Array(0);
      try {
        return new Uint8Array(await blob.slice(start, end).arrayBuffer());
      } catch (cause) {
        throw new BytesError(
          "UNREADABLE_SOURCE",
          "the blob cannot be read",
          { offset: start, source: name },
          { cause },
        );
      }
    },
  };
  return source;
}

/** A source of `size` zero bytes that holds none of them. */
export function zeros(size: number): ByteSource {
  const source = {
    size,
    async read(start: number, end: number) {
      checkRange(source, start, end);
      return new Uint8Array(end - start);
    },
  };
  return source;
}

/** Where a slice lies in the source that it was cut from. */
const origins = new WeakMap<ByteSource, { readonly source: ByteSource; readonly start: number }>();

/** The part `[start, end)` of a source, as a source of its own. Slices of slices do not stack. */
export function slice(source: ByteSource, start: number, end: number = source.size): ByteSource {
  checkRange(source, start, end);
  const outer = origins.get(source);
  const origin = { source: outer?.source ?? source, start: (outer?.start ?? 0) + start };
  const part = {
    size: end - start,
    name: source.name,
    async read(from: number, to: number) {
      checkRange(part, from, to);
      return origin.source.read(origin.start + from, origin.start + to);
    },
  };
  origins.set(part, origin);
  return part;
}

/** Several sources one after another, as one. */
export function concatenated(sources: readonly ByteSource[], name?: string): ByteSource {
  const parts: { readonly source: ByteSource; readonly start: number }[] = [];
  let size = 0;
  for (const source of sources) {
    if (source.size > 0) parts.push({ source, start: size });
    size += source.size;
  }
  /** Index of the part that holds this byte. */
  const partAt = (offset: number) => {
    let low = 0;
    for (let high = parts.length; high - low > 1; ) {
      const middle = (low + high) >>> 1;
      if ((parts[middle]?.start ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low;
  };
  const whole = {
    size,
    name,
    async read(start: number, end: number) {
      checkRange(whole, start, end);
      const pieces: Uint8Array[] = [];
      for (let at = start, index = partAt(start); at < end; index++) {
        const part = parts[index];
        if (part === undefined) break;
        const to = Math.min(end, part.start + part.source.size);
        pieces.push(await part.source.read(at - part.start, to - part.start));
        at = to;
      }
      return pieces.length === 1 && pieces[0] ? pieces[0] : concatBytes(pieces);
    },
  };
  return whole;
}

/** What `counted` has seen so far. */
export interface ReadCount {
  /** Calls of `read` that asked for at least one byte. */
  requests: number;
  /** Bytes asked for. */
  bytes: number;
}

/** A source that counts what is asked of it: `counted(source).count`. Wrap the innermost source to measure real I/O. */
export function counted(source: ByteSource): ByteSource & { readonly count: ReadCount } {
  const count: ReadCount = { requests: 0, bytes: 0 };
  return {
    size: source.size,
    name: source.name,
    count,
    read(start, end) {
      if (end > start) {
        count.requests += 1;
        count.bytes += end - start;
      }
      return source.read(start, end);
    },
  };
}

/** Reads `[start, end)` of a source, by default all of it, in steps, so that no single request is larger than `stepBytes` (default 1 MiB). */
export async function* readChunks(
  source: ByteSource,
  start = 0,
  end = source.size,
  stepBytes = 1 << 20,
): AsyncGenerator<Uint8Array> {
  checkRange(source, start, end);
  if (!Number.isSafeInteger(stepBytes) || stepBytes < 1) throw new RangeError(`${stepBytes} is no step in bytes`);
  for (let at = start; at < end; at += stepBytes) yield await source.read(at, Math.min(end, at + stepBytes));
}

/** One array of all the bytes of the parts, in order. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const part of parts) size += part.length;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Whether two byte arrays hold the same bytes. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let at = 0;
  // Four bytes at a time where both are aligned, as buffers of their own are: three times as fast on 1 MiB.
  if (a.byteOffset % 4 === 0 && b.byteOffset % 4 === 0) {
    const words = a.length >>> 2;
    const left = new Uint32Array(a.buffer, a.byteOffset, words);
    const right = new Uint32Array(b.buffer, b.byteOffset, words);
    for (let i = 0; i < words; i++) if (left[i] !== right[i]) return false;
    at = 4 * words;
  }
  for (; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

/** Order by bytes, then by length: negative, zero or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

const hexPairs = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += hexPairs[byte];
  return text;
}

/** Bytes of an even number of hexadecimal digits; throws `TypeError` otherwise. */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) throw new TypeError(`not hexadecimal: ${text}`);
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
}
