import { type ByteSource, readChunks, slice } from "@sextant/bytes";
import { type CompressionFormat, type DecompressEnd, decompress } from "@sextant/codecs";
import type { UnpackOptions } from "./options.js";
import { memorySpill } from "./spill.js";

/** What came out of compressed data. */
export interface Unpacked extends DecompressEnd {
  readonly source: ByteSource;
}

/** Decompresses what starts at `start` into a spill: up to the end of the source, or its first member. */
export async function unpack(
  source: ByteSource,
  format: CompressionFormat,
  start: number,
  options: UnpackOptions,
  members: "all" | "first",
): Promise<Unpacked> {
  const target = await (options.spill ?? memorySpill())();
  const chunks = decompress(format, readChunks(slice(source, start)), {
    members,
    limitBytes: options.unpackLimitBytes,
    windowLimitBytes: options.windowLimitBytes,
    hasher: options.hasher,
    inflater: options.inflater,
    source: source.name,
  });
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await chunks.next();
      if (done) {
        await target.sink.commit(size);
        return { source: named(target.source(), source.name), consumedBytes: value.consumedBytes };
      }
      await target.sink.write(size, value);
      size += value.length;
    }
  } catch (error) {
    await target.sink.abort();
    throw error;
  } finally {
    await chunks.return({ consumedBytes: 0 });
  }
}

const named = (source: ByteSource, name: string | undefined): ByteSource => ({
  size: source.size,
  name,
  read: (start, end) => source.read(start, end),
});

/** The first bytes of what is compressed, without unpacking the rest: at least `count`, or all there is. */
export async function peek(
  source: ByteSource,
  format: CompressionFormat,
  count: number,
  options: UnpackOptions,
): Promise<Uint8Array> {
  const head = new Uint8Array(count);
  let filled = 0;
  for await (const chunk of decompress(format, readChunks(source, 0, source.size, 64 * 1024), {
    windowLimitBytes: options.windowLimitBytes,
    source: source.name,
  })) {
    head.set(chunk.subarray(0, count - filled), filled);
    filled = Math.min(count, filled + chunk.length);
    if (filled === count) break;
  }
  return head.subarray(0, filled);
}
