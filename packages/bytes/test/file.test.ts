import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { type ByteSink, type Chunk, equalBytes, writeChunks } from "@sextant/bytes";
import { deviceNumbers, fileSink, openFile, removeTemporaries, streamSink } from "@sextant/bytes/node";
import { describeWithMounts } from "@sextant/peers";
import fc from "fast-check";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { errorOf, rejectionOf } from "./errors.js";

const base = mkdtempSync(join(tmpdir(), "sextant-bytes-"));
let folder = base;
let folders = 0;
beforeEach(() => {
  folder = join(base, String(folders++));
  mkdirSync(folder);
});
afterAll(() => rmSync(base, { recursive: true }));

const content = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31) ^ (i >>> 8));
const inFolder = (name: string) => join(folder, name);

describe("openFile", () => {
  test("reads small and large ranges, at the same time too", async () => {
    const path = inFolder("f");
    writeFileSync(path, content);
    await using source = openFile(path);
    expect(source).toMatchObject({ size: 300_000, name: path, path });
    const ranges = [
      [0, 0],
      [0, 1],
      [5000, 9000],
      [1, 299_999],
      [100_000, 300_000],
      [299_999, 300_000],
    ] as const;
    const reads = await Promise.all(ranges.map(([start, end]) => source.read(start, end)));
    for (const [i, [start, end]] of ranges.entries()) {
      const bytes = reads[i] ?? new Uint8Array(1);
      expect(equalBytes(bytes, content.subarray(start, end))).toBe(true);
      // A Buffer's `slice` would not copy.
      expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
    }
    expect(await rejectionOf(source.read(0, 300_001))).toBeInstanceOf(RangeError);
  });

  test("waits for reads under way when it is closed, and gives nothing afterwards", async () => {
    const path = inFolder("f");
    writeFileSync(path, content);
    const source = openFile(path);
    const read = source.read(0, 300_000);
    await Promise.all([source.close(), source.close()]);
    expect((await read).length).toBe(300_000);
    expect(await rejectionOf(source.read(0, 1))).toMatchObject({ code: "UNREADABLE_SOURCE" });
  });

  test.each([
    [10, 20],
    [0, 290_000],
  ])("a file that shrinks under bytes %i to %i has changed", async (start, end) => {
    const path = inFolder("f");
    writeFileSync(path, content);
    await using source = openFile(path);
    truncateSync(path, 15);
    expect(await rejectionOf(source.read(start, end))).toMatchObject({
      code: "MISMATCH_CHANGED",
      message: "the file ends at byte 15; it was 300000 bytes long when it was opened",
      context: { source: path, offset: 15, size: 15 },
    });
  });

  test.each<[string, (path: string) => unknown, string, string]>([
    ["a missing file", () => {}, "UNREADABLE_SOURCE", "the file cannot be opened: no such file or directory"],
    ["a directory", (path) => mkdirSync(path), "UNREADABLE_SOURCE", "this is a directory, not a file"],
    [
      "a symlink to itself",
      (path) => symlinkSync(path, path),
      "UNREADABLE_SOURCE",
      "the file cannot be opened: a symlink stands there, or too many on the way",
    ],
    [
      "a pipe without a writer",
      (path) => spawnSync("mkfifo", [path]),
      "UNSUPPORTED_SOURCE",
      "this is a pipe, which cannot be read at any place",
    ],
    [
      "a character device",
      (path) => symlinkSync("/dev/null", path),
      "UNSUPPORTED_SOURCE",
      "this is a character device, which cannot be read at any place",
    ],
  ])("refuses %s", (_, make, code, message) => {
    const path = inFolder("it");
    make(path);
    expect(errorOf(() => openFile(path))).toMatchObject({ code, message, context: { source: path } });
  });

  test("leaves no file open when it refuses", () => {
    const open = () => readdirSync("/proc/self/fd").length;
    const before = open();
    for (let i = 0; i < 5; i++) errorOf(() => openFile(folder));
    expect(open()).toBe(before);
  });

  // Bits as in glibc's gnu_dev_makedev.
  test.each([
    [0x801n, 8, 1],
    [0x103n, 1, 3],
    [0xf_fff0_ffffn, 0xff, 0xff_ffff],
    [0xffff_f000_000f_ff00n, 0xffff_ffff, 0],
    [0x0000_0fff_fff0_00ffn, 0, 0xffff_ffff],
    [0xf000_0000_0000n, 0xf000, 0],
  ])("device number %i", (rdev, major, minor) => {
    expect(deviceNumbers(rdev)).toEqual({ major, minor });
  });
});

