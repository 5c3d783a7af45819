import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { readCpio, type WriteCpioOptions, writeCpio } from "@sextant/archive";
import { concatBytes, fromBytes, zeros } from "@sextant/bytes";
import { describeWithPeers } from "@sextant/peers";
import {
  arbitraryTree,
  compareTrees,
  compareTreeWithDirectory,
  shuffleTree,
  treeToDirectory,
  withTemporaryDirectory,
} from "@sextant/testkit";
import {
  contentOf,
  type Directory,
  directory,
  file,
  type MutableDirectory,
  type Name,
  special,
  symlink,
  type TreeNode,
  walkTree,
  whiteout,
} from "@sextant/tree";
import { readDirectoryTree } from "@sextant/tree/node";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytesOf, collect, expectError, linesOf, name } from "./helpers.js";

/** What the format can hold. */
const holdable = { xattrs: false, minSeconds: 0, maxSeconds: 2 ** 32 - 1, nanoseconds: false } as const;

const rootOf = (entries: Readonly<Record<string, TreeNode>>): MutableDirectory => {
  const root = directory();
  for (const [key, node] of Object.entries(entries)) root.entries.set(name(key), node);
  return root;
};
const again = async (tree: Directory, options?: WriteCpioOptions) =>
  (await readCpio(fromBytes(await collect(writeCpio(tree, options))))).tree;

/** A symlink with several names comes out as several; here they are so from the start. */
const unlinkSymlinks = (tree: Directory): Directory => {
  const copy = (node: Directory): Directory => ({
    ...node,
    entries: new Map(
      [...node.entries].map(([key, child]) => [
        key,
        child.kind === "directory" ? copy(child) : child.kind === "symlink" ? { ...child } : child,
      ]),
    ),
  });
  return copy(tree);
};

test("any tree comes back as it was, from the same bytes in any order", async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryTree(holdable), fc.constantFrom(4, 512, 4096), async (made, alignBytes) => {
      const tree = unlinkSymlinks(made);
      const bytes = await collect(writeCpio(tree, { alignBytes }));
      expect(bytes.length % 4).toBe(0);
      const { tree: back, segments } = await readCpio(fromBytes(bytes));
      expect(await compareTrees(tree, back)).toEqual([]);
      expect(segments).toEqual([{ start: 0, end: bytes.length, compression: undefined, archives: 1 }]);
      expect(Buffer.compare(await collect(writeCpio(shuffleTree(tree, 5), { alignBytes })), bytes)).toBe(0);
    }),
    { seed: 11, numRuns: 60 },
  );
});

test("the bytes of a small archive", async () => {
  const link = file(bytesOf("hello"), { mtimeSeconds: 0x5f5e100 });
  const tree = rootOf({ b: link, a: link, s: symlink(name("a")), "TRAILER!!!": file(bytesOf("")) });
  const text = String.fromCharCode(...(await collect(writeCpio(tree))));
  const head = (...fields: readonly string[]) => `070701${fields.map((field) => field.padStart(8, "0")).join("")}`;
  expect(text).toBe(
    [
      `${head("1", "41ED", "0", "0", "2", "0", "0", "0", "0", "0", "0", "2", "0")}.\0`,
      // Sorted, and apart from the trailer by its ./
      `${head("2", "81A4", "0", "0", "1", "0", "0", "0", "0", "0", "0", "D", "0")}./TRAILER!!!\0\0`,
      `${head("3", "81A4", "0", "0", "2", "5F5E100", "0", "0", "0", "0", "0", "2", "0")}a\0`,
      `${head("3", "81A4", "0", "0", "2", "5F5E100", "5", "0", "0", "0", "0", "2", "0")}b\0hello\0\0\0`,
      `${head("4", "A1FF", "0", "0", "1", "0", "1", "0", "0", "0", "0", "2", "0")}s\0a\0\0\0`,
      `${head("0", "0", "0", "0", "1", "0", "0", "0", "0", "0", "0", "B", "0")}TRAILER!!!\0\0\0\0`,
    ].join(""),
  );
});

