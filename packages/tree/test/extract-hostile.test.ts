import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fromBytes } from "@sextant/bytes";
import { describeAsRoot } from "@sextant/peers";
import { repositoryPath, withTemporaryDirectory } from "@sextant/testkit";
import { type FileContent, lazyTree, maxDepth } from "@sextant/tree";
import { extractTree } from "@sextant/tree/node";
import { describe, expect, test } from "vitest";
import { errorOf, n, text, tree } from "./helpers.js";
import { type Hostile, hostileNode } from "./hostile-tree.js";

const dir = (...entries: readonly (readonly [string, Hostile])[]): Hostile => ({ kind: "directory", entries });
const data = (content: Hostile["content"] = "evil", rest: Partial<Hostile> = {}): Hostile => ({
  kind: "file",
  content: content ?? "",
  ...rest,
});
const link = (target: string): Hostile => ({ kind: "symlink", target });

/** A content that does something at the moment when it is read. */
const when = (act: () => void): FileContent => ({
  size: 4,
  open() {
    act();
    return fromBytes(text("data"));
  },
});

/**
 * Extracts into `out` beside a directory `outside` and a file `passwd`, and checks that nothing but `out` has changed, that
 * nothing half done is left, and what the error is.
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
    const list = () =>
      spawnSync("ls", ["-lRi", "--full-time", folder], { encoding: "utf8" }).stdout.replace(/^total.*$/gm, "");
    const before = [list(), readFileSync(join(folder, "passwd"), "utf8")];
    const error = await errorOf(() => extractTree(hostileNode(root), join(folder, "out"), options));
    expect(error).toMatchObject({ code, ...(path === undefined ? {} : { context: { path } }) });
    // The folder's own time changes, since the hidden name came and went; so only names and what they hold are compared.
    expect(readdirSync(folder).sort()).toEqual(["outside", "passwd"]);
    expect(readdirSync(join(folder, "outside"))).toEqual([]);
    expect(readFileSync(join(folder, "passwd"), "utf8")).toBe(before[1]);
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
    ["a file larger than file systems take", dir(["f", data(huge(2 ** 52))]), "UNWRITABLE_FILE", "f"],
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

/** The directory that grows under a hidden name. */
const stageOf = (folder: string) => join(folder, readdirSync(folder).find((name) => name.startsWith(".out.")) ?? "");

