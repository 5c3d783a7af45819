import { equalBytes, fromUrl } from "@sextant/bytes";
import { describe, expect, test } from "vitest";
import { rejectionOf } from "./errors.js";
import { type Behaviour, hostileServer, serveRange, serveWhole } from "./hostile-server.js";
import { file, good, inTurn, part, quick } from "./served.js";

describe("a good server", () => {
  test("costs one request of 32768 bytes to open, and these are kept", async () => {
    await using server = await hostileServer(good);
    const source = await fromUrl(server.url);
    expect(source).toMatchObject({ size: 100_000, name: server.url, url: server.url, etag: '"v1"' });
    expect(source.count).toEqual({ requests: 1, bytes: 32_768 });
    expect(await source.read(0, 32_768)).toEqual(part(0, 32_768));
    expect(await source.read(4096, 8192)).toEqual(part(4096, 8192));
    expect(await source.read(50_000, 50_000)).toEqual(new Uint8Array(0));
    expect(source.count).toEqual({ requests: 1, bytes: 32_768 });
    expect(server.seen).toEqual([
      { path: "/file", range: "bytes=0-32767", ifRange: undefined, encoding: "identity", authorization: undefined },
    ]);
  });

  test("is asked for exactly what is missing, if it is still the same version", async () => {
    await using server = await hostileServer(good);
    const asked: unknown[] = [];
    const source = await fromUrl(new URL(`${server.url}#part`), { firstBytes: 1000, onRequest: (r) => asked.push(r) });
    expect(await source.read(900, 1100)).toEqual(part(900, 1100));
    expect(await source.read(99_000, 100_000)).toEqual(part(99_000, 100_000));
    expect(source.count).toEqual({ requests: 3, bytes: 2100 });
    expect(server.seen.map(({ range, ifRange }) => [range, ifRange])).toEqual([
      ["bytes=0-999", undefined],
      ["bytes=1000-1099", '"v1"'],
      ["bytes=99000-99999", '"v1"'],
    ]);
    expect(asked).toEqual([
      { url: server.url, start: 0, end: 1000 },
      { url: server.url, start: 1000, end: 1100 },
      { url: server.url, start: 99_000, end: 100_000 },
    ]);
  });

  test("many reads at the same time keep apart", async () => {
    await using server = await hostileServer(good);
    const source = await fromUrl(server.url, { firstBytes: 10 });
    const reads = Array.from({ length: 20 }, (_, i) => source.read(5000 * i, 5000 * i + 3000));
    expect(await Promise.all(reads)).toEqual(reads.map((_, i) => part(5000 * i, 5000 * i + 3000)));
    expect(source.count.requests).toBe(21);
  });

  test.each([0, 1, 999, 1000, 1001])("a file of %i bytes with 1000 asked for first", async (size) => {
    await using server = await hostileServer((request, response) => serveRange(request, response, part(0, size)));
    const source = await fromUrl(server.url, { firstBytes: 1000 });
    expect(source.size).toBe(size);
    expect(await source.read(0, size)).toEqual(part(0, size));
    expect(source.count).toEqual({ requests: size > 1000 ? 2 : 1, bytes: size });
  });

  test("a range outside of the file is the caller's mistake and costs nothing", async () => {
    await using server = await hostileServer(good);
    const source = await fromUrl(server.url);
    await expect(source.read(0, 100_001)).rejects.toThrow(RangeError);
    expect(source.count.requests).toBe(1);
  });
});