describe("aligned data", () => {
  test.each([8, 512, 4096])("to %i bytes", async (alignBytes) => {
    // Lengths of names that leave every distance to the next multiple, and so names that would grow too long.
    const tree = rootOf({});
    for (let length = 1; length < 250; length += 7) {
      const inner = rootOf({});
      tree.entries.set("d".repeat(length) as Name, inner);
      for (let i = 0; i < 3; i++)
        inner.entries.set(`${i}${"f".repeat(length)}` as Name, file(bytesOf("0123456789abcdef".repeat(256 + 3 * i))));
      inner.entries.set(name("small"), file(bytesOf("x".repeat(alignBytes - 1))));
    }
    const bytes = await collect(writeCpio(tree, { alignBytes }));
    const { tree: back } = await readCpio(fromBytes(bytes));
    expect(await compareTrees(tree, back)).toEqual([]);
    const text = Buffer.from(bytes).toString("latin1");
    let count = 0;
    for (
      let at = text.indexOf("0123456789abcdef0");
      at >= 0;
      at = text.indexOf("\x000123456789abcdef0", at) + 1 || -1
    ) {
      expect(at % alignBytes).toBe(0);
      count++;
      at += 4000;
    }
    expect(count).toBe(36 * 3);
    // The kernel takes names of up to 4096 bytes.
    for (const match of text.matchAll(/070701[0-9A-F]{88}([0-9A-F]{8})[0-9A-F]{8}/g)) {
      expect(Number.parseInt(match[1] as string, 16)).toBeLessThanOrEqual(4096);
    }
  });

  test.each([0, 2, 6, 8192, 4.5])("not to %d", async (alignBytes) => {
    await expect(collect(writeCpio(directory(), { alignBytes }))).rejects.toThrow(RangeError);
  });
});

describe("what a cpio cannot hold", () => {
  const huge = file(contentOf(zeros(2 ** 32)));
  test.each([
    ["a file of 4 GiB", rootOf({ huge }), "LIMIT_FIELD", "cpio.header.filesize"],
    ["a time before 1970", rootOf({ a: file(bytesOf(""), { mtimeSeconds: -1 }) }), "LIMIT_FIELD", "cpio.header.mtime"],
    [
      "a time after 2106",
      rootOf({ a: file(bytesOf(""), { mtimeSeconds: 2 ** 32 }) }),
      "LIMIT_FIELD",
      "cpio.header.mtime",
    ],
    [
      "xattrs",
      rootOf({ a: file(bytesOf(""), { xattrs: [{ name: name("user.a"), value: bytesOf("x") }] }) }),
      "UNSUPPORTED_NODE",
      undefined,
    ],
  ] as const)("%s", async (_what, tree, code, path) => {
    await expectError(collect(writeCpio(tree)), code, path);
  });

  test("what the caller lets go", async () => {
    const tree = rootOf({
      a: file(bytesOf(""), { mtimeSeconds: 2 ** 32, xattrs: [{ name: name("user.a"), value: bytesOf("x") }] }),
    });
    const lines = await linesOf(await again(tree, { epochSeconds: 7, dropXattrs: true, root: false }));
    expect(lines[1]).toMatch(/^\/a file mode=0644 owner=0:0 time=7.000000000 links=1 size=0 sha256=/);
  });
});

