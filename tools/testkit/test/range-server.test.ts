import { describe, expect, test } from "vitest";
import { type RangeFaults, type RangeServer, rangeServer } from "../src/index.js";

const content = Uint8Array.from({ length: 100 }, (_, index) => index);

async function withServer<T>(faults: RangeFaults, use: (server: RangeServer) => Promise<T>): Promise<T> {
  const server = await rangeServer(content, faults);
  try {
    return await use(server);
  } finally {
    await server.close();
  }
}

interface Got {
  readonly status: number;
  readonly range: string | null;
  /** Undefined where the transfer broke. */
  readonly bytes: number[] | undefined;
}

async function get(server: RangeServer, range?: string, headers: Record<string, string> = {}): Promise<Got> {
  const response = await fetch(server.url, { headers: { ...(range === undefined ? {} : { range }), ...headers } });
  const bytes = await response.arrayBuffer().then(
    (buffer) => [...new Uint8Array(buffer)],
    () => undefined,
  );
  return { status: response.status, range: response.headers.get("content-range"), bytes };
}

const slice = (start: number, end: number) => [...content.subarray(start, end)];

describe("rangeServer", () => {
  const whole: Got = { status: 200, range: null, bytes: slice(0, 100) };
  const rows: [what: string, faults: RangeFaults, range: string | undefined, got: Got][] = [
    ["gives everything", {}, undefined, whole],
    ["gives a range", {}, "bytes=10-19", { status: 206, range: "bytes 10-19/100", bytes: slice(10, 20) }],
    ["gives the end", {}, "bytes=-5", { status: 206, range: "bytes 95-99/100", bytes: slice(95, 100) }],
    ["clips a range", {}, "bytes=98-400", { status: 206, range: "bytes 98-99/100", bytes: slice(98, 100) }],
    ["refuses what lies outside", {}, "bytes=100-", { status: 416, range: "bytes */100", bytes: [] }],
    ["ignores ranges", { ignoreRange: true }, "bytes=10-19", whole],
    ["refuses ranges", { refuseRange: true }, "bytes=0-1", { status: 416, range: "bytes */100", bytes: [] }],
    ["mislabels", { wrongRange: true }, "bytes=0-1", { status: 206, range: "bytes 1-2/100", bytes: [0, 1] }],
    ["gives less", { shortRange: true }, "bytes=0-3", { status: 206, range: "bytes 0-1/100", bytes: [0, 1] }],
    ["gives more", { extraBytes: 1 }, "bytes=0-0", { status: 206, range: "bytes 0-0/100", bytes: [0, 0x58] }],
    ["hides the size", { noLength: true }, "bytes=0-0", { status: 206, range: "bytes 0-0/*", bytes: [0] }],
    ["has no label", { noContentRange: true }, "bytes=0-0", { status: 206, range: null, bytes: [0] }],
    ["fails", { failStatus: 503 }, "bytes=0-0", { status: 503, range: null, bytes: [] }],
    ["redirects", { redirects: 3, redirectStatus: 307 }, undefined, whole],
    ["is late", { delayMs: 20 }, undefined, whole],
  ];
  test.each(rows)("%s", (_, faults, range, got) =>
    withServer(faults, async (server) => expect(await get(server, range)).toEqual(got)),
  );

  test("breaks off where it is told, as often as it is told", () =>
    withServer({ cutOffAfterBytes: 50, cutOffTimes: 1 }, async (server) => {
      expect(await get(server)).toMatchObject({ status: 200, bytes: undefined });
      expect(await get(server)).toEqual(whole);
      expect(server.bytesSent()).toBe(150);
    }));

  test("fails as often as it is told", () =>
    withServer({ failStatus: 503, failTimes: 1 }, async (server) => {
      expect((await get(server)).status).toBe(503);
      expect(await get(server)).toEqual(whole);
    }));

  test("holds no range to a weak validator", () =>
    withServer({ validator: "weak" }, async (server) => {
      const etag = (await fetch(server.url)).headers.get("etag") ?? "";
      expect(await get(server, "bytes=0-0", { "if-range": etag })).toEqual(whole);
    }));

  test("becomes another file, and If-Range tells", () =>
    withServer({ changeAfterRequests: 1 }, async (server) => {
      const first = await fetch(server.url, { headers: { range: "bytes=0-0" } });
      const etag = first.headers.get("etag") ?? "";
      expect(await get(server, "bytes=0-0", { "if-range": etag })).toMatchObject({ status: 200 });
      expect((await get(server, "bytes=0-0")).bytes).toEqual([0xff]);
    }));

  test("never arrives in a circle of redirects", () =>
    withServer({ redirects: "loop" }, async (server) => {
      await expect(fetch(server.url)).rejects.toThrow();
      expect(server.requests.length).toBeGreaterThan(10);
    }));

  test("keeps a log", () =>
    withServer({ noHead: true }, async (server) => {
      await fetch(server.url, { method: "HEAD" });
      await get(server, "bytes=1-2");
      expect(server.requests).toMatchObject([
        { method: "HEAD", path: "/file", status: 405, bytes: 0 },
        { method: "GET", headers: { range: "bytes=1-2" }, status: 206, bytes: 2 },
      ]);
    }));
});
