/** A run of bytes and where it belongs in the output, in bytes from its start. */
export interface Chunk {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/**
 * Where an output goes. Chunks may come in any order and a later one may replace an earlier one; what nobody wrote is
 * zero. Nothing is there for others to see before `commit`, and nothing is left behind after `abort`.
 */
export interface ByteSink {
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /** Makes the output `size` bytes long and lets it appear. */
  commit(size: number): Promise<void>;
  abort(): Promise<void>;
}

/**
 * Writes all chunks into a sink, `shift` bytes behind where they say, and leaves the sink open. One write is under way while
 * the next chunk is made, as each takes a thread of its own: a chunk's memory must stay as it is until then.
 *
 * Throws `RangeError` where a chunk does not lie within `size` bytes, and what fails first of making and writing.
 */
export async function pourChunks(
  sink: ByteSink,
  chunks: AsyncIterable<Chunk> | Iterable<Chunk>,
  size: number,
  shift = 0,
): Promise<void> {
  let writing: Promise<void> = Promise.resolve();
  for await (const { offset, bytes } of chunks) {
    checkChunk(offset, bytes.length, size);
    await writing;
    writing = sink.write(shift + offset, bytes);
    // Awaited in the next turn; where making that chunk fails, it is that failure which counts.
    writing.catch(() => {});
  }
  await writing;
}

/**
 * `pourChunks`, and commits the sink at `size`. Where a chunk cannot be made or written, or the commit fails, aborts the
 * sink and throws what failed first.
 */
export async function writeChunks(
  sink: ByteSink,
  chunks: AsyncIterable<Chunk> | Iterable<Chunk>,
  size: number,
): Promise<void> {
  try {
    await pourChunks(sink, chunks, size);
    await sink.commit(size);
  } catch (error) {
    // What failed first is what the caller must hear about; an abort that fails as well is its consequence.
    await sink.abort().catch(() => {});
    throw error;
  }
}

/**
 * All chunks as one array of `size` bytes; for small outputs, tests and browsers.
 * Throws `RangeError` where a chunk does not lie within the size.
 */
export async function collectChunks(chunks: AsyncIterable<Chunk> | Iterable<Chunk>, size: number): Promise<Uint8Array> {
  const whole = new Uint8Array(size);
  for await (const { offset, bytes } of chunks) {
    checkChunk(offset, bytes.length, size);
    whole.set(bytes, offset);
  }
  return whole;
}

function checkChunk(offset: number, length: number, size: number): void {
  if (Number.isSafeInteger(offset) && offset >= 0 && offset + length <= size) return;
  throw new RangeError(`a chunk of ${length} bytes at ${offset} is not within an output of ${size} bytes`);
}
