import { BytesError } from "./errors.js";
import type { Fetch, Wire } from "./http.js";
import type { Remote } from "./remote.js";
import { type ByteSource, checkRange, concatBytes } from "./source.js";
import { collectRange, growPrefix, openRemote } from "./transfer.js";

export interface UrlOptions {
  /** Default: the global `fetch`. */
  readonly fetch?: Fetch;
  /**
   * Headers of every request, such as `authorization`. Credentials among them are sent to the URL's own origin only, not
   * to where it redirects.
   */
  readonly headers?: Readonly<Record<string, string>>;
  /** Ends every request, running and later; reads then reject with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Bytes that the first request asks for and that are kept. Default 32768: a GPT of either sector size and more. */
  readonly firstBytes?: number;
  /** Longest wait for an answer, and for each next part of it. Default 30,000 ms. */
  readonly idleMs?: number;
  /** How often a read whose transfer breaks is taken up again before it fails. Default 3. */
  readonly retries?: number;
  /** Pause before the first retry; it doubles with each. Default 200 ms. */
  readonly retryDelayMs?: number;
  /** How far into a file to go, and how much of it to keep, where the server has no ranges. Default 64 MiB. */
  readonly wholeLimitBytes?: number;
  /**
   * Whether later requests carry `If-Range`. Default true. Browsers ask another origin's server for leave to send it;
   * with false a change is still found, by the answer's own validators.
   */
  readonly conditional?: boolean;
  /** Told about each request before it is sent: the URL, and the bytes `[start, end)` that are asked for. */
  readonly onRequest?: (request: { readonly url: string; readonly start: number; readonly end: number }) => void;
}

export interface UrlSource extends ByteSource {
  /** Where the bytes come from after redirects. */
  readonly url: string;
  /** The file's ETag, if the server gave one. */
  readonly etag: string | undefined;
  /**
   * HTTP requests sent so far, the opening one included, and bytes of bodies that arrived. `fetch` follows redirects by
   * itself, so these are not counted.
   */
  readonly count: { readonly requests: number; readonly bytes: number };
}

/**
 * A file on an HTTP server, read in ranges. Opening costs one request, for the first `firstBytes`; these are kept, so
 * reads within them cost nothing, and every other read costs one request for exactly what is not among them. Wrap it in
 * `cached` for many small reads.
 *
 * - Every answer is held against the first one (ETag, Last-Modified, size): `MISMATCH_CHANGED` where they differ.
 * - A transfer that breaks off is taken up where it ended, `retries` times; then `UNREADABLE_SOURCE`, which says how many
 *   bytes came. So are answers 408, 429, 502, 503 and 504.
 * - A server without ranges is read from the start as far as needed, at least twice as far each time, and what came is
 *   kept; past `wholeLimitBytes` that is `UNSUPPORTED_SOURCE`. So are a compressed answer, and a URL that is not http(s)
 *   or carries a password.
 * - Other statuses are `UNREADABLE_SOURCE` with `status` in the context; answers that break HTTP are `MISMATCH_SOURCE`.
 */
export async function fromUrl(url: string | URL, options: UrlOptions = {}): Promise<UrlSource> {
  const {
    firstBytes = 32_768,
    idleMs = 30_000,
    retries = 3,
    retryDelayMs = 200,
    wholeLimitBytes = 64 * 2 ** 20,
    conditional = true,
  } = options;
  if (!Number.isSafeInteger(firstBytes) || firstBytes < 1) throw new RangeError(`firstBytes is ${firstBytes}`);
  const { href, name } = checkUrl(url);
  const { fetch: globalFetch } = globalThis as unknown as { fetch: Fetch };
  const wire: Wire = {
    fetch: options.fetch ?? ((to, init) => globalFetch(to, init)),
    signal: options.signal,
    idleMs,
    count: { requests: 0, bytes: 0 },
  };
  const remote: Remote = {
    wire,
    name,
    original: href,
    settings: { headers: options.headers ?? {}, retries, retryDelayMs, wholeLimitBytes, onRequest: options.onRequest },
    url: href,
    conditional,
    version: undefined,
    size: undefined,
    ranges: true,
  };
  let kept = await openRemote(remote, firstBytes);
  const size = remote.size ?? kept.length;

  // One at a time: each starts at byte 0 again, so two at once would fetch the same bytes twice.
  let growing: Promise<void> = Promise.resolve();
  const reach = (end: number) => {
    const grown = growing.then(async () => {
      if (kept.length < end) kept = await growPrefix(remote, kept.length, end);
    });
    growing = grown.catch(() => {});
    return grown;
  };

  const source: UrlSource = {
    size,
    name,
    count: wire.count,
    etag: remote.version?.etag,
    get url() {
      return remote.url;
    },
    async read(start, end) {
      checkRange(source, start, end);
      if (!remote.ranges) await reach(end);
      if (end <= kept.length) return kept.subarray(start, end);
      if (start >= kept.length) return collectRange(remote, start, end);
      return concatBytes([kept.subarray(start), await collectRange(remote, kept.length, end)]);
    },
  };
  return source;
}

function checkUrl(url: string | URL): { readonly href: string; readonly name: string } {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch (cause) {
    throw new BytesError("UNSUPPORTED_SOURCE", "this is not a URL", { source: String(url) }, { cause });
  }
  const secret = parsed.username !== "" || parsed.password !== "";
  parsed.username = "";
  parsed.password = "";
  parsed.hash = "";
  const name = secret ? parsed.href : String(url);
  if (parsed.protocol !== "http:" && parsed.protocol !== "https:") {
    throw new BytesError("UNSUPPORTED_SOURCE", `only http and https URLs can be read, not "${parsed.protocol}"`, {
      source: name,
    });
  }
  if (secret) {
    throw new BytesError("UNSUPPORTED_SOURCE", "the URL carries a user name or password; pass them as headers", {
      source: name,
    });
  }
  return { href: parsed.href, name };
}
