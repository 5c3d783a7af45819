import { BytesError } from "./errors.js";
import { type Exchange, exchange, type Wire } from "./http.js";
import { differs, judgeAnswer, type Verdict, type Version } from "./http-answer.js";

/** A file on a server: what was asked for, and what the answers have told so far. */
export interface Remote {
  readonly wire: Wire;
  /** The URL as the user wrote it, for errors. */
  readonly name: string;
  readonly original: string;
  readonly settings: {
    readonly headers: Readonly<Record<string, string>>;
    readonly retries: number;
    readonly retryDelayMs: number;
    readonly wholeLimitBytes: number;
    readonly onRequest:
      | ((request: { readonly url: string; readonly start: number; readonly end: number }) => void)
      | undefined;
  };
  /** Where redirects led the last answer from. */
  url: string;
  conditional: boolean;
  version: Version | undefined;
  size: number | undefined;
  /** False once the server has answered a range with the whole file. */
  ranges: boolean;
}

/** Headers that must not follow a redirect to another origin. */
const credentials = new Set(["authorization", "cookie", "proxy-authorization"]);

/** Sends one request for bytes `[start, end)` and holds its answer against what is known. The caller closes the transfer. */
export async function ask(
  remote: Remote,
  start: number,
  end: number,
): Promise<{ readonly transfer: Exchange; readonly verdict: Verdict }> {
  const { wire, settings, version, original } = remote;
  const pinned = remote.url;
  settings.onRequest?.({ url: pinned, start, end });
  let transfer = await exchange(wire, pinned, headersFor(remote, start, end));
  // What a redirect leads to may expire: signed URLs do. Then the original tells the new place, once.
  if (pinned !== original && [401, 403, 404, 410].includes(transfer.answer.status)) {
    transfer.close();
    remote.url = original;
    settings.onRequest?.({ url: original, start, end });
    transfer = await exchange(wire, original, headersFor(remote, start, end));
  }
  try {
    const { answer } = transfer;
    if (answer.url !== "") remote.url = withoutHash(answer.url);
    const verdict = judgeAnswer(answer, start, end, remote.name);
    if (verdict.kind !== "outside") {
      if (version && differs(version, verdict.version)) throw changed(remote, start);
      remote.version ??= verdict.version;
    }
    return { transfer, verdict };
  } catch (error) {
    transfer.close();
    throw error;
  }
}

function headersFor(remote: Remote, start: number, end: number): Record<string, string> {
  const headers: Record<string, string> = {};
  // No accept-encoding: with a Range, `fetch` sends "identity" by itself (Fetch Standard, HTTP-network-or-cache fetch).
  const foreign = new URL(remote.url).origin !== new URL(remote.original).origin;
  for (const [key, value] of Object.entries(remote.settings.headers)) {
    const lower = key.toLowerCase();
    if (lower !== "accept-encoding" && !(foreign && credentials.has(lower))) headers[lower] = value;
  }
  const condition = remote.conditional ? remote.version?.ifRange : undefined;
  return {
    ...headers,
    range: `bytes=${start}-${end - 1}`,
    ...(condition === undefined ? {} : { "if-range": condition }),
  };
}

const withoutHash = (url: string) => url.split("#", 1)[0] ?? url;

/** The file is another one than at the first answer. */
const changed = (remote: Remote, offset: number) =>
  new BytesError("MISMATCH_CHANGED", "the file on the server has changed since it was opened", {
    source: remote.name,
    offset,
  });

/** The server answers against HTTP. */
export const mismatch = (remote: Remote, offset: number, message: string) =>
  new BytesError("MISMATCH_SOURCE", message, { source: remote.name, offset });

/** What a 416 means. */
export function outOfRange(remote: Remote, offset: number, size: number | undefined): BytesError {
  if (remote.size !== undefined && size !== undefined && size !== remote.size) return changed(remote, offset);
  return mismatch(remote, offset, `the server says that it has no byte ${offset} (416)`);
}

/** The server has no ranges, and `what` would cost more than the caller allows. */
export const tooFar = (remote: Remote, what: string) =>
  new BytesError(
    "UNSUPPORTED_SOURCE",
    `the server has no ranges, and ${what} is past the limit of ${remote.settings.wholeLimitBytes} bytes`,
    { source: remote.name, limit: remote.settings.wholeLimitBytes },
  );
