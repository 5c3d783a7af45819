import { spawnSync } from "node:child_process";
import { chmodSync, lchownSync, linkSync, mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeAsRoot, describeWithPeers } from "@sextant/peers";
import { arbitraryTree, compareTrees, treeToDirectory, withTemporaryDirectory } from "@sextant/testkit";
import { type Directory, type Name, nameToText, type RegularFile } from "@sextant/tree";
import { lazyDirectory, readDirectoryTree } from "@sextant/tree/node";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { errorOf, n, paths, text } from "./helpers.js";
import { all, at, contentAt, inFolder } from "./on-disk.js";

describe("readDirectoryTree and lazyDirectory", () => {
  test("kinds, modes, sizes, targets and times to the nanosecond", () =>
    inFolder(
      (path) => {
        mkdirSync(path("d"), 0o750);
        writeFileSync(path("d/f"), "content", { mode: 0o640 });
        chmodSync(path("d/f"), 0o4711);
        symlinkSync("no/where", path("l"));
        spawnSync("mkfifo", ["-m", "600", path("p")]);
        utimesSync(path("d/f"), 1_700_000_000.5, 1_700_000_000.5);
        spawnSync("touch", ["--no-dereference", "--date=@-1.25", path("l")]);
        spawnSync("touch", ["--date=@123.000000001", path("d")]);
      },
      async (root) => {
        expect(paths(root)).toEqual(["d/", "d/f", "l", "p"]);
        expect(at(root, "d")).toMatchObject({ mode: 0o750, mtimeSeconds: 123, mtimeNanoseconds: 1 });
        expect(at(root, "d/f")).toMatchObject({
          mode: 0o4711,
          mtimeSeconds: 1_700_000_000,
          mtimeNanoseconds: 500_000_000,
        });
        expect(at(root, "l")).toMatchObject({
          kind: "symlink",
          target: "no/where",
          mode: 0o777,
          mtimeSeconds: -2,
          mtimeNanoseconds: 750_000_000,
        });
        expect(at(root, "p")).toMatchObject({ kind: "fifo", mode: 0o600 });
        expect(await all(contentAt(root, "d/f"))).toEqual(text("content"));
      },
    ));

  test("hard links are one node, across directories and for symlinks too", () =>
    inFolder(
      (path) => {
        mkdirSync(path("d"));
        writeFileSync(path("a"), "x");
        linkSync(path("a"), path("d/b"));
        symlinkSync("t", path("s"));
        linkSync(path("s"), path("d/t"));
        writeFileSync(path("other"), "x");
      },
      (root) => {
        expect(at(root, "a")).toBe(at(root, "d/b"));
        expect(at(root, "s")).toBe(at(root, "d/t"));
        expect(at(root, "other")).not.toBe(at(root, "a"));
      },
    ));

  test("names that are not UTF-8", () =>
    withTemporaryDirectory(async (folder) => {
      const odd = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0x61])]);
      mkdirSync(odd);
      writeFileSync(Buffer.concat([odd, Buffer.from([0x2f, 0xe9])]), "inside");
      symlinkSync(Buffer.from([0xfe]), Buffer.concat([odd, Buffer.from("/l")]));
      writeFileSync(join(folder, "\u{1f980}"), "text");
      const { root } = await readDirectoryTree(folder);
      expect(paths(root)).toEqual(["🦀", "\\xffa/", "\\xffa/l", "\\xffa/\\xe9"]);
      const inside = (root.entries.get("\xffa" as Name) as Directory).entries;
      expect(await all((inside.get("\xe9" as Name) as RegularFile).content)).toEqual(text("inside"));
      expect(inside.get(n("l"))).toMatchObject({ target: "\xfe" });
      const lazy = await (await lazyDirectory(folder).lookup("\xffa" as Name))?.entries();
      expect(lazy?.map(({ name }) => nameToText(name))).toEqual(["l", "\\xe9"]);
    }));

  test("a symlink that the caller names is followed, others are not", () =>
    withTemporaryDirectory(async (folder) => {
      mkdirSync(join(folder, "real"));
      writeFileSync(join(folder, "real/f"), "");
      symlinkSync("real", join(folder, "link"));
      expect(paths((await readDirectoryTree(join(folder, "link"))).root)).toEqual(["f"]);
      expect(paths((await readDirectoryTree(folder)).root)).toEqual(["link", "real/", "real/f"]);
      expect((await lazyDirectory(join(folder, "link")).entries()).map(({ name }) => name)).toEqual(["f"]);
    }));

  test("a relative path means the directory that it meant then", () =>
    withTemporaryDirectory(async (folder) => {
      writeFileSync(join(folder, "f"), "x");
      const script = `
        import { readDirectoryTree } from "@sextant/tree/node";
        const repository = process.cwd();
        process.chdir(process.argv[1]);
        const { root } = await readDirectoryTree(".");
        process.chdir(repository);
        console.log((await root.entries.get("f").content.open().read(0, 1))[0]);
      `;
      const { stdout, stderr } = spawnSync(
        process.execPath,
        ["--import", "tsx", "--input-type=module", "--eval", script, folder],
        {
          cwd: join(import.meta.dirname, "../../.."),
          encoding: "utf8",
        },
      );
      expect([stdout, stderr]).toEqual(["120\n", ""]);
    }));

  test.each<[string, (path: string) => unknown, string, string]>([
    ["nothing", () => {}, "MISSING_PATH", "cannot be read: no such file or directory"],
    ["a file", (path) => writeFileSync(path, ""), "MISMATCH_KIND", "is a file, not a directory"],
    ["a fifo", (path) => spawnSync("mkfifo", [path]), "MISMATCH_KIND", "is a fifo, not a directory"],
    [
      "a symlink to itself",
      (path) => symlinkSync(path, path),
      "UNREADABLE_FILE",
      "cannot be read: a symlink stands there, or too many on the way",
    ],
  ])("%s is no directory", async (_, make, code, message) => {
    await withTemporaryDirectory(async (folder) => {
      const path = join(folder, "it");
      make(path);
      for (const work of [() => readDirectoryTree(path), () => lazyDirectory(path)]) {
        expect(await errorOf(work)).toMatchObject({ code, message, context: { source: path } });
      }
    });
  });

  test("more names than it is told to take", () =>
    withTemporaryDirectory(async (folder) => {
      for (const name of ["a", "b", "c"]) writeFileSync(join(folder, name), "");
      expect(await errorOf(() => readDirectoryTree(folder, { maxEntries: 2 }))).toMatchObject({
        code: "LIMIT_ENTRIES",
      });
      expect((await readDirectoryTree(folder, { maxEntries: 3 })).entryCount).toBe(3);
    }));

  test("what a lazy node does not have is refused, and what went away is missing", () =>
    withTemporaryDirectory(async (folder) => {
      writeFileSync(join(folder, "f"), "");
      const root = lazyDirectory(folder);
      const [entry] = await root.entries();
      const node = await entry?.node();
      for (const work of [
        () => node?.entries(),
        () => node?.lookup(n("x")),
        () => node?.readlink(),
        () => root.content(),
      ]) {
        expect(await errorOf(work)).toBeInstanceOf(TypeError);
      }
      for (const name of ["", ".", "..", "f/x", "none", "f\0"]) expect(await root.lookup(n(name))).toBeUndefined();
      rmSync(join(folder, "f"));
      expect(await errorOf(() => entry?.node())).toMatchObject({ code: "MISSING_PATH" });
    }));
});