describeWithMounts("openFile on a block device", [], () => {
  test("knows its size and reads it", async () => {
    const path = inFolder("disk");
    writeFileSync(path, content);
    truncateSync(path, 512 * 1000);
    const loop = spawnSync("losetup", ["--find", "--show", "--read-only", path], { encoding: "utf8" }).stdout.trim();
    try {
      await using source = openFile(loop);
      expect(source.size).toBe(512_000);
      expect(equalBytes(await source.read(1000, 299_000), content.subarray(1000, 299_000))).toBe(true);
      expect(await source.read(511_990, 512_000)).toEqual(new Uint8Array(10));
    } finally {
      spawnSync("losetup", ["--detach", loop]);
    }
  });
});

/** Chunks of one output, in any order, some over each other, small and large. */
const arbitraryChunks = fc.array(
  fc.record({
    offset: fc.nat(700_000),
    length: fc.oneof(fc.nat(5000), fc.integer({ min: 200_000, max: 300_000 })),
    value: fc.integer({ min: 1, max: 255 }),
  }),
  { maxLength: 15 },
);

function expected(chunks: readonly Chunk[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  for (const { offset, bytes } of chunks)
    whole.set(bytes.subarray(0, Math.max(0, size - offset)), Math.min(offset, size));
  return whole;
}

describe("fileSink", () => {
  test("puts chunks where they belong, in the order in which they come, awaited or not", async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryChunks, fc.boolean(), fc.nat(1_000_000), async (shapes, together, size) => {
        const path = inFolder("out");
        const chunks = shapes.map(({ offset, length, value }) => ({
          offset,
          bytes: new Uint8Array(length).fill(value),
        }));
        const sink = fileSink(path, { durable: false });
        const writes = chunks.map(({ offset, bytes }) => (together ? sink.write(offset, bytes) : undefined));
        await Promise.all(writes);
        if (!together) {
          for (const { offset, bytes } of chunks) {
            // The caller may use its memory again as soon as the write is done.
            const own = bytes.slice();
            await sink.write(offset, own);
            own.fill(0xee);
          }
        }
        await sink.commit(size);
        expect(equalBytes(readFileSync(path), expected(chunks, size))).toBe(true);
        expect(readdirSync(folder)).toEqual(["out"]);
      }),
      { seed: 1, numRuns: 40 },
    );
  });

  test("joins neighbours: twenty thousand small chunks are few writes", async () => {
    const path = inFolder("out");
    const sink = fileSink(path);
    const bytes = new Uint8Array(500).fill(7);
    for (let i = 0; i < 20_000; i++) await sink.write(500 * i, bytes);
    await sink.commit(10_000_000);
    expect(equalBytes(readFileSync(path), new Uint8Array(10_000_000).fill(7))).toBe(true);
  });

  test("nothing is there before the commit, and the old file stays until then", async () => {
    const path = inFolder("out");
    writeFileSync(path, "old");
    const sink = fileSink(path);
    await sink.write(0, Uint8Array.of(110, 101, 119));
    expect(readFileSync(path, "utf8")).toBe("old");
    expect(readdirSync(folder).filter((name) => name !== "out")).toEqual([
      expect.stringMatching(/^\.out\.[0-9a-f]{12}\.tmp$/),
    ]);
    await sink.commit(3);
    expect(readFileSync(path, "utf8")).toBe("new");
    expect(readdirSync(folder)).toEqual(["out"]);
  });

  test("an abort leaves nothing, and the old file alone; after the end there is nothing to do", async () => {
    const path = inFolder("out");
    writeFileSync(path, "old");
    const sink = fileSink(path);
    await sink.write(0, new Uint8Array(300_000));
    await sink.abort();
    await sink.abort();
    expect(readdirSync(folder)).toEqual(["out"]);
    expect(readFileSync(path, "utf8")).toBe("old");
    expect(await rejectionOf(sink.write(0, new Uint8Array(1)))).toBeInstanceOf(TypeError);
    expect(await rejectionOf(sink.commit(1))).toBeInstanceOf(TypeError);
    const committed = fileSink(path);
    await committed.commit(2);
    await committed.abort();
    expect(readFileSync(path)).toEqual(Buffer.alloc(2));
  });

  test("unwritten bytes are holes, and the size is what commit says", async () => {
    const path = inFolder("out");
    const sink = fileSink(path);
    await sink.write(50 * 2 ** 20, Uint8Array.of(1));
    await sink.commit(100 * 2 ** 20);
    const { size, blocks } = statSync(path);
    expect(size).toBe(100 * 2 ** 20);
    expect(512 * blocks).toBeLessThan(2 ** 20);
  });

  test.each([0o600, 0o644, 0o777])("mode %o is exact, whatever the umask", async (mode) => {
    const path = inFolder("out");
    const sink = fileSink(path, { mode });
    await sink.commit(0);
    expect(statSync(path).mode & 0o7777).toBe(mode);
  });

  test("a symlink keeps leading to the file", async () => {
    mkdirSync(inFolder("real"));
    writeFileSync(inFolder("real/file"), "old");
    symlinkSync("real/file", inFolder("out"));
    const sink = fileSink(inFolder("out"));
    await sink.commit(1);
    expect(lstatSync(inFolder("out")).isSymbolicLink()).toBe(true);
    expect(readFileSync(inFolder("real/file"))).toEqual(Buffer.alloc(1));
    expect(readdirSync(inFolder("real"))).toEqual(["file"]);
  });

  test("another name of the old file keeps the old bytes", async () => {
    writeFileSync(inFolder("out"), "old");
    linkSync(inFolder("out"), inFolder("other"));
    const sink = fileSink(inFolder("out"));
    await sink.commit(1);
    expect(readFileSync(inFolder("other"), "utf8")).toBe("old");
  });

  test.each<[string, (path: string) => unknown, string]>([
    ["a directory", (path) => mkdirSync(path), "a directory stands where the file should go"],
    ["a device", (path) => symlinkSync("/dev/null", path), "a device, pipe or socket stands where the file should go"],
    ["a pipe", (path) => spawnSync("mkfifo", [path]), "a device, pipe or socket stands where the file should go"],
  ])("refuses to replace %s", (_, make, message) => {
    const path = inFolder("out");
    make(path);
    expect(errorOf(() => fileSink(path))).toMatchObject({
      code: "UNWRITABLE_SINK",
      message,
      context: { source: path },
    });
    expect(readdirSync(folder)).toEqual(["out"]);
    expect(lstatSync("/dev/null").isCharacterDevice()).toBe(true);
  });

  test("says why it cannot write", async () => {
    const missing = inFolder("no/out");
    expect(errorOf(() => fileSink(missing))).toMatchObject({
      code: "UNWRITABLE_SINK",
      message: "the output cannot be written: no such file or directory",
      context: { source: missing },
    });
    const path = inFolder("out");
    const sink = fileSink(path);
    // Something gets in the way between opening and commit.
    mkdirSync(path);
    expect(await rejectionOf(sink.commit(1))).toMatchObject({
      code: "UNWRITABLE_SINK",
      message: "the output cannot be written: it is a directory",
    });
    expect(readdirSync(folder)).toEqual(["out"]);
  });

  test("a full device is an error, and leaves nothing behind", async () => {
    // A limit on the size of files stands for a full device: writing past it fails, with EFBIG.
    const script = `
      import { spawnSync } from "node:child_process";
      import { writeChunks } from "@sextant/bytes";
      import { fileSink } from "@sextant/bytes/node";
      process.on("SIGXFSZ", () => {});
      spawnSync("prlimit", ["--pid", String(process.pid), "--fsize=100000"]);
      const chunks = [{ offset: 0, bytes: new Uint8Array(400_000) }, { offset: 400_000, bytes: new Uint8Array(1) }];
      const error = await writeChunks(fileSink(process.argv[1]), chunks, 400_001).catch((error) => error);
      console.log(error.code, error.message);
    `;
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ["--import", "tsx", "--input-type=module", "--eval", script, inFolder("out")],
      { cwd: join(import.meta.dirname, "../../.."), encoding: "utf8" },
    );
    expect(stderr).toBe("");
    expect(stdout).toBe("UNWRITABLE_SINK the output cannot be written: the file is too large\n");
    expect(readdirSync(folder)).toEqual([]);
  });

  test("removeTemporaries removes what is neither committed nor aborted", async () => {
    const kept = fileSink(inFolder("kept"));
    await kept.commit(1);
    const lost = fileSink(inFolder("lost"));
    await lost.write(0, Uint8Array.of(1));
    expect(readdirSync(folder)).toHaveLength(2);
    removeTemporaries();
    expect(readdirSync(folder)).toEqual(["kept"]);
  });
});

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
  const options = () => ({ temporaryDirectory: folder });

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
    expect(readdirSync(folder)).toEqual([]);
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
    expect(readdirSync(folder)).toEqual([]);
    expect(await rejectionOf(sink.write(0, Uint8Array.of(1)))).toBeInstanceOf(TypeError);
  });

  test("a folder for temporary files that is not there is an error", async () => {
    const sink = streamSink(new PassThrough(), { temporaryDirectory: inFolder("none") });
    expect(await rejectionOf(sink.write(5, Uint8Array.of(1)))).toMatchObject({ code: "UNWRITABLE_SINK" });
    expect(existsSync(inFolder("none"))).toBe(false);
    chmodSync(folder, 0o755);
  });
});
