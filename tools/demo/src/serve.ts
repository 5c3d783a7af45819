import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";

export interface DemoServer {
  readonly url: string;
  /** What was asked for so far, a line a request. */
  log(): readonly string[];
  close(): Promise<void>;
}

/** Serves the files of one directory on the loopback interface, with single byte ranges. */
export async function serve(directory: string): Promise<DemoServer> {
  const lines: string[] = [];
  const server = createServer(async (request, response) => {
    const path = join(directory, basename(request.url ?? ""));
    const found = await stat(path).catch(() => undefined);
    if (!found?.isFile()) {
      response.writeHead(404).end();
      return;
    }
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
    const start = range ? Number(range[1]) : 0;
    const end = range ? Math.min(Number(range[2]), found.size - 1) : found.size - 1;
    lines.push(`${request.method} ${request.url} ${end - start + 1} of ${found.size} bytes`);
    const headers = { "Content-Length": end - start + 1, "Accept-Ranges": "bytes", ETag: `"${found.mtimeMs}"` };
    if (range) response.writeHead(206, { ...headers, "Content-Range": `bytes ${start}-${end}/${found.size}` });
    else response.writeHead(200, headers);
    createReadStream(path, { start, end }).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    log: () => lines,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
