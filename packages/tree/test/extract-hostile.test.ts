import { existsSync, mkdirSync, readdirSync, readFileSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromBytes } from "@sextant/bytes";
import { describeAsRoot } from "@sextant/peers";
import { withTemporaryDirectory } from "@sextant/testkit";
import { type FileContent, maxDepth } from "@sextant/tree";
import { extractTree } from "@sextant/tree/node";
import { describe, expect, test } from "vitest";
import { errorOf } from "./helpers.js";
import { data, dir, type Hostile, hostileNode, link } from "./hostile-tree.js";

/**
 * Extracts into `out` beside a directory `outside` and a file `passwd`, and checks what the error is, that nothing half done is
 * left, and that the others are as they were.
 */
async function refused(
  root: Hostile,
  code: string,
  path: string | undefined,
  options: Parameters<typeof extractTree>[2] = {},
) {
  await withTemporaryDirectory(async (folder) => {
    mkdirSync(join(folder, "outside"));
    writeFileSync(join(folder, "passwd"), "root");
    const error = await errorOf(() => extractTree(hostileNode(root), join(folder, "out"), options));
    expect(error).toMatchObject({ code, ...(path === undefined ? {} : { context: { path } }) });
    expect(readdirSync(folder).sort()).toEqual(["outside", "passwd"]);
    expect(readdirSync(join(folder, "outside"))).toEqual([]);
    expect(readFileSync(join(folder, "passwd"), "utf8")).toBe("root");
  });
}

const self: Hostile = { kind: "directory", id: 1, entries: [] };
(self.entries as [string, Hostile][]).push(["again", self]);
const shared = { ...dir(["x", data()]), id: 2 };
const nested = (depth: number): Hostile => (depth === 0 ? dir() : dir(["d", nested(depth - 1)]));
/** Each level names the next one twice: 2^30 paths in 31 directories. */
const bomb = (depth: number): Hostile => {
  const below = depth === 0 ? dir() : bomb(depth - 1);
  return dir(["a", below], ["b", below]);
};
const lying = (extents: readonly (readonly [number, number])[]): FileContent => ({
  size: 10,
  extents: extents.map(([start, end]) => ({ start, end })),
  open: () => fromBytes(new Uint8Array(10)),
});
const short: FileContent = { size: 10, open: () => ({ size: 10, read: async () => new Uint8Array(3) }) };
const huge = (size: number): FileContent => ({ size, extents: [], open: () => fromBytes(new Uint8Array(0)) });

/** TMPFS_MAGIC (include/uapi/linux/magic.h): there, a hole may be as large as numbers go. */
const isTmpfs = statfsSync(tmpdir()).type === 0x01021994;
const tooLarge: [string, Hostile, string, string][] = isTmpfs
  ? []
  : [["a file larger than file systems take", dir(["f", data(huge(2 ** 52))]), "UNWRITABLE_FILE", "f"]];

