import { BytesError } from "./errors.js";
import { type HttpAnswer, TransferError } from "./http.js";

/** Which version of a file an answer is of, as far as it tells (RFC 9110, 8.8). */
export interface Version {
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
  /** Bytes of the whole file; undefined where the server does not say. */
  readonly size: number | undefined;
  /** What `If-Range` may carry: a strong ETag or a date that is one; undefined if there is neither. */
  readonly ifRange: string | undefined;
}

/** An answer that can be used: a part, the whole, or the news that there is nothing to give. */
export type Verdict =
  /** Bytes `[start, end)` of the file; a server may give fewer than were asked for. */
  | { readonly kind: "part"; readonly start: number; readonly end: number; readonly version: Version }
  /** The whole file: the server has no ranges, or what we know is not what it has. */
  | { readonly kind: "whole"; readonly version: Version }
  /** 416: nothing at this offset of a file of `size` bytes. */
  | { readonly kind: "outside"; readonly size: number | undefined };

/** Worth trying again: time-outs, too many requests, and what gateways say when the server behind them is away. */
const passing = new Set([408, 429, 502, 503, 504]);

/** Longest pause that a server's Retry-After makes us take, in milliseconds. */
const maxRetryAfterMs = 10_000;

/**
 * Reads the head of an answer to a request for bytes `[start, end)`. Throws `TransferError` for statuses that pass, and
 * `BytesError`: `UNREADABLE_SOURCE` for other failures, `UNSUPPORTED_SOURCE` for encodings and missing lengths,
 * `MISMATCH_SOURCE` for answers that break the protocol, `MISMATCH_CHANGED` for a failed precondition.
 */
export function judgeAnswer(answer: HttpAnswer, start: number, end: number, source: string): Verdict {
  const { status, headers } = answer;
  const context = { source, offset: start, status };
  if (status === 416) return { kind: "outside", size: contentRange(headers.get("content-range"), source)?.size };
  if (status === 412) throw new BytesError("MISMATCH_CHANGED", "the file on the server has changed", context);
  if (status !== 200 && status !== 206) throw statusError(answer, context);
  const encoding = headers.get("content-encoding");
  if (encoding !== null && encoding !== "" && encoding.toLowerCase() !== "identity") {
    throw new BytesError(
      "UNSUPPORTED_SOURCE",
      `the server sends the file encoded as ${encoding}, though asked not to; ranges of it would mean nothing`,
      context,
    );
  }
  if (status === 200)
    return { kind: "whole", version: versionOf(answer, wholeSize(headers.get("content-length"), source)) };

  const text = headers.get("content-range");
  const range = contentRange(text, source);
  if (text === null || range === undefined || range.start === undefined || range.end === undefined) {
    const found = text === null ? "no Content-Range that we may see" : `the Content-Range "${text}"`;
    throw new BytesError("MISMATCH_SOURCE", `the server answered 206 with ${found}`, context);
  }
  if (range.size === undefined) {
    throw new BytesError("UNSUPPORTED_SOURCE", `the server does not say how large the file is: "${text}"`, context);
  }
  const { size } = range;
  if (range.start !== start || range.end > end || range.end <= range.start || range.end > size) {
    throw new BytesError("MISMATCH_SOURCE", `asked for bytes ${start}-${end - 1}, the server sends "${text}"`, context);
  }
  return { kind: "part", start: range.start, end: range.end, version: versionOf(answer, size) };
}

/** Whether two answers are of different versions, as far as both tell. */
export function differs(a: Version, b: Version): boolean {
  const unlike = <T>(left: T | undefined, right: T | undefined) =>
    left !== undefined && right !== undefined && left !== right;
  return unlike(a.size, b.size) || unlike(a.etag, b.etag) || unlike(a.lastModified, b.lastModified);
}

function versionOf(answer: HttpAnswer, size: number | undefined): Version {
  const { headers } = answer;
  const etag = headers.get("etag") ?? undefined;
  const lastModified = headers.get("last-modified") ?? undefined;
  // A date is a strong validator only where the file is visibly older than the answer (RFC 9110, 8.8.2.2).
  const age = Date.parse(headers.get("date") ?? "") - Date.parse(lastModified ?? "");
  const ifRange =
    etag === undefined ? (age >= 1000 ? lastModified : undefined) : etag.startsWith('"') ? etag : undefined;
  return { etag, lastModified, size, ifRange };
}

/** A Content-Range, `bytes 0-99/200`, with an asterisk for what is unknown; ends are exclusive here. Undefined if it is none. */
export function contentRange(
  text: string | null,
  source: string,
): { start: number | undefined; end: number | undefined; size: number | undefined } | undefined {
  const match = /^bytes\s+(?:(\d+)-(\d+)|\*)\/(\d+|\*)$/i.exec(text?.trim() ?? "");
  if (match === null) return undefined;
  const [, first, last, size] = match;
  return {
    start: first === undefined ? undefined : safeNumber(first, source),
    end: last === undefined ? undefined : safeNumber(last, source) + 1,
    size: size === undefined || size === "*" ? undefined : safeNumber(size, source),
  };
}

function wholeSize(contentLength: string | null, source: string): number | undefined {
  return contentLength !== null && /^\d+$/.test(contentLength.trim()) ? safeNumber(contentLength, source) : undefined;
}

function safeNumber(digits: string, source: string): number {
  const value = Number(digits);
  if (value < Number.MAX_SAFE_INTEGER) return value;
  throw new BytesError("LIMIT_RANGE", `the server claims ${digits.trim()} bytes, more than this program can address`, {
    source,
  });
}

function statusError(answer: HttpAnswer, context: { source: string; offset: number; status: number }): Error {
  const said = `${answer.status} ${answer.statusText}`.trim();
  if (passing.has(answer.status)) {
    const seconds = Number(answer.headers.get("retry-after") ?? "");
    const retryAfterMs = seconds > 0 ? Math.min(maxRetryAfterMs, 1000 * seconds) : undefined;
    return new TransferError(`the server answered ${said}`, { retryAfterMs });
  }
  const what =
    answer.status === 404 || answer.status === 410
      ? "the server has no such file"
      : answer.status === 401 || answer.status === 403 || answer.status === 407
        ? "the server refuses access"
        : "the server does not give the file";
  return new BytesError("UNREADABLE_SOURCE", `${what} (${said})`, context);
}
