import { fromUrl } from "@sextant/bytes";
import { describe, expect, test } from "vitest";
import { rejectionOf } from "./errors.js";
import { type Behaviour, hostileServer, secondsAgo, serveRange, serveWhole } from "./hostile-server.js";
import { file, good, inTurn, part, quick } from "./served.js";

describe("a connection that is cut off", () => {
  const cut =
    (cutAfter: number): Behaviour =>
    (request, response) =>
      serveRange(request, response, file, { etag: '"v1"', cutAfter });

  test("is taken up where it ended, of the same version", async () => {
    await using server = await hostileServer(inTurn(good, cut(500), cut(300), good));
    const source = await fromUrl(server.url, { ...quick, firstBytes: 1000 });
    expect(await source.read(10_000, 12_000)).toEqual(part(10_000, 12_000));
    expect(server.seen.slice(1).map(({ range, ifRange }) => [range, ifRange])).toEqual([
      ["bytes=10000-11999", '"v1"'],
      ["bytes=10500-11999", '"v1"'],
      ["bytes=10800-11999", '"v1"'],
    ]);
    expect(source.count).toEqual({ requests: 4, bytes: 3000 });
  });

  test("while opening, too", async () => {
    await using server = await hostileServer(inTurn(cut(700), good));
    const source = await fromUrl(server.url, { ...quick, firstBytes: 1000 });
    expect(await source.read(0, 1000)).toEqual(part(0, 1000));
    expect(server.seen.map(({ range }) => range)).toEqual(["bytes=0-999", "bytes=700-999"]);
  });

  test("again and again ends in an error that says how many bytes came", async () => {
    await using server = await hostileServer(inTurn(good, cut(100)));
    const source = await fromUrl(server.url, { ...quick, firstBytes: 1000, retries: 2 });
    const error = await rejectionOf(source.read(10_000, 12_000));
    expect(error).toMatchObject({
      code: "UNREADABLE_SOURCE",
      context: { source: server.url, offset: 10_300, bytes: 300, attempts: 3 },
    });
    expect((error as Error).message).toMatch(/; 300 of 2000 bytes came in 3 attempts$/);
    expect(server.seen).toHaveLength(4);
  });

  test("a server that is not there", async () => {
    const server = await hostileServer(good);
    await server[Symbol.asyncDispose]();
    const error = await rejectionOf(fromUrl(server.url, { ...quick, retries: 1 }));
    expect(error).toMatchObject({ code: "UNREADABLE_SOURCE", context: { bytes: 0, attempts: 2 } });
    expect((error as Error).message).toMatch(/ECONNREFUSED.*; 0 bytes came in 2 attempts$/);
  });

  test("fewer bytes than asked for in a complete answer are filled up by another request", async () => {
    await using server = await hostileServer(
      inTurn(
        good,
        (request, response) => {
          request.headers.range = "bytes=5000-5999";
          serveRange(request, response, file, { etag: '"v1"' });
        },
        good,
      ),
    );
    const source = await fromUrl(server.url, { ...quick, firstBytes: 1000 });
    expect(await source.read(5000, 7000)).toEqual(part(5000, 7000));
    expect(server.seen.at(-1)?.range).toBe("bytes=6000-6999");
  });
});

