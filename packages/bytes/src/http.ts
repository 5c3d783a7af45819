/** What this package needs of `fetch`; the global one of browsers and Node fits. */
export type Fetch = (url: string, init: FetchInit) => Promise<HttpAnswer>;

/** What requests are sent with. */
export interface FetchInit {
  readonly headers: Record<string, string>;
  readonly signal: AbortSignal;
  readonly redirect: "follow";
}

/** The part of a `Response` that is looked at. */
export interface HttpAnswer {
  readonly status: number;
  readonly statusText: string;
  /** The URL after redirects; empty where the implementation does not tell. */
  readonly url: string;
  readonly headers: { get(name: string): string | null };
  readonly body: { getReader(): HttpReader } | null;
}

/** The part of a body's reader that is used. */
export interface HttpReader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
  cancel(): Promise<void>;
}

/** What all requests of one source share. */
export interface Wire {
  readonly fetch: Fetch;
  readonly signal: AbortSignal | undefined;
  /** Longest wait for an answer's head and for each next part of its body, in milliseconds. */
  readonly idleMs: number;
  readonly count: { requests: number; bytes: number };
}

/** An answer whose body comes part by part. Every exchange ends with `close`, whatever happened. */
export interface Exchange {
  readonly answer: HttpAnswer;
  /** The next part of the body; undefined at its end. */
  next(): Promise<Uint8Array | undefined>;
  /** Lets go of what was not read. */
  close(): void;
}

/** A transfer that failed on the way, so that trying again makes sense. Never leaves this package. */
export class TransferError extends Error {
  /** How long the server asks to be left alone, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: ErrorOptions & { readonly retryAfterMs?: number | undefined } = {}) {
    super(message, options);
    this.name = "TransferError";
    this.retryAfterMs = options.retryAfterMs;
  }
}

/**
 * Sends one request. Throws `TransferError` where the network fails or nothing comes for `idleMs`, and the signal's
 * reason where the caller gives up.
 */
export async function exchange(wire: Wire, url: string, headers: Record<string, string>): Promise<Exchange> {
  const { signal, idleMs, count } = wire;
  signal?.throwIfAborted();
  const control = new AbortController();
  let fail: (reason: unknown) => void = () => {};
  // Raced against everything below, so that an implementation that ignores the signal cannot hang us.
  const failure = new Promise<never>((_, reject) => {
    fail = (reason) => {
      reject(reason);
      control.abort(reason);
    };
  });
  failure.catch(() => {});
  const giveUp = () => fail(signal?.reason);
  signal?.addEventListener("abort", giveUp, { once: true });

  const guarded = async <T>(work: Promise<T>): Promise<T> => {
    const timer = setTimeout(() => fail(new TransferError(`nothing came for ${idleMs} ms`)), idleMs);
    try {
      return await Promise.race([work, failure]);
    } catch (cause) {
      if (signal?.aborted) throw signal.reason;
      throw cause instanceof TransferError ? cause : new TransferError(innermostMessage(cause), { cause });
    } finally {
      clearTimeout(timer);
    }
  };

  count.requests += 1;
  let reader: HttpReader | undefined;
  let finished = false;
  const close = () => {
    signal?.removeEventListener("abort", giveUp);
    // A connection whose answer was read to its end is kept for the next request.
    if (finished) return;
    // Cancelling a body that already failed rejects with that failure, which was reported then.
    reader?.cancel().catch(() => {});
    control.abort();
  };
  try {
    const answer = await guarded(wire.fetch(url, { headers, signal: control.signal, redirect: "follow" }));
    reader = answer.body?.getReader();
    const next = async () => {
      const { done, value } = reader ? await guarded(reader.read()) : { done: true, value: undefined };
      finished = done;
      if (done || value === undefined) return undefined;
      count.bytes += value.length;
      return value;
    };
    return { answer, next, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** The reason at the bottom: `fetch` wraps "connect ECONNREFUSED …" in a "fetch failed". */
function innermostMessage(error: unknown): string {
  let innermost = error;
  for (let depth = 0; depth < 5 && innermost instanceof Error && innermost.cause instanceof Error; depth++) {
    innermost = innermost.cause;
  }
  return innermost instanceof Error && innermost.message !== "" ? innermost.message : String(innermost);
}

/** Waits, unless the signal fires first; then throws its reason. */
export async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const giveUp = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", giveUp);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", giveUp, { once: true });
  });
}
