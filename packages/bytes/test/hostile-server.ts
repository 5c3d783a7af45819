import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request as the server saw it: `bytes=…` or undefined, and the headers that matter to ranges. */
export interface SeenRequest {
  readonly path: string;
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
  readonly encoding: string | undefined;
  readonly authorization: string | undefined;
}

/** Answers one request; `n` counts the requests from 0. */
export type Behaviour = (request: IncomingMessage, response: ServerResponse, n: number) => void;

export interface HostileServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT/file` */
  readonly url: string;
  readonly seen: SeenRequest[];
}

/** A server on this machine that answers every request as told. */
export async function hostileServer(behave: Behaviour): Promise<HostileServer> {
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    const { headers } = request;
    seen.push({
      path: request.url ?? "",
      range: headers.range,
      ifRange: headers["if-range"] as string | undefined,
      encoding: headers["accept-encoding"] as string | undefined,
      authorization: headers.authorization,
    });
    behave(request, response, seen.length - 1);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/file`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

export interface RangeOptions {
  readonly etag?: string;
  readonly lastModified?: string;
  /** Replaces the Content-Range; null leaves it out. */
  readonly contentRange?: string | null;
  /** Sends only so many bytes of the body and then drops the connection. */
  readonly cutAfter?: number;
  /** Sends no Content-Length: the body is chunked. */
  readonly chunked?: boolean;
  /** Whether `If-Range` is heeded. Default true. */
  readonly conditional?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

/** `[start, end)` of a `Range: bytes=a-b` header within a file of `size` bytes; undefined where there is none. */
function askedRange(request: IncomingMessage, size: number): readonly [number, number] | undefined {
  const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
  return match ? [Number(match[1]), Math.min(size, Number(match[2]) + 1)] : undefined;
}

/** Answers as a good server does, but for what the options break. */
export function serveRange(
  request: IncomingMessage,
  response: ServerResponse,
  file: Uint8Array,
  options: RangeOptions = {},
): void {
  const { etag, lastModified, conditional = true } = options;
  const ifRange = request.headers["if-range"];
  const fresh = ifRange === undefined || !conditional || ifRange === etag || ifRange === lastModified;
  const range = fresh ? askedRange(request, file.length) : undefined;
  if (range && range[0] >= range[1]) {
    response.writeHead(416, { "content-range": `bytes */${file.length}` }).end();
    return;
  }
  if (range === undefined) {
    serveWhole(request, response, file, options);
    return;
  }
  const [start, end] = range;
  const contentRange =
    options.contentRange === undefined ? `bytes ${start}-${end - 1}/${file.length}` : options.contentRange;
  response.statusCode = 206;
  if (contentRange !== null) response.setHeader("content-range", contentRange);
  send(response, file.subarray(start, end), options);
}

/** Answers with the whole file whatever is asked. */
export function serveWhole(
  _request: IncomingMessage,
  response: ServerResponse,
  file: Uint8Array,
  options: RangeOptions = {},
): void {
  response.statusCode = 200;
  send(response, file, options);
}

function send(response: ServerResponse, body: Uint8Array, options: RangeOptions): void {
  const { etag, lastModified, cutAfter, chunked = false, headers = {} } = options;
  if (etag !== undefined) response.setHeader("etag", etag);
  if (lastModified !== undefined) response.setHeader("last-modified", lastModified);
  for (const [key, value] of Object.entries(headers)) response.setHeader(key, value);
  // Headers that are out before the end leave no way to say a length.
  if (chunked) response.flushHeaders();
  else response.setHeader("content-length", body.length);
  if (cutAfter === undefined) {
    response.end(body);
    return;
  }
  // Wait for the bytes to leave before the connection drops, so that tests can say how many arrive.
  response.flushHeaders();
  response.write(body.subarray(0, cutAfter), () => setTimeout(() => response.destroy(), 20));
}

/** A date in the form of HTTP, so many seconds ago. */
export const secondsAgo = (seconds: number) => new Date(Date.now() - 1000 * seconds).toUTCString();
