import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  lchownSync,
  linkSync,
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
import { describeAsRoot, describeWithPeers } from "@sextant/peers";
import { arbitraryTree, compareTrees, treeToDirectory, withTemporaryDirectory } from "@sextant/testkit";
import {
  type Directory,
  type FileContent,
  type Name,
  nameToText,
  type RegularFile,
  type TreeNode,
} from "@sextant/tree";
import { lazyDirectory, readDirectoryTree } from "@sextant/tree/node";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseGetfattr, type XattrCalls, xattrCalls } from "../src/node/xattrs.js";
import { errorOf, n, paths, text } from "./helpers.js";

const at = (root: Directory, path: string): TreeNode => {
  const node = path
    .split("/")
    .reduce<TreeNode | undefined>(
      (here, name) => (here?.kind === "directory" ? here.entries.get(n(name)) : undefined),
      root,
    );
  if (node === undefined) throw new Error(`${path} is not there`);
  return node;
};
const contentAt = (root: Directory, path: string): FileContent => (at(root, path) as RegularFile).content;
const all = (content: FileContent) => content.open().read(0, content.size);

/** Fills a folder, and reads it both ways. */
async function inFolder(
  make: (path: (name: string) => string) => unknown,
  look: (root: Directory, path: (name: string) => string) => unknown,
) {
  await withTemporaryDirectory(async (folder) => {
    const path = (name: string) => join(folder, name);
    make(path);
    const { root, warnings } = await readDirectoryTree(folder);
    expect(warnings).toEqual([]);
    expect(await compareTrees(root, lazyDirectory(folder))).toEqual([]);
    await look(root, path);
  });
}

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
