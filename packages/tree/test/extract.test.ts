import { spawnSync } from "node:child_process";
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fromBytes } from "@sextant/bytes";
import { removeTemporaries } from "@sextant/bytes/node";
import { compareTrees, withTemporaryDirectory } from "@sextant/testkit";
import { type Directory, type FileContent, file, lazyTree, special, symlink } from "@sextant/tree";
import { extractTree, readDirectoryTree } from "@sextant/tree/node";
import { describe, expect, test } from "vitest";
import { errorOf, f, n, paths, text, tree } from "./helpers.js";
import { settableTimes } from "./on-disk.js";

describe("extractTree", () => {
  test("makes a new directory with all that is in the tree", () =>
    withTemporaryDirectory(async (folder) => {
      const out = join(folder, "out");
      const shared = f("shared", { mode: 0o640, mtimeSeconds: 1_700_000_000, mtimeNanoseconds: 123_456_789 });
      const root = tree(
        { a: shared, d: { b: shared, e: { x: "" } }, l: symlink(n("../a")) },
        { mode: 0o711, mtimeSeconds: 5 },
      );
      const report = await extractTree(lazyTree(root), out);
      expect(report).toEqual({
        directories: 3,
        files: 2,
        symlinks: 1,
        specials: 0,
        links: 1,
        bytes: 6,
        timesCut: 1,
        skipped: [],
        skippedCount: 0,
      });
      expect(readFileSync(join(out, "d/b"), "utf8")).toBe("shared");
      expect(readlinkSync(join(out, "l"))).toBe("../a");
      expect(statSync(join(out, "a")).ino).toBe(statSync(join(out, "d/b")).ino);
      const read = (await readDirectoryTree(out)).root;
      expect(await compareTrees(settableTimes(root), read)).toEqual([]);
      expect(readdirSync(folder)).toEqual(["out"]);
    }));

  test("nothing has the name before all is there, and nobody else may look", () =>
    withTemporaryDirectory(async (folder) => {
      let seen: unknown;
      const content: FileContent = {
        size: 1,
        open() {
          const names = readdirSync(folder);
          seen = [names, statSync(join(folder, names[0] ?? "")).mode & 0o777];
          return fromBytes(text("x"));
        },
      };
      await extractTree(lazyTree(tree({ a: file(content) }, { mode: 0o755 })), join(folder, "out"));
      expect(seen).toEqual([[expect.stringMatching(/^\.out\.[0-9a-f]{12}\.tmp$/)], 0o700]);
      expect(statSync(join(folder, "out")).mode & 0o777).toBe(0o755);
    }));

  test("takes an empty directory as it is, through a symlink too", () =>
    withTemporaryDirectory(async (folder) => {
      mkdirSync(join(folder, "real"), 0o700);
      symlinkSync("real", join(folder, "link"));
      await extractTree(lazyTree(tree({ a: "" }, { mode: 0o755 })), join(folder, "link"));
      expect(readdirSync(join(folder, "real"))).toEqual(["a"]);
      expect(statSync(join(folder, "real")).mode & 0o777).toBe(0o700);
      expect(lstatSync(join(folder, "link")).isSymbolicLink()).toBe(true);
    }));

  test.each<[string, (out: string) => unknown, string, string]>([
    ["a file", (out) => writeFileSync(out, "old"), "MISMATCH_KIND", "the target exists and is no directory"],
    [
      "a directory with something in it",
      (out) => [mkdirSync(out), writeFileSync(`${out}/x`, "old")],
      "MISMATCH_KIND",
      "the target is not empty",
    ],
    [
      "a symlink to nothing",
      (out) => symlinkSync("none", out),
      "UNWRITABLE_FILE",
      "cannot be written: no such file or directory",
    ],
  ])("refuses %s as its target", async (_, make, code, message) => {
    await withTemporaryDirectory(async (folder) => {
      const out = join(folder, "out");
      make(out);
      const before = spawnSync("ls", ["-lR", folder], { encoding: "utf8" }).stdout;
      expect(await errorOf(() => extractTree(lazyTree(tree({ a: "" })), out))).toMatchObject({ code, message });
      expect(spawnSync("ls", ["-lR", folder], { encoding: "utf8" }).stdout).toBe(before);
    });
  });

  test("a target in a place that is not there", () =>
    withTemporaryDirectory(async (folder) => {
      const error = await errorOf(() => extractTree(lazyTree(tree({})), join(folder, "none/out")));
      expect(error).toMatchObject({ code: "UNWRITABLE_FILE", message: "cannot be written: no such file or directory" });
    }));

  test("a name that somebody takes meanwhile stays theirs", () =>
    withTemporaryDirectory(async (folder) => {
      const out = join(folder, "out");
      const content: FileContent = {
        size: 1,
        open() {
          mkdirSync(out);
          writeFileSync(join(out, "theirs"), "");
          return fromBytes(text("x"));
        },
      };
      expect(await errorOf(() => extractTree(lazyTree(tree({ a: file(content) })), out))).toMatchObject({
        code: "UNWRITABLE_FILE",
      });
      expect(readdirSync(folder)).toEqual(["out"]);
      expect(readdirSync(out)).toEqual(["theirs"]);
    }));

  describe("that fails", () => {
    const broken: FileContent = {
      size: 5,
      open: () => ({ size: 5, read: () => Promise.reject(new Error("the disk is gone")) }),
    };
    const root = tree({
      a: "1",
      d: tree({ b: "2", ro: tree({ c: "" }, { mode: 0o555 }) }, { mode: 0 }),
      "\u{1f980}": "",
      z: file(broken),
    });
    root.entries.set("\xff" as ReturnType<typeof n>, f("not UTF-8"));

    test("leaves nothing where nothing was", () =>
      withTemporaryDirectory(async (folder) => {
        await expect(extractTree(lazyTree(root), join(folder, "out"))).rejects.toThrow("the disk is gone");
        expect(readdirSync(folder)).toEqual([]);
      }));

    test("leaves an empty directory empty", () =>
      withTemporaryDirectory(async (folder) => {
        await expect(extractTree(lazyTree(root), folder)).rejects.toThrow("the disk is gone");
        expect(readdirSync(folder)).toEqual([]);
      }));

    test("leaves what it made where it merged, and what was there", () =>
      withTemporaryDirectory(async (folder) => {
        writeFileSync(join(folder, "theirs"), "");
        await expect(extractTree(lazyTree(root), folder, { existing: "merge" })).rejects.toThrow("the disk is gone");
        expect(readdirSync(folder)).toEqual(expect.arrayContaining(["a", "d", "theirs"]));
      }));

    test("or is ended by the signal", () =>
      withTemporaryDirectory(async (folder) => {
        const control = new AbortController();
        const stop: FileContent = {
          size: 1,
          open() {
            control.abort(new Error("enough"));
            return fromBytes(text("x"));
          },
        };
        const work = extractTree(lazyTree(tree({ a: file(stop), b: "" })), join(folder, "out"), {
          signal: control.signal,
        });
        await expect(work).rejects.toThrow("enough");
        expect(readdirSync(folder)).toEqual([]);
      }));

    test("or whose program is ended, when it cleans up", () =>
      withTemporaryDirectory(async (folder) => {
        const left = tree({ d: tree({ x: "" }, { mode: 0o500 }), z: "" });
        let seen = 0;
        const die: FileContent = {
          size: 1,
          open() {
            removeTemporaries();
            seen = readdirSync(folder).length;
            throw new Error("dead");
          },
        };
        left.entries.set(n("zz"), file(die));
        await expect(extractTree(lazyTree(left), join(folder, "out"))).rejects.toThrow("dead");
        expect([seen, readdirSync(folder)]).toEqual([0, []]);
      }));
  });

  describe("into a directory with something in it", () => {
    test("enters directories and leaves them as they are", () =>
      withTemporaryDirectory(async (folder) => {
        mkdirSync(join(folder, "d"), 0o711);
        writeFileSync(join(folder, "d/old"), "old");
        const report = await extractTree(lazyTree(tree({ d: tree({ new: "new" }, { mode: 0o700 }), e: "" })), folder, {
          existing: "merge",
        });
        expect(report).toMatchObject({ files: 2, skippedCount: 0 });
        expect(paths((await readDirectoryTree(folder)).root)).toEqual(["d/", "d/new", "d/old", "e"]);
        expect(statSync(join(folder, "d")).mode & 0o777).toBe(0o711);
      }));

    test.each<[string, (out: string) => unknown, Directory, string, string]>([
      [
        "a file over a file",
        (out) => writeFileSync(join(out, "x"), "old"),
        tree({ x: "new" }),
        "UNWRITABLE_FILE",
        "cannot be written: it exists already",
      ],
      [
        "a file over a symlink",
        (out) => symlinkSync("../outside", join(out, "x")),
        tree({ x: "new" }),
        "UNWRITABLE_FILE",
        "cannot be written: it exists already",
      ],
      [
        "a file over a directory",
        (out) => mkdirSync(join(out, "x")),
        tree({ x: "new" }),
        "UNWRITABLE_FILE",
        "cannot be written: it exists already",
      ],
      [
        "a symlink over a file",
        (out) => writeFileSync(join(out, "x"), "old"),
        tree({ x: symlink(n("y")) }),
        "UNWRITABLE_FILE",
        "cannot be written: it exists already",
      ],
      [
        "a fifo over a file",
        (out) => writeFileSync(join(out, "x"), "old"),
        tree({ x: special("fifo") }),
        "UNWRITABLE_FILE",
        "cannot be written: it exists already",
      ],
      [
        "a directory over a file",
        (out) => writeFileSync(join(out, "x"), "old"),
        tree({ x: {} }),
        "MISMATCH_KIND",
        "the target has a file in place of a directory",
      ],
      [
        "a directory over a symlink to one",
        (out) => symlinkSync("../outside", join(out, "x")),
        tree({ x: { y: "" } }),
        "MISMATCH_ESCAPE",
        "a symlink in the target stands where the tree has a directory",
      ],
    ])("%s is refused and nothing is replaced", async (_, make, root, code, message) => {
      await withTemporaryDirectory(async (folder) => {
        const out = join(folder, "out");
        for (const path of [out, join(folder, "outside")]) mkdirSync(path);
        make(out);
        const before = spawnSync("ls", ["-lRi", folder], { encoding: "utf8" }).stdout;
        const error = await errorOf(() => extractTree(lazyTree(root), out, { existing: "merge" }));
        expect(error).toMatchObject({ code, message, context: { path: "x" } });
        // The old names still are what they were, and the directory outside has got nothing.
        expect(spawnSync("ls", ["-lRi", folder], { encoding: "utf8" }).stdout).toBe(before);
      });
    });
  });
});
