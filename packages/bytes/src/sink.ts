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

/** Writes all chunks into a sink and commits it at `size`; aborts the sink and throws on when a chunk fails. */
export async function writeChunks(
  sink: ByteSink,
  chunks: AsyncIterable<Chunk> | Iterable<Chunk>,
  size: number,
): Promise<void> {
  try {
    for await (const chunk of chunks) await sink.write(chunk.offset, chunk.bytes);
  } catch (error) {
    await sink.abort();
    throw error;
  }
  await sink.commit(size);
}

/** All chunks as one array of `size` bytes; for small outputs, tests and browsers. */
export async function collectChunks(chunks: AsyncIterable<Chunk> | Iterable<Chunk>, size: number): Promise<Uint8Array> {
  const whole = new Uint8Array(size);
  for await (const chunk of chunks) whole.set(chunk.bytes, chunk.offset);
  return whole;
}
