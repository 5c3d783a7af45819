import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeAsRoot } from "@sextant/peers";
import { repositoryPath, withTemporaryDirectory } from "@sextant/testkit";
import { extractTree } from "@sextant/tree/node";
import { describe, expect, test } from "vitest";
import { errorOf } from "./helpers.js";
import { data, dir, type Hostile, hostileNode, link, when } from "./hostile-tree.js";

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
