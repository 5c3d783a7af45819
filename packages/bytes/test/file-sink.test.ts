import { spawnSync } from "node:child_process";
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type Chunk, equalBytes } from "@sextant/bytes";
import { fileSink, removeTemporaries, removeTree } from "@sextant/bytes/node";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { errorOf, rejectionOf } from "./errors.js";
import { folders } from "./folders.js";

const { folder, inFolder } = folders();

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
        expect(readdirSync(folder())).toEqual(["out"]);
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
    expect(readdirSync(folder()).filter((name) => name !== "out")).toEqual([
      expect.stringMatching(/^\.out\.[0-9a-f]{12}\.tmp$/),
    ]);
    await sink.commit(3);
    expect(readFileSync(path, "utf8")).toBe("new");
    expect(readdirSync(folder())).toEqual(["out"]);
  });

  test("can be read back before the commit, and not after it", async () => {
    const sink = fileSink(inFolder("out"));
    await sink.write(2, Uint8Array.of(1, 2));
    expect([...readFileSync(await sink.written())]).toEqual([0, 0, 1, 2]);
    await sink.write(0, Uint8Array.of(9));
    expect([...readFileSync(await sink.written())]).toEqual([9, 0, 1, 2]);
    await sink.commit(4);
    expect(await rejectionOf(sink.written())).toBeInstanceOf(TypeError);
  });

  test("an abort leaves nothing, and the old file alone; after the end there is nothing to do", async () => {
    const path = inFolder("out");
    writeFileSync(path, "old");
    const sink = fileSink(path);
    await sink.write(0, new Uint8Array(300_000));
    await sink.abort();
    await sink.abort();
    expect(readdirSync(folder())).toEqual(["out"]);
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
    expect(readdirSync(folder())).toEqual(["out"]);
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
    expect(readdirSync(folder())).toEqual(["out"]);
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
    expect(readdirSync(folder())).toEqual([]);
  });

  test("removeTemporaries removes what is neither committed nor aborted", async () => {
    const kept = fileSink(inFolder("kept"));
    await kept.commit(1);
    const lost = fileSink(inFolder("lost"));
    await lost.write(0, Uint8Array.of(1));
    expect(readdirSync(folder())).toHaveLength(2);
    removeTemporaries();
    expect(readdirSync(folder())).toEqual(["kept"]);
  });
});

describe("removeTree", () => {
  test("removes what other programs leave: read-only directories, odd names, depths beyond any path", () => {
    const top = inFolder("top");
    mkdirSync(top);
    writeFileSync(inFolder("kept"), "kept");
    symlinkSync("../kept", join(top, "link"));
    writeFileSync(Buffer.concat([Buffer.from(`${top}/`), Buffer.of(0xff)]), "");
    mkdirSync(join(top, "closed/inside/deeper"), { recursive: true });
    for (const name of ["closed/inside/deeper", "closed/inside", "closed"]) chmodSync(join(top, name), 0);
    // 600 levels of 200 bytes each, far past PATH_MAX.
    const script = 'i=0; while [ $i -lt 600 ]; do mkdir "$1" && cd -P "./$1"; i=$((i + 1)); done; touch file';
    spawnSync("sh", ["-c", script, "sh", "d".repeat(200)], { cwd: top });
    removeTree(top);
    expect(readdirSync(folder())).toEqual(["kept"]);
  });

  test("removes a file, and is content with nothing", () => {
    writeFileSync(inFolder("file"), "");
    symlinkSync(".", inFolder("link"));
    for (const name of ["file", "link", "none"]) removeTree(inFolder(name));
    expect(readdirSync(folder())).toEqual([]);
  });
});