describeWithPeers("directories that another program made", ["getfattr", "setfattr"], () => {
  describeAsRoot("directories that another program made", () => {
    test("come back as they are", async () => {
      await withTemporaryDirectory(async (folder) => {
        let run = 0;
        await fc.assert(
          fc.asyncProperty(arbitraryTree(), async (made) => {
            const place = join(folder, String(run++));
            await treeToDirectory(made, place);
            const { root, warnings } = await readDirectoryTree(place);
            const unread = new Set(warnings.flatMap(({ paths }) => paths));
            const differences = await compareTrees(made, root);
            expect(differences.filter((line) => !(unread.size > 0 && line.includes("xattrs is none")))).toEqual([]);
          }),
          { numRuns: 30, seed: 5 },
        );
      });
    });

    test("owners and devices", () =>
      inFolder(
        (path) => {
          writeFileSync(path("f"), "");
          lchownSync(path("f"), 65_536, 4_294_967_294);
          spawnSync("mknod", [path("c"), "c", "4095", "1048575"]);
          spawnSync("mknod", [path("b"), "b", "8", "257"]);
        },
        (root) => {
          expect(at(root, "f")).toMatchObject({ uid: 65_536, gid: 4_294_967_294 });
          expect(at(root, "c")).toMatchObject({ kind: "character-device", major: 4095, minor: 1_048_575 });
          expect(at(root, "b")).toMatchObject({ kind: "block-device", major: 8, minor: 257 });
        },
      ));
  });
});