describe("a file that changes between two requests", () => {
  const version =
    (options: Parameters<typeof serveRange>[3], bytes = file): Behaviour =>
    (request, response) =>
      serveRange(request, response, bytes, options);
  const old = secondsAgo(3600);
  const older = secondsAgo(7200);

  test.each<[string, Behaviour, Behaviour]>([
    ["If-Range, heeded: the new file comes whole", version({ etag: '"v1"' }), version({ etag: '"v2"' })],
    ["a new ETag, If-Range not heeded", version({ etag: '"v1"' }), version({ etag: '"v2"', conditional: false })],
    ["a new weak ETag", version({ etag: 'W/"v1"' }), version({ etag: 'W/"v2"' })],
    ["a new date", version({ lastModified: older }), version({ lastModified: old, conditional: false })],
    ["a new date, If-Range heeded", version({ lastModified: older }), version({ lastModified: old })],
    ["a new size and nothing else", version({}), version({}, part(0, 90_000))],
    ["it is shorter than what is asked for", version({}), version({}, part(0, 100))],
    ["a failed precondition", version({}), (_, response) => void response.writeHead(412).end()],
  ])("%s", async (_, first, second) => {
    await using server = await hostileServer(inTurn(first, second));
    const source = await fromUrl(server.url, { ...quick, firstBytes: 1000 });
    expect(await rejectionOf(source.read(5000, 6000))).toMatchObject({
      code: "MISMATCH_CHANGED",
      context: { source: server.url, offset: 5000 },
    });
    expect(server.seen).toHaveLength(2);
  });

  test("between a broken transfer and its continuation", async () => {
    const cut = version({ etag: '"v1"', cutAfter: 400 });
    await using server = await hostileServer(inTurn(good, cut, version({ etag: '"v2"' })));
    const source = await fromUrl(server.url, { ...quick, firstBytes: 1000 });
    expect(await rejectionOf(source.read(5000, 6000))).toMatchObject({ code: "MISMATCH_CHANGED" });
  });

  test.each([
    ["a strong ETag", { etag: '"v1"', lastModified: old }, '"v1"'],
    ["no weak ETag", { etag: 'W/"v1"', lastModified: old }, undefined],
    ["a date that is past", { lastModified: old }, old],
    ["no date of this very second or later", { lastModified: secondsAgo(-3600) }, undefined],
    ["nothing where there is nothing", {}, undefined],
  ])("If-Range carries %s", async (_, options, ifRange) => {
    await using server = await hostileServer(version(options));
    const source = await fromUrl(server.url, { firstBytes: 10 });
    expect(await source.read(50, 60)).toEqual(part(50, 60));
    expect(server.seen[1]?.ifRange).toBe(ifRange);
  });

  test("a server that takes no date for If-Range is asked without", async () => {
    const dateless: Behaviour = (request, response) =>
      request.headers["if-range"] === undefined
        ? serveRange(request, response, file, { lastModified: old })
        : serveWhole(request, response, file, { lastModified: old });
    await using server = await hostileServer(dateless);
    const source = await fromUrl(server.url, { firstBytes: 1000 });
    expect(await source.read(5000, 6000)).toEqual(part(5000, 6000));
    expect(await source.read(7000, 8000)).toEqual(part(7000, 8000));
    expect(server.seen.map(({ ifRange }) => ifRange)).toEqual([undefined, old, undefined, undefined]);
  });

  test("with `conditional: false` no If-Range is sent, and a change is found all the same", async () => {
    await using server = await hostileServer(inTurn(good, good, version({ etag: '"v2"' })));
    const source = await fromUrl(server.url, { firstBytes: 10, conditional: false });
    await source.read(50, 60);
    expect(await rejectionOf(source.read(50, 60))).toMatchObject({ code: "MISMATCH_CHANGED" });
    expect(server.seen.map(({ ifRange }) => ifRange)).toEqual([undefined, undefined, undefined]);
  });
});

