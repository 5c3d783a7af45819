import { CodecError } from "./errors.js";

/**
 * How every decoder here runs: a generator that yields a chunk of output, or undefined where it needs more input. So one
 * decoder serves streams and blocks, and stays free of promises.
 */
export type Steps<T = void> = Generator<Uint8Array | undefined, T, void>;

const empty = new Uint8Array(0);

/** Compressed input as it comes: `bytes` from `at` to `end` are here. */
export class Input {
  bytes: Uint8Array = empty;
  at = 0;
  end = 0;
  /** Nothing more will come. */
  ended = false;
  private base = 0;
  private owned = empty;

  /** Absolute offset of the next byte. */
  get offset(): number {
    return this.base + this.at;
  }

  get available(): number {
    return this.end - this.at;
  }

  /** Adds a chunk behind what is here. A chunk that comes when all is used up is not copied. */
  push(chunk: Uint8Array): void {
    const left = this.end - this.at;
    this.base += this.at;
    if (left === 0) {
      this.bytes = chunk;
      this.at = 0;
      this.end = chunk.length;
      return;
    }
    const total = left + chunk.length;
    // Doubling keeps many small chunks from costing their square.
    const target = this.owned.length >= total ? this.owned : new Uint8Array(Math.max(total, 2 * left));
    if (target === this.bytes) target.copyWithin(0, this.at, this.end);
    else target.set(this.bytes.subarray(this.at, this.end));
    target.set(chunk, left);
    this.owned = target;
    this.bytes = target;
    this.at = 0;
    this.end = total;
  }

  /** The next `count` bytes, which must be here. */
  take(count: number): Uint8Array {
    const start = this.at;
    this.at += count;
    return this.bytes.subarray(start, this.at);
  }
}

/** Waits until `count` bytes are here. `path` names what they are. Throws `MALFORMED_TRUNCATED` if they don't come. */
export function* need(input: Input, count: number, path: string): Steps {
  while (input.end - input.at < count) {
    if (input.ended) throw truncated(input, path);
    yield undefined;
  }
}

/** Waits for at least one byte; false at the end of the input. */
export function* more(input: Input): Steps<boolean> {
  while (input.end === input.at) {
    if (input.ended) return false;
    yield undefined;
  }
  return true;
}

/** The error for an input that ends inside of `path`. */
export function truncated(input: Input, path: string): CodecError {
  return new CodecError("MALFORMED_TRUNCATED", `the compressed data ends inside ${path}`, {
    path,
    offset: input.offset + input.available,
  });
}

/** Runs a decoder over chunks that come one after another. Its result is the generator's result. */
export async function* runAsync<T>(
  steps: Steps<T>,
  input: Input,
  chunks: AsyncIterator<Uint8Array> | Iterator<Uint8Array>,
): AsyncGenerator<Uint8Array, T> {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    if (step.value !== undefined) {
      yield step.value;
      continue;
    }
    await refill(input, chunks);
  }
}

/** Gives the input its next chunk that isn't empty, or marks its end. */
export async function refill(input: Input, chunks: AsyncIterator<Uint8Array> | Iterator<Uint8Array>): Promise<void> {
  const next = await chunks.next();
  if (next.done) input.ended = true;
  else input.push(next.value);
}

/** Runs a decoder over bytes that are all here. */
export function* runSync<T>(steps: Steps<T>, input: Input): Generator<Uint8Array, T, void> {
  input.ended = true;
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    if (step.value !== undefined) yield step.value;
  }
}
