import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fromBytes } from "@sextant/bytes";
import { describeAsRoot, describeWithPeers } from "@sextant/peers";
import { arbitraryTree, compareTrees, compareTreeWithDirectory, withTemporaryDirectory } from "@sextant/testkit";
import { device, directory, type FileContent, file, lazyTree, special, symlink } from "@sextant/tree";
import { extractTree, readDirectoryTree } from "@sextant/tree/node";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { f, n, text, tree } from "./helpers.js";
import { settableTimes } from "./on-disk.js";

describe("extractTree", () => {
  describe("holes", () => {
    const bytes = new Uint8Array(3_000_000);
    bytes.fill(7, 1_000_000, 1_000_100);
    const content = (extents?: FileContent["extents"]): FileContent => ({
      size: bytes.length,
      extents,
      open: () => fromBytes(bytes),
    });

    test.each<[string, FileContent["extents"], "known" | "zeros", number]>([
      ["that are known stay holes", [{ start: 999_424, end: 1_003_520 }], "known", 4096],
      ["that nobody tells of are written", undefined, "known", 3_000_000],
      ["can be found", undefined, "zeros", 4096],
      ["within the data, too", [{ start: 0, end: 2_000_000 }], "zeros", 4096],
    ])("%s", async (_, extents, holes, written) => {
      await withTemporaryDirectory(async (folder) => {
        const report = await extractTree(lazyTree(tree({ f: file(content(extents)) })), join(folder, "out"), { holes });
        expect(report.bytes).toBe(written);
        const { size, blocks } = statSync(join(folder, "out/f"));
        expect(size).toBe(3_000_000);
        expect(512 * blocks < 100_000).toBe(written === 4096);
        expect(readFileSync(join(folder, "out/f")).equals(bytes)).toBe(true);
      });
    });
  });

  test("times keep microseconds, and seconds where that cannot be", () =>
    withTemporaryDirectory(async (folder) => {
      const root = directory();
      const times = [
        [0, 0],
        [0, 999_999_999],
        [1_700_000_000, 1000],
        [1_700_000_000, 999_999_999],
        [4_294_967_295, 123_456_789],
        [-1, 999_999_999],
        [-2_000_000_000, 1_000_000],
        [-1, 0],
        [2 ** 33 - 1, 999_999_999],
        [2 ** 33, 5000],
      ] as const;
      for (const [i, [mtimeSeconds, mtimeNanoseconds]] of times.entries()) {
        root.entries.set(n(`f${i}`), f("", { mtimeSeconds, mtimeNanoseconds }));
        root.entries.set(n(`l${i}`), symlink(n("t"), { mtimeSeconds, mtimeNanoseconds }));
        root.entries.set(n(`d${i}`), { ...tree({ x: "" }), mtimeSeconds, mtimeNanoseconds });
      }
      const report = await extractTree(lazyTree(root), join(folder, "out"));
      expect(report.timesCut).toBe(7 * 3);
      expect(await compareTrees(settableTimes(root), (await readDirectoryTree(join(folder, "out"))).root)).toEqual([]);
    }));

  test("sockets are skipped, and so are their other names", () =>
    withTemporaryDirectory(async (folder) => {
      const socket = special("socket");
      const report = await extractTree(lazyTree(tree({ a: socket, b: socket })), join(folder, "out"));
      expect(report.skipped.map(({ path, what }) => [path, what])).toEqual([
        ["a", "socket"],
        ["b", "link"],
      ]);
      expect(readdirSync(join(folder, "out"))).toEqual([]);
    }));

  test("a list of what was skipped has an end, the count has none", () =>
    withTemporaryDirectory(async (folder) => {
      const root = directory();
      for (let i = 0; i < 1200; i++) root.entries.set(n(`s${i}`), special("socket"));
      const report = await extractTree(lazyTree(root), join(folder, "out"));
      expect([report.skipped.length, report.skippedCount]).toEqual([1000, 1200]);
    }));
});

