import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** How the server misbehaves. What is left out works as RFC 9110 has it. */
export interface RangeFaults {
  /** Answers 200 with everything, whatever range is asked for. */
  readonly ignoreRange?: boolean;
  /** Breaks the connection after so many bytes of a body… */
  readonly cutOffAfterBytes?: number;
  /** …in so many answers; default all of them. */
  readonly cutOffTimes?: number;
  /** After so many answers the file is another one of the same size, with another validator. */
  readonly changeAfterRequests?: number;
  /** Ignores If-Range, so that a change shows in the validators of a 206 only. */
  readonly ignoreIfRange?: boolean;
  /** Answers 416 to every range. */
  readonly refuseRange?: boolean;
  /** Redirects so many times before the file; `loop` never gets there. */
  readonly redirects?: number | "loop";
  /** Default 302. */
  readonly redirectStatus?: 301 | 302 | 303 | 307 | 308;
  /** Waits before each answer. */
  readonly delayMs?: number;
  /** Sends no Content-Length with a 200 (and so in chunks), and `*` for the size in Content-Range. */
  readonly noLength?: boolean;
  /** What answers have to tell versions apart; default a strong ETag. */
  readonly validator?: "strong" | "weak" | "date" | "none";
  /** Says 206 and another range than the one that was asked for. */
  readonly wrongRange?: boolean;
  /** Says 206 for less than was asked for, correctly labelled. */
  readonly shortRange?: boolean;
  /** Sends more bytes than its headers say, as far as HTTP lets it: the Content-Length is that of the longer body. */
  readonly extraBytes?: number;
  /** Says 206 without Content-Range. */
  readonly noContentRange?: boolean;
  /** Answers with this status… */
  readonly failStatus?: number;
  /** …so many times; default always. */
  readonly failTimes?: number;
  /** Answers 405 to HEAD. */
  readonly noHead?: boolean;
}

/** A request as it came. */
export interface LoggedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Of the answer. */
  status: number;
  /** Body bytes of the answer that were handed to the connection. */
  bytes: number;
}

