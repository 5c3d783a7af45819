import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { emit, plan } from "@sextant/erofs";
import {
  discoveryCases,
  discoveryHost,
  matchCases,
  matchHost,
  orderCases,
  orderHost,
  treeToDirectory,
  withTemporaryDirectory,
} from "@sextant/testkit";
import type { Directory } from "@sextant/tree";
import { describe, expect, it, vi } from "vitest";
import { sextant } from "./command.js";

// What the bundler puts in place of it; the verb is run in this process here, as a process for each case takes minutes.
vi.stubGlobal("SEXTANT_VERSION", "0.0.0");
const { createProgram } = await import("../src/program.js");

/** An EROFS image of a tree. */
async function imageOf(tree: Directory): Promise<Uint8Array> {
  const planned = await plan(tree, {});
  const image = new Uint8Array(planned.sizeBytes);
  for await (const { offset, bytes } of emit(planned)) image.set(bytes, offset);
  return image;
}

interface PlanDocument {
  readonly version: number;
  readonly scope: string;
  readonly fatal: { readonly code: string; readonly image: string | null; readonly message: string } | null;
  readonly images: readonly {
    readonly name: string;
    readonly type: string;
    readonly path: string;
    readonly accepted: boolean;
    readonly reason: string;
  }[];
  readonly hierarchies: readonly {
    readonly path: string;
    readonly layers: readonly string[];
    readonly flags: string;
    readonly mode: string;
    readonly upper: string | null;
  }[];
}

/** Runs `sextant plan --json` in this process. */
async function planOf(root: string, ...args: readonly string[]): Promise<{ exit: number; made: PlanDocument }> {
  const written: string[] = [];
  const write = vi.spyOn(process.stdout, "write").mockImplementation((text) => written.push(String(text)) > 0);
  let exit = -1;
  try {
    const program = createProgram((code) => {
      exit = code;
    });
    await program.parseAsync(["plan", "--root", root, "--json", ...args], { from: "user" });
  } finally {
    write.mockRestore();
  }
  return { exit, made: JSON.parse(written.join("")) as PlanDocument };
}

describe("recorded discoveries", () => {
  const rows = discoveryCases.map((row, at) => [at, row.note ?? JSON.stringify(row.items), row] as const);

  it.each(rows)("%i: %s", async (_at, _what, row) => {
    await withTemporaryDirectory(async (folder) => {
      await treeToDirectory(await discoveryHost(row, imageOf), join(folder, "root"));
      const { exit, made } = await planOf(join(folder, "root"), "--class", row.extension_class);
      expect(made.images.map(({ name, type, path }) => ({ name, type, path }))).toEqual(row.result.listed);
      expect([exit, made.fatal === null]).toEqual([row.result.merge_exit, row.result.merge_exit === 0]);
      const merged = made.images.filter(({ accepted }) => accepted).map(({ name }) => name);
      expect(merged.sort()).toEqual([...row.result.merged].sort());
    });
  });
});

describe("recorded merges", () => {
  const rows = orderCases.map((row, at) => [at, row.note ?? JSON.stringify([row.names, row.args]), row] as const);

  it.each(rows)("%i: %s", async (_at, _what, row) => {
    await withTemporaryDirectory(async (folder) => {
      await treeToDirectory(orderHost(row), join(folder, "root"));
      const hierarchies = row.env?.["SYSTEMD_SYSEXT_HIERARCHIES"];
      const more = hierarchies === undefined ? [] : ["--hierarchies", hierarchies];
      const { exit, made } = await planOf(join(folder, "root"), "--class", row.extension_class, ...row.args, ...more);
      expect([exit, made.fatal?.code]).toEqual([row.exit_code, row.exit_code === 0 ? undefined : "fatal:mutable"]);
      const recorded = Object.entries(row.hierarchies).filter(([path]) => !path.includes("/.systemd-"));
      const sorted = (layers: readonly string[]) => [...layers].sort();
      expect(made.hierarchies.map(({ path, layers, mode }) => [path, sorted(layers), mode]).sort()).toEqual(
        recorded
          .map(([path, mount]) => [path, sorted(mount.lower_top_to_bottom), row.merged_mode[path]?.replace("0o", "0")])
          .sort(),
      );
    });
  });
});