describe("answers that are refused", () => {
  const status =
    (code: number, headers: Record<string, string> = {}): Behaviour =>
    (_, response) =>
      void response.writeHead(code, headers).end("<html>an error page</html>");
  const ranged =
    (options: Parameters<typeof serveRange>[3]): Behaviour =>
    (request, response) =>
      serveRange(request, response, file, options);

  const rows: readonly [string, Behaviour, string, RegExp][] = [
    ["404", status(404), "UNREADABLE_SOURCE", /^the server has no such file \(404 Not Found\)$/],
    ["410", status(410), "UNREADABLE_SOURCE", /^the server has no such file \(410 Gone\)$/],
    ["401", status(401), "UNREADABLE_SOURCE", /^the server refuses access \(401 Unauthorized\)$/],
    ["403", status(403), "UNREADABLE_SOURCE", /^the server refuses access \(403 Forbidden\)$/],
    ["500", status(500), "UNREADABLE_SOURCE", /^the server does not give the file \(500 Internal Server Error\)$/],
    ["418", status(418), "UNREADABLE_SOURCE", /^the server does not give the file \(418/],
    ["204", status(204), "UNREADABLE_SOURCE", /^the server does not give the file \(204/],
    ["416 without a size", status(416), "MISMATCH_SOURCE", /has no byte \d+ \(416\)$/],
    ["416 that names the size", status(416, { "content-range": "bytes */100000" }), "MISMATCH_SOURCE", /\(416\)$/],
    ["no Content-Range", ranged({ contentRange: null }), "MISMATCH_SOURCE", /206 with no Content-Range/],
    [
      "garbage",
      ranged({ contentRange: "bytes one-two/3" }),
      "MISMATCH_SOURCE",
      /206 with the Content-Range "bytes one/,
    ],
    ["another unit", ranged({ contentRange: "items 0-9/100" }), "MISMATCH_SOURCE", /206 with the Content-Range "items/],
    [
      "another start",
      ranged({ contentRange: "bytes 7-999/100000" }),
      "MISMATCH_SOURCE",
      /sends "bytes 7-999\/100000"$/,
    ],
    ["a far end", ranged({ contentRange: "bytes 0-99999/100000" }), "MISMATCH_SOURCE", /^asked for bytes/],
    ["an end before the start", ranged({ contentRange: "bytes 0-0/0" }), "MISMATCH_SOURCE", /^asked for bytes/],
    ["an unknown size", ranged({ contentRange: "bytes 0-999/*" }), "UNSUPPORTED_SOURCE", /does not say how large/],
    [
      "an impossible size",
      ranged({ contentRange: "bytes 0-999/99999999999999999999" }),
      "LIMIT_RANGE",
      /99999999999999999999/,
    ],
    ["gzip", ranged({ headers: { "content-encoding": "x-other" } }), "UNSUPPORTED_SOURCE", /encoded as x-other/],
  ];

  test.each(rows)("%s, while opening", async (_, behave, code, message) => {
    await using server = await hostileServer(behave);
    const error = await rejectionOf(fromUrl(server.url, { ...quick, firstBytes: 1000 }));
    expect(error).toMatchObject({ code, context: { source: server.url } });
    expect((error as Error).message).toMatch(message);
    expect(server.seen).toHaveLength(1);
  });

  const later = rows.filter(([name]) => !["a far end", "an end before the start"].includes(name));
  test.each(later)("%s, later", async (_, behave, code) => {
    await using server = await hostileServer(inTurn(ranged({}), behave));
    const source = await fromUrl(server.url, { ...quick, firstBytes: 1000 });
    expect(await rejectionOf(source.read(5000, 6000))).toMatchObject({ code, context: { source: server.url } });
    expect(server.seen).toHaveLength(2);
  });

  test("a gzip that fetch would unpack by itself", async () => {
    await using server = await hostileServer(ranged({ headers: { "content-encoding": "gzip" } }));
    expect(await rejectionOf(fromUrl(server.url, quick))).toMatchObject({ code: "UNSUPPORTED_SOURCE" });
  });

  test("more bytes than announced", async () => {
    await using server = await hostileServer((_, response) => {
      response.writeHead(206, { "content-range": "bytes 0-9/100" });
      response.end(part(0, 20));
    });
    expect(await rejectionOf(fromUrl(server.url, { ...quick, firstBytes: 10 }))).toMatchObject({
      code: "MISMATCH_SOURCE",
      message: "the server sends more than the 10 bytes that it announced",
    });
  });

  test("a file of 2^50 bytes that is not there costs no memory", async () => {
    await using server = await hostileServer((_, response) => {
      response.writeHead(206, { "content-range": `bytes 0-9/${2 ** 50}` });
      response.end(part(0, 10));
    });
    const source = await fromUrl(server.url, { ...quick, firstBytes: 10, retries: 0 });
    expect(source.size).toBe(2 ** 50);
    expect(await rejectionOf(source.read(10, 2 ** 49))).toMatchObject({ code: "MISMATCH_SOURCE" });
  });

  test("the whole file after ranges were given, of the same version", async () => {
    await using server = await hostileServer(
      inTurn(ranged({}), (request, response) => serveWhole(request, response, file)),
    );
    const source = await fromUrl(server.url, { ...quick, firstBytes: 1000 });
    expect(await rejectionOf(source.read(5000, 6000))).toMatchObject({
      code: "MISMATCH_SOURCE",
      message: "the server answered with the whole file, though it had ranges before",
    });
  });

  test.each([408, 429, 502, 503, 504])("%i passes: it is tried again", async (code) => {
    await using server = await hostileServer(inTurn(status(code), good, status(code, { "retry-after": "0" }), good));
    const source = await fromUrl(server.url, { ...quick, firstBytes: 1000 });
    expect(await source.read(5000, 6000)).toEqual(part(5000, 6000));
    expect(source.count.requests).toBe(4);
  });

  test("503 for ever does not", async () => {
    await using server = await hostileServer(status(503));
    expect(await rejectionOf(fromUrl(server.url, { ...quick, retries: 2 }))).toMatchObject({
      code: "UNREADABLE_SOURCE",
      message: "the server answered 503 Service Unavailable; 0 bytes came in 3 attempts",
    });
  });
});