describeAsRoot("extractTree as root", () => {
  test("owners, set-id bits, devices and xattrs", () =>
    withTemporaryDirectory(async (folder) => {
      const xattrs = ["security.capability", "trusted.a", "user.a"].map((name) => ({
        name: n(name),
        value:
          name === "security.capability"
            ? Uint8Array.of(1, 0, 0, 2, 0, 0x20, ...new Array<number>(14).fill(0))
            : text("v"),
      }));
      const owned = { uid: 65_536, gid: 4_294_967_294 };
      const nul = device("character-device", 1, 3, { mode: 0o666, ...owned });
      const root = tree({
        suid: f("x", { mode: 0o6755, ...owned, xattrs }),
        d: { ...tree({ nul, nul2: nul }), ...owned, mode: 0o3770, xattrs: xattrs.slice(1) },
        blk: device("block-device", 4095, 1_048_575, { mode: 0o4600, mtimeSeconds: 9 }),
        pipe: special("fifo", { mode: 0o600, ...owned }),
        "other nul": nul,
        l: symlink(n("t"), { ...owned, xattrs: xattrs.slice(1, 2) }),
      });
      const report = await extractTree(lazyTree(root), join(folder, "out"));
      expect(report).toMatchObject({ specials: 3, links: 2, files: 1, symlinks: 1, skipped: [] });
      expect(await compareTrees(root, (await readDirectoryTree(join(folder, "out"))).root)).toEqual([]);
    }));

  test("without devices and owners where they are not wanted", () =>
    withTemporaryDirectory(async (folder) => {
      const nul = device("character-device", 1, 3);
      const root = tree({
        a: nul,
        b: nul,
        p: special("fifo"),
        s: f("", { uid: 1, mode: 0o4755 }),
        t: f("", { mode: 0o4755 }),
      });
      const report = await extractTree(lazyTree(root), join(folder, "out"), { devices: false, owners: false });
      expect(report.skipped.map(({ path, what }) => `${path} ${what}`)).toEqual([
        "a device",
        "b link",
        "s owner",
        "s set-id",
      ]);
      expect(readdirSync(join(folder, "out"))).toEqual(["p", "s", "t"]);
      expect(["s", "t"].map((name) => statSync(join(folder, "out", name)).mode & 0o7777)).toEqual([0o755, 0o4755]);
    }));

  test("what the kernel does not take is told, and does not end the extraction", () =>
    withTemporaryDirectory(async (folder) => {
      const value = text("v");
      const root = tree({
        a: f("", {
          xattrs: [
            { name: n("nonsense"), value },
            { name: n("user.ok"), value },
          ],
        }),
        l: symlink(n("t"), { xattrs: [{ name: n("user.x"), value }] }),
        nobody: f("", { uid: 4_294_967_295, mode: 0o4755 }),
      });
      const report = await extractTree(lazyTree(root), join(folder, "out"));
      expect(report.skipped.map(({ path, what, why }) => `${path} ${what} ${why}`)).toEqual([
        "a xattr nonsense: the file system does not support it",
        "l xattr user.x: not permitted",
        "nobody owner belongs to 0:0, not to 4294967295:0",
        "nobody set-id the file belongs to somebody else than in the image",
      ]);
      expect(existsSync(join(folder, "out/nobody"))).toBe(true);
    }));

  test("thousands of whiteouts take one shell a directory", () =>
    withTemporaryDirectory(async (folder) => {
      const root = directory();
      for (let i = 0; i < 2000; i++) root.entries.set(n(`w${i}`), device("character-device", 0, 0, { mode: 0 }));
      const report = await extractTree(lazyTree(root), join(folder, "out"));
      expect([report.specials, report.skippedCount]).toEqual([2000, 0]);
      expect(await compareTrees(root, (await readDirectoryTree(join(folder, "out"))).root)).toEqual([]);
      rmSync(join(folder, "out"), { recursive: true });
    }));
});

describeWithPeers("any tree", ["getfattr"], () => {
  describeAsRoot("any tree", () => {
    test("is on the disk as it should be", async () => {
      await withTemporaryDirectory(async (folder) => {
        let run = 0;
        await fc.assert(
          fc.asyncProperty(arbitraryTree({ sockets: false }), async (made) => {
            const root = settableTimes(made);
            const out = join(folder, String(run++));
            const report = await extractTree(lazyTree(root), out);
            expect(report.skipped).toEqual([]);
            expect(await compareTreeWithDirectory(root, out)).toEqual([]);
          }),
          { numRuns: 40, seed: 6 },
        );
      });
    });
  });
});