describe("a server without ranges", () => {
  const whole: Behaviour = (request, response) => serveWhole(request, response, file, { etag: '"v1"' });

  test("gives a small file at once, for one request", async () => {
    await using server = await hostileServer(whole);
    const source = await fromUrl(server.url, { firstBytes: 100 });
    expect(await source.read(70_000, 100_000)).toEqual(part(70_000, 100_000));
    expect(source.count).toEqual({ requests: 1, bytes: 100_000 });
  });

  const large = new Uint8Array(5 << 20).map((_, i) => i >>> 12);
  test("gives a large file from the start as far as needed, at least twice as far each time", async () => {
    await using server = await hostileServer((request, response) => serveWhole(request, response, large));
    const source = await fromUrl(server.url, { wholeLimitBytes: 4 << 20 });
    expect(source.size).toBe(5 << 20);
    const requestsFor = async (start: number, end: number) => {
      expect(equalBytes(await source.read(start, end), large.slice(start, end))).toBe(true);
      return source.count.requests;
    };
    expect(await requestsFor((1 << 20) - 10, 1 << 20)).toBe(1);
    expect(await requestsFor(1 << 20, (1 << 20) + 1)).toBe(2);
    expect(await requestsFor((2 << 20) - 10, 2 << 20)).toBe(2);
    const both = [source.read(2 << 20, 3 << 20), source.read((3 << 20) - 1, 4 << 20)];
    const [first, second] = await Promise.all(both);
    expect(first && equalBytes(first, large.slice(2 << 20, 3 << 20))).toBe(true);
    expect(second && equalBytes(second, large.slice((3 << 20) - 1, 4 << 20))).toBe(true);
    expect(source.count.requests).toBe(3);
    expect(await rejectionOf(source.read(4 << 20, (4 << 20) + 1))).toMatchObject({
      code: "UNSUPPORTED_SOURCE",
      message: "the server has no ranges, and byte 4194304 of 5242880 is past the limit of 4194304 bytes",
      context: { source: server.url, limit: 4 << 20 },
    });
    expect(source.count.requests).toBe(3);
  });

  test("and without a length gives the whole file, if it is within the limit", async () => {
    await using server = await hostileServer((request, response) =>
      serveWhole(request, response, file, { chunked: true }),
    );
    const source = await fromUrl(server.url, { wholeLimitBytes: 100_000 });
    expect(source.size).toBe(100_000);
    expect(await source.read(0, 100_000)).toEqual(file);
    expect(await rejectionOf(fromUrl(server.url, { wholeLimitBytes: 99_999 }))).toMatchObject({
      code: "UNSUPPORTED_SOURCE",
      message: "the server has no ranges, and the file, whose size it does not say, is past the limit of 99999 bytes",
    });
  });

  test("a transfer that breaks starts again, and gives up in the end", async () => {
    const cut: Behaviour = (request, response) => serveWhole(request, response, file, { cutAfter: 60_000 });
    await using server = await hostileServer(inTurn(cut, cut, whole));
    const source = await fromUrl(server.url, quick);
    expect(await source.read(0, 100_000)).toEqual(file);
    expect(source.count).toEqual({ requests: 3, bytes: 220_000 });
    await using worse = await hostileServer(cut);
    expect(await rejectionOf(fromUrl(worse.url, { ...quick, retries: 1 }))).toMatchObject({
      code: "UNREADABLE_SOURCE",
      context: { bytes: 60_000, attempts: 2 },
    });
  });

  test("a change between two requests is noticed", async () => {
    const other: Behaviour = (request, response) => serveWhole(request, response, large, { etag: '"v2"' });
    const first: Behaviour = (request, response) => serveWhole(request, response, large, { etag: '"v1"' });
    await using server = await hostileServer(inTurn(first, other));
    const source = await fromUrl(server.url);
    expect(await rejectionOf(source.read(2 << 20, 3 << 20))).toMatchObject({ code: "MISMATCH_CHANGED" });
  });
});

describe("redirects", () => {
  const redirect =
    (to: string, code = 302): Behaviour =>
    (_, response) =>
      void response.writeHead(code, { location: to }).end();

  test("are followed once and then gone around, without the credentials of the first origin", async () => {
    await using store = await hostileServer(good);
    await using front = await hostileServer(redirect(`${store.url}?signed`));
    const headers = { Authorization: "Bearer secret", "x-other": "1" };
    const source = await fromUrl(front.url, { headers, firstBytes: 1000 });
    expect(await source.read(5000, 6000)).toEqual(part(5000, 6000));
    expect(source.url).toBe(`${store.url}?signed`);
    expect(front.seen.map(({ authorization }) => authorization)).toEqual(["Bearer secret"]);
    expect(store.seen.map(({ authorization }) => authorization)).toEqual([undefined, undefined]);
  });

  test("on the same origin keep them", async () => {
    await using server = await hostileServer((request, response, n) =>
      request.url === "/file" ? redirect("/there")(request, response, n) : good(request, response, n),
    );
    const source = await fromUrl(server.url, { headers: { authorization: "Bearer secret" }, firstBytes: 1000 });
    await source.read(5000, 6000);
    expect(server.seen.map(({ path, authorization }) => [path, authorization])).toEqual([
      ["/file", "Bearer secret"],
      ["/there", "Bearer secret"],
      ["/there", "Bearer secret"],
    ]);
  });

  test("that expire are asked for again, once", async () => {
    const expired: Behaviour = (_, response) => void response.writeHead(403).end();
    await using store = await hostileServer(inTurn(good, expired, good, expired));
    await using front = await hostileServer(redirect(store.url));
    const source = await fromUrl(front.url, { firstBytes: 1000 });
    expect(await source.read(5000, 6000)).toEqual(part(5000, 6000));
    expect(front.seen).toHaveLength(2);
    expect(await rejectionOf(source.read(7000, 8000))).toMatchObject({ code: "UNREADABLE_SOURCE" });
    expect(front.seen).toHaveLength(3);
  });

  test.each([
    ["in a circle", "/file"],
    ["to a file of this machine", "file:///etc/passwd"],
  ])("%s end in an error", async (_, to) => {
    await using server = await hostileServer(redirect(to));
    expect(await rejectionOf(fromUrl(server.url, { ...quick, retries: 0 }))).toMatchObject({
      code: "UNREADABLE_SOURCE",
    });
  });
});

