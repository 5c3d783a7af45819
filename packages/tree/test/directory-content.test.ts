import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { equalBytes } from "@sextant/bytes";
import { withTemporaryDirectory } from "@sextant/testkit";
import { lazyDirectory, readDirectoryTree } from "@sextant/tree/node";
import { describe, expect, test } from "vitest";
import { parseGetfattr, type XattrCalls, xattrCalls } from "../src/node/xattrs.js";
import { errorOf, n, text } from "./helpers.js";
import { all, at, contentAt, inFolder } from "./on-disk.js";

describe("contents", () => {
  const large = Uint8Array.from({ length: 700_001 }, (_, i) => (i * 7) ^ (i >>> 9));

  test("are read in any range, and no file stays open", () =>
    inFolder(
      (path) => {
        writeFileSync(path("large"), large);
        writeFileSync(path("empty"), "");
      },
      async (root) => {
        const source = contentAt(root, "large").open();
        for (const [start, end] of [
          [0, 0],
          [0, 1],
          [5, 4999],
          [0, 700_001],
          [3, 400_000],
          [700_000, 700_001],
        ] as const) {
          const bytes = await source.read(start, end);
          expect(equalBytes(bytes, large.subarray(start, end))).toBe(true);
          expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
        }
        expect(await errorOf(() => source.read(0, 700_002))).toBeInstanceOf(RangeError);
        expect(await all(contentAt(root, "empty"))).toEqual(new Uint8Array(0));
        const open = spawnSync("ls", ["-l", `/proc/${process.pid}/fd`], { encoding: "utf8" }).stdout;
        expect(open).not.toContain("/large");
      },
    ));

  test.each<[string, (path: string) => unknown, string]>([
    ["grows", (path) => appendFileSync(path, "x"), "MISMATCH_CHANGED"],
    ["shrinks", (path) => truncateSync(path, 3), "MISMATCH_CHANGED"],
    ["gets another time", (path) => utimesSync(path, 5, 5), "MISMATCH_CHANGED"],
    [
      "is exchanged",
      (path) => [writeFileSync(`${path}2`, new Uint8Array(700_001)), renameSync(`${path}2`, path)],
      "MISMATCH_CHANGED",
    ],
    ["goes away", (path) => rmSync(path), "MISSING_PATH"],
    ["becomes a symlink", (path) => [renameSync(path, `${path}2`), symlinkSync("large2", path)], "UNREADABLE_FILE"],
    ["becomes a fifo", (path) => [rmSync(path), spawnSync("mkfifo", [path])], "MISMATCH_CHANGED"],
    ["becomes a directory", (path) => [rmSync(path), mkdirSync(path)], "MISMATCH_CHANGED"],
  ])("a file that %s is found out", async (_, change, code) => {
    await inFolder(
      (path) => writeFileSync(path("large"), large),
      async (root, path) => {
        const source = contentAt(root, "large").open();
        change(path("large"));
        for (const end of [1, 700_001]) {
          expect(await errorOf(() => source.read(0, end))).toMatchObject({ code, context: { source: path("large") } });
        }
      },
    );
  });
});

describe("sparse files", () => {
  const make = (path: string, parts: readonly (readonly [number, number])[], size: number) => {
    writeFileSync(path, "");
    for (const [start, count] of parts) {
      spawnSync("dd", ["if=/dev/urandom", `of=${path}`, "bs=4096", `seek=${start}`, `count=${count}`, "conv=notrunc"]);
    }
    truncateSync(path, size);
  };

  test("get the extents of their data, others get none", () =>
    inFolder(
      (path) => {
        make(
          path("sparse"),
          [
            [2, 1],
            [600, 3],
          ],
          4096 * 1000 + 5,
        );
        make(path("hole"), [], 10_000_000);
        make(path("full"), [[0, 100]], 4096 * 100);
        make(path("small"), [], 60_000);
      },
      async (root) => {
        expect(contentAt(root, "sparse").extents).toEqual([
          { start: 8192, end: 12_288 },
          { start: 600 * 4096, end: 603 * 4096 },
        ]);
        expect(contentAt(root, "hole").extents).toEqual([]);
        expect(contentAt(root, "full").extents).toBeUndefined();
        expect(contentAt(root, "small").extents).toBeUndefined();
      },
    ));

  test("unless nobody wants to know", () =>
    withTemporaryDirectory(async (folder) => {
      make(join(folder, "hole"), [], 10_000_000);
      const { root } = await readDirectoryTree(folder, { holes: "ignore" });
      expect(contentAt(root, "hole").extents).toBeUndefined();
    }));

  test("too large ones are told about", () =>
    withTemporaryDirectory(async (folder) => {
      make(join(folder, "huge"), [], 2 ** 40);
      const { root, warnings } = await readDirectoryTree(folder);
      expect(contentAt(root, "huge")).toMatchObject({ size: 2 ** 40, extents: undefined });
      expect(warnings).toEqual([
        {
          code: "HOLES_UNREAD",
          message: "1 sparse files are too large to be searched for their holes",
          paths: ["huge"],
        },
      ]);
    }));
});

describe("xattrs", () => {
  const set = async (path: string, name: string, value: string) =>
    ((await xattrCalls()) as XattrCalls).setAttributeSync(path, name, text(value));

  test("are read, sorted, of symlinks' own, and filtered", () =>
    withTemporaryDirectory(async (folder) => {
      const path = join(folder, "f");
      writeFileSync(path, "");
      for (const [name, value] of [
        ["user.b", "2"],
        ["user.a", ""],
        ["user.é", "\0\xff"],
      ] as const)
        await set(path, name, value);
      await set(folder, "user.root", "r");
      const xattrs = [
        { name: "user.a", value: new Uint8Array(0) },
        { name: "user.b", value: text("2") },
        { name: n("user.é"), value: text("\0\xff") },
      ];
      const { root } = await readDirectoryTree(folder);
      expect(root.xattrs).toEqual([{ name: "user.root", value: text("r") }]);
      expect(at(root, "f").xattrs).toEqual(xattrs);
      expect(await (await lazyDirectory(folder).lookup(n("f")))?.xattrs()).toEqual(xattrs);
      const some = await readDirectoryTree(folder, { wantXattr: (name) => name === "user.b" });
      expect(at(some.root, "f").xattrs).toEqual(xattrs.slice(1, 2));
      expect(at((await readDirectoryTree(folder, { xattrs: false })).root, "f").xattrs).toEqual([]);
    }));

  test("getfattr's dump is understood", () => {
    const dump = [
      "# file: .\nsecurity.capability=0x0100\nuser.empty=0x\n",
      "# file: ./a\\040b\\012\\134\\377\nuser.x\\075y=0xff00\n",
      "# file: ./\xe9\nuser.valueless\n",
      "",
    ].join("\n");
    expect([...parseGetfattr(dump)]).toEqual([
      [
        ".",
        [
          { name: "security.capability", value: Uint8Array.of(1, 0) },
          { name: "user.empty", value: new Uint8Array(0) },
        ],
      ],
      ["a b\n\\\xff", [{ name: "user.x=y", value: Uint8Array.of(255, 0) }]],
      ["\xe9", [{ name: "user.valueless", value: new Uint8Array(0) }]],
    ]);
  });
});
