import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { equalBytes } from "@sextant/bytes";
import { deviceNumbers, openFile } from "@sextant/bytes/node";
import { describeWithMounts } from "@sextant/peers";
import { describe, expect, test } from "vitest";
import { errorOf, rejectionOf } from "./errors.js";
import { folders } from "./folders.js";

const { folder, inFolder } = folders();

const content = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31) ^ (i >>> 8));

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
    for (let i = 0; i < 5; i++) errorOf(() => openFile(folder()));
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