describe("waiting", () => {
  const silent: Behaviour = () => {};
  const stalling: Behaviour = (_, response) => {
    response.writeHead(206, { "content-range": "bytes 0-999/100000", "content-length": 1000 });
    response.write(part(0, 400));
  };

  test.each([
    ["no answer", silent, 0],
    ["half an answer", stalling, 400],
  ])("%s for too long is an error", async (_, behave, bytes) => {
    await using server = await hostileServer(behave);
    const error = await rejectionOf(fromUrl(server.url, { firstBytes: 1000, idleMs: 60, retries: 0 }));
    expect(error).toMatchObject({ code: "UNREADABLE_SOURCE", context: { bytes } });
    expect((error as Error).message).toMatch(/^nothing came for 60 ms; /);
  });

  test("a transfer that stalls is taken up again", async () => {
    await using server = await hostileServer(
      inTurn(stalling, (request, response) => serveRange(request, response, file)),
    );
    const source = await fromUrl(server.url, { ...quick, firstBytes: 1000, idleMs: 60 });
    expect(await source.read(0, 1000)).toEqual(part(0, 1000));
    expect(server.seen[1]?.range).toBe("bytes=400-999");
  });

  test("an implementation that ignores the signal cannot hang us", async () => {
    const deaf = { fetch: () => new Promise<never>(() => {}), idleMs: 20, retries: 0 };
    expect(await rejectionOf(fromUrl("http://127.0.0.1/", deaf))).toMatchObject({ code: "UNREADABLE_SOURCE" });
  });

  test("the signal ends what runs, waits, or comes later, with its reason", async () => {
    const reason = new Error("changed my mind");
    const aborted = new AbortController();
    aborted.abort(reason);
    await using server = await hostileServer(inTurn(good, silent));
    expect(await rejectionOf(fromUrl(server.url, { signal: aborted.signal }))).toBe(reason);
    expect(server.seen).toHaveLength(0);
    const later = new AbortController();
    const source = await fromUrl(server.url, { signal: later.signal, firstBytes: 1000 });
    const read = source.read(5000, 6000);
    setTimeout(() => later.abort(reason), 30);
    expect(await rejectionOf(read)).toBe(reason);
    expect(await rejectionOf(source.read(5000, 6000))).toBe(reason);
    await using busy = await hostileServer((_, response) => void response.writeHead(503).end());
    const waiting = new AbortController();
    const opening = fromUrl(busy.url, { signal: waiting.signal, retryDelayMs: 60_000 });
    setTimeout(() => waiting.abort(reason), 30);
    expect(await rejectionOf(opening)).toBe(reason);
  });
});

test.each([
  ["file:///etc/passwd", 'only http and https URLs can be read, not "file:"', "file:///etc/passwd"],
  ["ftp://example.org/x", 'only http and https URLs can be read, not "ftp:"', "ftp://example.org/x"],
  ["data:,x", 'only http and https URLs can be read, not "data:"', "data:,x"],
  ["no url", "this is not a URL", "no url"],
  [
    "http://me:secret@example.org/x",
    "the URL carries a user name or password; pass them as headers",
    "http://example.org/x",
  ],
])("%s is refused without a request", async (url, message, source) => {
  const fetch = () => Promise.reject(new Error("asked"));
  expect(await rejectionOf(fromUrl(url, { fetch }))).toMatchObject({
    code: "UNSUPPORTED_SOURCE",
    message,
    context: { source },
  });
});

test.each([0, -1, 1.5, Number.NaN])("firstBytes of %d is the caller's mistake", async (firstBytes) => {
  await expect(fromUrl("http://127.0.0.1/", { firstBytes })).rejects.toThrow(RangeError);
});