describe("recorded verdicts", () => {
  it.each(matchCases.map((row) => [row.id, row.reason, row] as const))("%s: %s", async (_id, reason, row) => {
    await withTemporaryDirectory(async (folder) => {
      await treeToDirectory(await matchHost(row, imageOf), join(folder, "root"));
      const args = row.args.includes("--force") ? ["--force"] : [];
      const { exit, made } = await planOf(
        join(folder, "root"),
        "--class",
        row.extension_class,
        "--arch",
        row.arch,
        ...args,
      );
      const [image] = made.images;
      expect([image?.reason ?? "reject:not-discovered", image?.accepted ?? false]).toEqual([reason, row.accepted]);
      const fatal = reason.startsWith("fatal:");
      expect([exit, made.fatal?.code]).toEqual([fatal ? 1 : 0, fatal ? reason : undefined]);
    });
  });
});

/** A host with some directory extensions. */
function layHost(root: string, names: readonly string[]): void {
  for (const path of ["etc", "usr/share/h", "opt"]) mkdirSync(join(root, path), { recursive: true });
  writeFileSync(join(root, "etc/os-release"), "ID=a\nVERSION_ID=1\n");
  for (const name of names) {
    const releases = join(root, "var/lib/extensions", name, "usr/lib/extension-release.d");
    mkdirSync(releases, { recursive: true });
    writeFileSync(join(releases, `extension-release.${name}`), name === "other" ? "ID=b\n" : "ID=_any\n");
  }
}

describe("the command", () => {
  it("prints what would be merged", async () => {
    await withTemporaryDirectory(async (root) => {
      layHost(root, ["a", "b", "other"]);
      const { exitCode, text } = await sextant(["plan", "--root", root]);
      expect(exitCode).toBe(0);
      expect(text.replaceAll(/ +/g, " ")).toBe(
        [
          "merged a directory /var/lib/extensions/a extension has ID=_any and fits any host",
          "merged b directory /var/lib/extensions/b extension has ID=_any and fits any host",
          "left out other directory /var/lib/extensions/other host has ID=a, extension wants b",
          "",
          "/usr ro,nodev",
          " <meta>",
          " b",
          " a",
          " <host>",
          "",
        ].join("\n"),
      );
    });
  });

  it("tells what collides, and fails on it where it is told to", async () => {
    await withTemporaryDirectory(async (root) => {
      layHost(root, ["a", "b"]);
      for (const name of ["a", "b"]) writeFileSync(join(root, "var/lib/extensions", name, "usr/tool"), name);
      const { exitCode, text } = await sextant(["plan", "--root", root]);
      expect([exitCode, text.split("\n\n").at(-1)]).toEqual([
        0,
        [
          "warning: file-collision: b over a: several images bring different files under",
          "  one name; the one whose name sorts last wins, in silence",
          "  /usr/tool",
          "  fix: leave the file out of all images but one, or move it into an image of its",
          "  own",
          "",
        ].join("\n"),
      ]);
      const failed = async (word: string) => (await sextant(["plan", "--root", root, "--fail-on", word])).exitCode;
      expect(await Promise.all(["file-collision", "warning", "error"].map(failed))).toEqual([1, 1, 0]);
    });
  });

  it("says what would make everything fail, and what would be there otherwise", async () => {
    await withTemporaryDirectory(async (root) => {
      layHost(root, ["a"]);
      symlinkSync("loop", join(root, "var/lib/extensions/loop"));
      const { exitCode, text } = await sextant(["plan", "--root", root, "--json"]);
      const made = JSON.parse(text);
      expect([exitCode, made.fatal.code, made.images, made.hierarchies]).toEqual([1, "fatal:symlink-loop", [], []]);
      expect(made.otherwise.order).toEqual(["a"]);
    });
  });

  it.each([
    ["--hierarchies", "usr", '"usr" is no absolute path'],
    ["--hierarchies", "/", '"/" is the whole root'],
    ["--mutable", "maybe", '"maybe" is not one of no, auto, yes, import, ephemeral, ephemeral-import'],
    ["--noexec", "2", '"2" is neither yes nor no'],
  ])("refuses %s %s", async (flag, value, why) => {
    const { exitCode, stderr } = await sextant(["plan", "--root", ".", flag, value]);
    expect([exitCode, stderr]).toEqual([2, `sextant: ${flag}: ${why}\n`]);
  });
});