/** A running server; close it, or declare it with `await using`. */
export interface RangeServer {
  /** Address of the file. */
  readonly url: string;
  readonly requests: readonly LoggedRequest[];
  /** Body bytes sent in all. */
  bytesSent(): number;
  /** From the next request on the file is this one. */
  replace(content: Uint8Array): void;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

interface State {
  content: Uint8Array;
  version: number;
  cutOffs: number;
  failures: number;
  answers: number;
  readonly faults: RangeFaults;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body?: Uint8Array;
}

function validators({ faults, version }: State): Record<string, string> {
  const date = new Date(Date.UTC(2026, 0, 1 + version)).toUTCString();
  switch (faults.validator ?? "strong") {
    case "strong":
      return { ETag: `"v${version}"` };
    case "weak":
      return { ETag: `W/"v${version}"` };
    case "date":
      return { "Last-Modified": date };
    case "none":
      return {};
  }
}

/** First and last byte of a single range, undefined for anything else; a range past the end gives `unsatisfiable`. */
function parseRange(header: string | undefined, size: number): readonly [number, number] | "unsatisfiable" | undefined {
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? [];
  if (first === "" && last === "") return undefined;
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
  return start >= size || end < start ? "unsatisfiable" : [start, end];
}

function whole(state: State): Answer {
  const { content, faults } = state;
  const length = faults.noLength ? {} : { "Content-Length": content.length };
  const ranges = faults.ignoreRange ? {} : { "Accept-Ranges": "bytes" };
  return { status: 200, headers: { ...validators(state), ...ranges, ...length }, body: content };
}

function part(state: State, start: number, last: number): Answer {
  const { content, faults } = state;
  const end = faults.shortRange ? start + Math.ceil((last - start + 1) / 2) : last + 1;
  const bytes = content.subarray(start, end);
  const body = faults.extraBytes ? Buffer.concat([bytes, Buffer.alloc(faults.extraBytes, 0x58)]) : bytes;
  const shift = faults.wrongRange ? 1 : 0;
  const size = faults.noLength ? "*" : content.length;
  const range = faults.noContentRange ? {} : { "Content-Range": `bytes ${start + shift}-${end - 1 + shift}/${size}` };
  return { status: 206, headers: { ...validators(state), ...range, "Content-Length": body.length }, body };
}

function redirect(path: string, faults: RangeFaults): Answer | undefined {
  const { redirects = 0, redirectStatus = 302 } = faults;
  const hop = Number(/^\/hop(\d+)$/.exec(path)?.[1] ?? 0);
  if (redirects !== "loop" && hop >= redirects) return undefined;
  return { status: redirectStatus, headers: { Location: `/hop${hop + 1}`, "Content-Length": 0 } };
}

/** What to answer; everything about the file, nothing about the connection. */
function answerTo(request: IncomingMessage, state: State): Answer {
  const { faults } = state;
  const moved = redirect(request.url ?? "/", faults);
  if (moved) return moved;
  const { failStatus, failTimes = Number.POSITIVE_INFINITY } = faults;
  if (failStatus !== undefined && state.failures++ < failTimes) {
    return { status: failStatus, headers: { "Content-Length": 0 } };
  }
  if (request.method === "HEAD" && faults.noHead) return { status: 405, headers: { "Content-Length": 0 } };
  if (state.answers++ === faults.changeAfterRequests)
    replaceContent(
      state,
      state.content.map((byte) => byte ^ 0xff),
    );
  const range = faults.ignoreRange ? undefined : parseRange(request.headers.range, state.content.length);
  if (range === undefined) return whole(state);
  if (range === "unsatisfiable" || faults.refuseRange) {
    return { status: 416, headers: { "Content-Range": `bytes */${state.content.length}`, "Content-Length": 0 } };
  }
  return mayGiveParts(request.headers["if-range"], state) ? part(state, range[0], range[1]) : whole(state);
}

/** If-Range compares strongly: a weak ETag never holds. */
function mayGiveParts(condition: string | string[] | undefined, state: State): boolean {
  if (condition === undefined || state.faults.ignoreIfRange) return true;
  if (typeof condition !== "string") return false;
  const { ETag: etag, "Last-Modified": date } = validators(state);
  return condition === date || (condition === etag && !condition.startsWith("W/"));
}

function replaceContent(state: State, content: Uint8Array): void {
  state.content = content;
  state.version += 1;
}

function send(answer: Answer, response: ServerResponse, state: State, log: LoggedRequest, headOnly: boolean): void {
  const { cutOffAfterBytes, cutOffTimes = Number.POSITIVE_INFINITY } = state.faults;
  response.writeHead(answer.status, answer.headers);
  log.status = answer.status;
  const body = headOnly ? undefined : answer.body;
  if (body === undefined) {
    response.end();
    return;
  }
  const cut = cutOffAfterBytes !== undefined && body.length > cutOffAfterBytes && state.cutOffs++ < cutOffTimes;
  log.bytes = cut ? cutOffAfterBytes : body.length;
  if (!cut) {
    response.end(body);
    return;
  }
  // With nothing to send first, the headers alone must still get out before the connection breaks.
  if (cutOffAfterBytes === 0) response.flushHeaders();
  response.write(body.subarray(0, cutOffAfterBytes), () => setTimeout(() => response.socket?.destroy(), 5));
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/**
 * An HTTP server on this machine with one file, which answers ranges as RFC 9110 has it or fails in the ways that `faults` names,
 * and keeps a log of what was asked.
 */
export async function rangeServer(content: Uint8Array, faults: RangeFaults = {}): Promise<RangeServer> {
  const state: State = { content, version: 1, cutOffs: 0, failures: 0, answers: 0, faults };
  const requests: LoggedRequest[] = [];
  const server = createServer((request, response) => {
    const { method = "", url: path = "", headers } = request;
    const flat = Object.entries(headers).map(([name, value]) => [name, String(value)] as const);
    const log: LoggedRequest = { method, path, headers: Object.fromEntries(flat), status: 0, bytes: 0 };
    requests.push(log);
    const answer = answerTo(request, state);
    const reply = () => send(answer, response, state, log, method === "HEAD");
    if (faults.delayMs === undefined) reply();
    else setTimeout(reply, faults.delayMs);
  });
  const port = await listen(server);
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return {
    url: `http://127.0.0.1:${port}/file`,
    requests,
    bytesSent: () => requests.reduce((sum, { bytes }) => sum + bytes, 0),
    replace: (next) => replaceContent(state, next),
    close,
    [Symbol.asyncDispose]: close,
  };
}
