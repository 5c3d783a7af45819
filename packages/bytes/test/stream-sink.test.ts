import { existsSync, readdirSync } from "node:fs";
import { PassThrough, Writable } from "node:stream";
import { type ByteSink, type Chunk, writeChunks } from "@sextant/bytes";
import { streamSink } from "@sextant/bytes/node";
import { describe, expect, test } from "vitest";
import { rejectionOf } from "./errors.js";
import { folders } from "./folders.js";

const { folder, inFolder } = folders();

/** A stream that keeps what it gets, slowly, and can fail. */
function collector(failAfter = Number.POSITIVE_INFINITY) {
  const parts: Buffer[] = [];
  const stream = new Writable({
    highWaterMark: 1000,
    write(part: Buffer, _encoding, done) {
      parts.push(Buffer.from(part));
      setImmediate(done, parts.length > failAfter ? Object.assign(new Error("write EPIPE"), { code: "EPIPE" }) : null);
    },
  });
  return { stream, bytes: () => new Uint8Array(Buffer.concat(parts)) };
}

describe("streamSink", () => {
  const chunk = (offset: number, ...values: number[]): Chunk => ({ offset, bytes: Uint8Array.from(values) });
  const options = () => ({ temporaryDirectory: folder() });

  test.each<[string, readonly Chunk[], readonly number[], readonly number[]]>([
    ["in order goes straight through", [chunk(0, 1, 2), chunk(2, 3)], [1, 2, 3], [1, 2, 3]],
    ["the end is filled up with zeros", [chunk(0, 1)], [1], [1, 0, 0]],
    ["nothing at all is zeros", [], [], [0, 0, 0]],
    ["a gap waits for the commit", [chunk(0, 1), chunk(2, 3), chunk(1, 2)], [1], [1, 2, 3]],
    ["a gap that stays is zeros", [chunk(1, 2)], [], [0, 2, 0]],
    ["after a gap chunks may replace each other", [chunk(0, 1), chunk(2, 3), chunk(1, 8, 9)], [1], [1, 8, 9]],
    ["after a gap the rest is cut at the size", [chunk(1, 2, 3, 4, 5)], [], [0, 2, 3]],
  ])("%s", async (_, chunks, early, all) => {
    const { stream, bytes } = collector();
    const sink = streamSink(stream, options());
    for (const { offset, bytes } of chunks) await sink.write(offset, bytes);
    expect([...bytes()]).toEqual(early);
    await sink.commit(3);
    expect([...bytes()]).toEqual(all);
    expect(readdirSync(folder())).toEqual([]);
    expect(stream.writableEnded).toBe(false);
  });

  test("writes that are not awaited keep their order", async () => {
    const { stream, bytes } = collector();
    const sink = streamSink(stream, options());
    await Promise.all([
      sink.write(0, Uint8Array.of(1)),
      sink.write(1, Uint8Array.of(2)),
      sink.write(3, Uint8Array.of(4)),
      sink.write(2, Uint8Array.of(3)),
    ]);
    await sink.commit(4);
    expect([...bytes()]).toEqual([1, 2, 3, 4]);
  });

  test("a stream cannot go back", async () => {
    const sink = streamSink(new PassThrough(), options());
    await sink.write(0, Uint8Array.of(1, 2));
    expect(await rejectionOf(sink.write(1, Uint8Array.of(9)))).toMatchObject({
      code: "UNSUPPORTED_SINK",
      context: { offset: 1 },
    });
    expect(await rejectionOf(sink.commit(1))).toBeInstanceOf(RangeError);
    await sink.abort();
  });

  test("a reader that goes away is an error and nothing else", async () => {
    const { stream } = collector(1);
    const chunks = [chunk(0, 1), chunk(1, 2), chunk(2, 3)];
    expect(await rejectionOf(writeChunks(streamSink(stream, options()), chunks, 3))).toMatchObject({
      code: "UNWRITABLE_SINK",
      message: "the output cannot be written: nobody reads the other end",
    });
    const late: ByteSink = streamSink(stream, options());
    expect(await rejectionOf(late.write(0, Uint8Array.of(1)))).toMatchObject({ code: "UNWRITABLE_SINK" });
    await late.abort();
  });

  test("an abort leaves no file", async () => {
    const { stream } = collector();
    const sink = streamSink(stream, options());
    await sink.write(5, new Uint8Array(300_000));
    await sink.abort();
    await sink.abort();
    expect(readdirSync(folder())).toEqual([]);
    expect(await rejectionOf(sink.write(0, Uint8Array.of(1)))).toBeInstanceOf(TypeError);
  });

  test("a folder for temporary files that is not there is an error", async () => {
    const sink = streamSink(new PassThrough(), { temporaryDirectory: inFolder("none") });
    expect(await rejectionOf(sink.write(5, Uint8Array.of(1)))).toMatchObject({ code: "UNWRITABLE_SINK" });
    expect(existsSync(inFolder("none"))).toBe(false);
  });
});