describe("a hostile tree is refused, and nothing outside of the target is touched:", () => {
  test.each<[string, Hostile, string, string | undefined]>([
    ["the name ..", dir(["..", data()]), "MALFORMED_NAME", ".."],
    ["the name .. of a directory", dir(["d", dir(["..", dir(["passwd", data()])])]), "MALFORMED_NAME", "d/.."],
    ["the name .", dir([".", dir(["passwd", data()])]), "MALFORMED_NAME", "."],
    ["no name", dir(["", data()]), "MALFORMED_NAME", ""],
    ["an absolute name", dir(["/tmp/x", data()]), "MALFORMED_NAME", "/tmp/x"],
    ["a way up in a name", dir(["../outside/x", data()]), "MALFORMED_NAME", "../outside/x"],
    ["a way through a symlink in a name", dir(["l", link("../outside")], ["l/x", data()]), "MALFORMED_NAME", "l/x"],
    ["a NUL in a name", dir(["a\0b", data()]), "MALFORMED_NAME", "a\\x00b"],
    ["a name of 256 bytes", dir(["x".repeat(256), data()]), "MALFORMED_NAME", "x".repeat(256)],
    ["a name twice", dir(["a", data()], ["a", data()]), "MALFORMED_TREE", "a"],
    [
      "a symlink and a directory of one name",
      dir(["a", link("../outside")], ["a", dir(["x", data()])]),
      "MALFORMED_TREE",
      "a",
    ],
    ["a directory in itself", dir(["a", self]), "MALFORMED_TREE", "a/again"],
    ["a directory under two names", dir(["a", shared], ["b", shared]), "MALFORMED_TREE", "b"],
    ["names that double at each level", bomb(30), "MALFORMED_TREE", undefined],
    ["the root in the root", { ...dir(["a", { ...dir(), id: 9 }]), id: 9 }, "MALFORMED_TREE", "a"],
    [
      "an inode that is a file and a symlink",
      dir(["a", data("x", { id: 3 })], ["b", { ...link("x"), id: 3 }]),
      "MALFORMED_TREE",
      "b",
    ],
    [
      "an entry that says file and is a directory",
      dir(["a", { ...dir(["x", data()]), entryKind: "file" }]),
      "MALFORMED_TREE",
      "a",
    ],
    [
      "an entry that says directory and is a symlink",
      dir(["a", { ...link("../outside"), entryKind: "directory" }]),
      "MALFORMED_TREE",
      "a",
    ],
    ["too deep a tree", nested(maxDepth + 1), "LIMIT_DEPTH", undefined],
    ["a symlink without a target", dir(["l", link("")]), "UNWRITABLE_FILE", "l"],
    ["a symlink with a NUL", dir(["l", link("a\0b")]), "UNWRITABLE_FILE", "l"],
    ["a symlink of 5000 bytes", dir(["l", link("x".repeat(5000))]), "UNWRITABLE_FILE", "l"],
    ["data after the end", dir(["f", data(lying([[0, 11]]))]), "MALFORMED_TREE", "f"],
    [
      "data out of order",
      dir([
        "f",
        data(
          lying([
            [5, 6],
            [0, 1],
          ]),
        ),
      ]),
      "MALFORMED_TREE",
      "f",
    ],
    [
      "data that overlaps",
      dir([
        "f",
        data(
          lying([
            [0, 5],
            [4, 6],
          ]),
        ),
      ]),
      "MALFORMED_TREE",
      "f",
    ],
    ["data that ends before it starts", dir(["f", data(lying([[5, 4]]))]), "MALFORMED_TREE", "f"],
    ["data before the start", dir(["f", data(lying([[-5, 4]]))]), "MALFORMED_TREE", "f"],
    ["fewer bytes than promised", dir(["f", data(short)]), "MISMATCH_CHANGED", "f"],
    ...tooLarge,
    ["a file larger than numbers go", dir(["f", data(huge(2 ** 60))]), "MALFORMED_TREE", "f"],
    ["a file smaller than nothing", dir(["f", data(huge(-1))]), "MALFORMED_TREE", "f"],
    ["a file as the root", data(), "MISMATCH_KIND", undefined],
  ])("%s", async (_, root, code, path) => {
    await refused(root, code, path);
  });

  test("more names than it is told to take", () =>
    refused(dir(["a", data()], ["d", dir(["b", data()])]), "LIMIT_ENTRIES", "d", { maxEntries: 2 }));
});

describe("what is only odd is taken as it is:", () => {
  test("symlinks out of the target are made, and nothing goes through them", () =>
    withTemporaryDirectory(async (folder) => {
      mkdirSync(join(folder, "outside"));
      const root = dir(["a", link("../outside")], ["b", link("/etc/passwd")], ["c", dir(["x", data("mine")])]);
      const report = await extractTree(hostileNode(root), join(folder, "out"));
      expect(report).toMatchObject({ symlinks: 2, files: 1, skippedCount: 0 });
      expect(readdirSync(join(folder, "outside"))).toEqual([]);
    }));

  test("names that a shell or a program would take for something else", () =>
    withTemporaryDirectory(async (folder) => {
      const names = ["-rf", "$(touch pwned)", "`touch pwned`", "a\nb", "*", "--", "'", '"', "\\", "...", "~"];
      const specials = names.map(
        (name) => [name, { kind: "fifo", mode: 0o600 }] as const satisfies readonly [string, Hostile],
      );
      const report = await extractTree(
        hostileNode(dir(["d", dir(...specials)], ...names.map((name) => [name, data()] as const))),
        join(folder, "out"),
      );
      expect(report).toMatchObject({ specials: names.length, files: names.length, skippedCount: 0 });
      expect(readdirSync(join(folder, "out/d")).sort()).toEqual([...names].sort());
      expect(existsSync(join(folder, "out/d/pwned"))).toBe(false);
    }));

  test("modes with bits that are no permissions, and times that no clock shows", () =>
    withTemporaryDirectory(async (folder) => {
      const root = dir(
        ["mode", data("x", { mode: 0o170_644 })],
        ["late", data("x", { mtimeSeconds: 2 ** 52, mtimeNanoseconds: 999_999_999 })],
        ["early", data("x", { mtimeSeconds: -(2 ** 52) })],
      );
      await extractTree(hostileNode(root), join(folder, "out"));
      expect(statSync(join(folder, "out/mode")).mode & 0o7777).toBe(0o644);
      expect(readdirSync(join(folder, "out"))).toEqual(["early", "late", "mode"]);
    }));
});
describeAsRoot("device numbers that no kernel takes", () => {
  test("are reported", () =>
    withTemporaryDirectory(async (folder) => {
      const root = dir(
        ["a", { kind: "block-device", device: { major: 2 ** 40, minor: -1 } }],
        ["b", { kind: "character-device" }],
      );
      const report = await extractTree(hostileNode(root), join(folder, "out"));
      expect(report.skipped.map(({ path, what }) => `${path} ${what}`)).toEqual(["a device"]);
      expect(statSync(join(folder, "out/b")).isCharacterDevice()).toBe(true);
    }));
});