describe("somebody meddles with the target meanwhile:", () => {
  test("a directory that is exchanged for a symlink is not followed", () =>
    withTemporaryDirectory(async (folder) => {
      mkdirSync(join(folder, "outside"));
      const swap = when(() => {
        const stage = stageOf(folder);
        renameSync(join(stage, "d"), join(folder, "moved"));
        symlinkSync("../outside", join(stage, "d"));
      });
      const root = dir([
        "d",
        dir(["a", data(swap)], ["b", data()], ["c", dir(["x", data()])], ["p", { kind: "fifo" }]),
      ]);
      await extractTree(hostileNode(root), join(folder, "out"));
      expect(readdirSync(join(folder, "outside"))).toEqual([]);
      expect(readdirSync(join(folder, "moved"))).toEqual(["a", "b", "c", "p"]);
    }));

  test("nor is one on the way to the first name of a hard link", () =>
    withTemporaryDirectory(async (folder) => {
      mkdirSync(join(folder, "outside"));
      writeFileSync(join(folder, "outside/a"), "secret");
      const swap = when(() => {
        const stage = stageOf(folder);
        rmSync(join(stage, "d"), { recursive: true });
        symlinkSync("../outside", join(stage, "d"));
      });
      const root = dir(["d", dir(["a", data("x", { id: 4 })])], ["e", data(swap)], ["z", data("x", { id: 4 })]);
      expect(await errorOf(() => extractTree(hostileNode(root), join(folder, "out")))).toMatchObject({
        code: "UNWRITABLE_FILE",
        context: { path: "d/a" },
      });
      expect(statSync(join(folder, "outside/a")).nlink).toBe(1);
      expect(readdirSync(folder)).toEqual(["outside"]);
    }));

  // Where case makes no difference, the second of two such names is there already, though nobody made it.
  test.each<[string, (act: () => void) => Hostile, (stage: string) => void]>([
    ["file", (act) => dir(["A", data(when(act))], ["a", data()]), (stage) => writeFileSync(join(stage, "a"), "")],
    [
      "directory",
      (act) => dir(["A", dir(["x", data(when(act))])], ["a", dir()]),
      (stage) => mkdirSync(join(stage, "a")),
    ],
    ["symlink", (act) => dir(["A", data(when(act))], ["a", link("t")]), (stage) => writeFileSync(join(stage, "a"), "")],
    [
      "fifo",
      (act) => dir(["A", data(when(act))], ["a", { kind: "fifo" }]),
      (stage) => writeFileSync(join(stage, "a"), ""),
    ],
    [
      "hard link",
      (act) => dir(["A", data(when(act), { id: 6 })], ["a", data("", { id: 6 })]),
      (stage) => writeFileSync(join(stage, "a"), ""),
    ],
  ])("a %s whose name is there, though nobody has made it, is another name to the target", async (_, make, meddle) => {
    await withTemporaryDirectory(async (folder) => {
      const root = make(() => meddle(stageOf(folder)));
      expect(await errorOf(() => extractTree(hostileNode(root), join(folder, "out")))).toMatchObject({
        code: "MISMATCH_NAME",
        message: "the target takes the name for another one in the same directory",
        context: { path: "a" },
      });
      expect(readdirSync(folder)).toEqual([]);
    });
  });
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

const asNobody = `
  import { device, file, lazyTree, directory, special } from "@sextant/tree";
  import { extractTree } from "@sextant/tree/node";
  import { readdirSync, statSync } from "node:fs";
  const text = (value) => new TextEncoder().encode(value);
  const into = (entries, attributes) => {
    const made = directory(attributes);
    for (const [name, node] of Object.entries(entries)) made.entries.set(name, node);
    return made;
  };
  const xattrs = ["trusted.a", "user.a"].map((name) => ({ name, value: text("v") }));
  const mine = { uid: 65534, gid: 65534 };
  const good = {
    dev: device("character-device", 1, 3),
    locked: into({ f: file(text("x"), mine) }, { ...mine, mode: 0o500 }),
    mine: file(text("x"), { ...mine, mode: 0o4755, xattrs }),
    pipe: special("fifo", mine),
    root: file(text("x"), { mode: 0o6755 }),
  };
  const [folder] = process.argv.slice(1);
  const report = await extractTree(lazyTree(into(good, mine)), folder + "/out");
  const wanted = await extractTree(lazyTree(into({ dev: good.dev }, mine)), folder + "/wanted", { devices: true });
  const broken = { size: 1, open() { throw new Error("broken"); } };
  const failed = await extractTree(lazyTree(into({ ...good, z: file(broken) }, mine)), folder + "/failed").catch((error) => error.message);
  console.log(JSON.stringify({
    skipped: [...report.skipped, ...wanted.skipped].map(({ path, what, why }) => [path, what, why].join(" ")),
    modes: ["mine", "root", "locked"].map((name) => (statSync(folder + "/out/" + name).mode & 0o7777).toString(8)),
    failed,
    names: readdirSync(folder),
  }));
`;

describeAsRoot("extractTree without root", () => {
  test("does what it can and says what it could not", () =>
    withTemporaryDirectory((folder) => {
      chmodSync(folder, 0o777);
      const { stdout, stderr } = spawnSync(
        process.execPath,
        ["--import", "tsx", "--input-type=module", "--eval", asNobody, folder],
        {
          cwd: repositoryPath,
          encoding: "utf8",
          uid: 65534,
          gid: 65534,
          env: { PATH: "/usr/bin:/bin", TMPDIR: folder, TSX_DISABLE_CACHE: "1" },
        },
      );
      expect(stderr).toBe("");
      expect(JSON.parse(stdout)).toEqual({
        skipped: [
          "dev device devices are not made without root, unless asked for",
          "mine xattr trusted.a: not permitted",
          "root owner belongs to 65534:65534, not to 0:0",
          "root set-id the file belongs to somebody else than in the image",
          "dev device operation not permitted",
        ],
        modes: ["4755", "755", "500"],
        failed: "broken",
        names: ["out", "wanted"],
      });
    }));
});

test("a lazy tree that is all right is no hostile one", () =>
  withTemporaryDirectory(async (folder) => {
    expect((await extractTree(lazyTree(tree({ a: "1" })), join(folder, "out"))).files).toBe(1);
    expect(n("a")).toBe("a");
  }));