describeWithPeers("GNU cpio", ["cpio", "getfattr", "setfattr"], ({ cpio }) => {
  test.runIf(process.getuid?.() === 0)("extracts what we write", async () => {
    await fc.assert(
      fc.asyncProperty(
        arbitraryTree({ ...holdable, sockets: false }),
        fc.constantFrom(4, 4096),
        async (made, alignBytes) => {
          const tree = unlinkSymlinks(made);
          await withTemporaryDirectory(async (folder) => {
            const input = await collect(writeCpio(tree, { alignBytes }));
            const result = await cpio.run(["-idm", "--quiet"], { input, cwd: folder });
            expect(result.exitCode, result.stderr).toBe(0);
            // It leaves the times of directories and symlinks to the clock.
            expect(await compareTreeWithDirectory(tree, folder, { ignore: ["mtime", "root"] })).toEqual([]);
          });
        },
      ),
      { seed: 12, numRuns: 15 },
    );
  });

  test.runIf(process.getuid?.() === 0).each(["newc", "crc"])("we read what it writes as %s", async (format) => {
    await fc.assert(
      fc.asyncProperty(arbitraryTree({ ...holdable, maxSeconds: 2 ** 31 - 1 }), async (made) => {
        // GNU cpio drops a leading ./ and so cannot keep this file apart from the end.
        fc.pre(!made.entries.has(name("TRAILER!!!")));
        await withTemporaryDirectory(async (folder) => {
          const path = join(folder, "tree");
          mkdirSync(path);
          await treeToDirectory(unlinkSymlinks(made), path);
          const { root } = await readDirectoryTree(path);
          const input = bytesOf([...walkTree(root)].map(({ path }) => `${path || "."}\0`).join(""));
          const { stdout, exitCode, stderr } = await cpio.run(["-o", "-H", format, "--null", "--quiet"], {
            input,
            cwd: path,
          });
          expect(exitCode, stderr).toBe(0);
          const { tree } = await readCpio(fromBytes(stdout));
          expect(await compareTrees(root, tree, { ignore: ["nanoseconds"] })).toEqual([]);
        });
      }),
      { seed: 13, numRuns: 8 },
    );
  });
});

describe("initrds", () => {
  const archive = async (entries: Readonly<Record<string, TreeNode>>) => collect(writeCpio(rootOf(entries)));
  const text = (content: string) => file(bytesOf(content));

  test("archives one after another, some compressed; the last word counts", async () => {
    const early = await archive({ kernel: rootOf({ microcode: text("blob") }), init: text("first") });
    const main = gzipSync(
      concatBytes([
        await archive({ init: text("main"), etc: rootOf({ a: text("a") }) }),
        new Uint8Array(300),
        await archive({ etc: rootOf({ b: text("b") }) }),
      ]),
    );
    const padding = new Uint8Array(-(early.length + 512 + main.length) & 3);
    const late = await archive({ init: symlink(name("usr/bin/init")) });
    const parts = [early, new Uint8Array(512), main, padding, late, new Uint8Array(1000)];
    const { tree, segments } = await readCpio(fromBytes(concatBytes(parts)));
    expect((await linesOf(tree)).map((line) => line.split(" ", 2).join(" "))).toEqual([
      "/ directory",
      "/etc directory",
      "/etc/a file",
      "/etc/b file",
      "/init symlink",
      "/kernel directory",
      "/kernel/microcode file",
    ]);
    const mainAt = early.length + 512;
    const lateAt = mainAt + main.length + padding.length;
    expect(segments).toEqual([
      { start: 0, end: early.length, compression: undefined, archives: 1 },
      { start: mainAt, end: mainAt + main.length, compression: "gzip", archives: 2 },
      { start: lateAt, end: lateAt + late.length, compression: undefined, archives: 1 },
    ]);
  });

  test("inode numbers mean something within an archive only", async () => {
    const one = text("one");
    const two = text("two");
    const parts = [await archive({ a: one, b: one }), await archive({ c: two, d: two })];
    const { tree } = await readCpio(fromBytes(concatBytes(parts)));
    expect((await linesOf(tree)).slice(1).map((line) => /links=\d( same=\S+)?/.exec(line)?.[0])).toEqual([
      "links=2",
      "links=2 same=/a",
      "links=2",
      "links=2 same=/c",
    ]);
  });

  test("devices, fifos and sockets", async () => {
    const tree = rootOf({ w: whiteout(), f: special("fifo"), s: special("socket") });
    expect(await compareTrees(tree, await again(tree))).toEqual([]);
  });
});
