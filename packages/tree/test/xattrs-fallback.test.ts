import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeWithPeers, run } from "@sextant/peers";
import { withTemporaryDirectory } from "@sextant/testkit";
import { lazyTree, type Name } from "@sextant/tree";
import { extractTree, lazyDirectory, readDirectoryTree } from "@sextant/tree/node";
import { afterEach, describe, expect, test, vi } from "vitest";
import { errorOf, f, n, text, tree } from "./helpers.js";

// A machine for which the optional package is not made.
vi.mock("@napi-rs/xattr", () => {
  throw new Error("not here");
});

afterEach(() => vi.unstubAllEnvs());

describe("without the package and without getfattr", () => {
  test("reading a directory warns", () =>
    withTemporaryDirectory(async (folder) => {
      vi.stubEnv("PATH", folder);
      writeFileSync(join(folder, "f"), "");
      const { root, warnings } = await readDirectoryTree(folder);
      expect(root.entries.get(n("f"))?.xattrs).toEqual([]);
      const message =
        "extended attributes were not read: neither the package @napi-rs/xattr nor the program getfattr is here";
      expect(warnings).toEqual([{ code: "XATTRS_UNREAD", message, paths: [] }]);
      expect((await readDirectoryTree(folder, { xattrs: false })).warnings).toEqual([]);
    }));

  test("a lazy directory fails where it is asked", () =>
    withTemporaryDirectory(async (folder) => {
      expect(await errorOf(() => lazyDirectory(folder).xattrs())).toMatchObject({
        code: "UNREADABLE_FILE",
        message: "extended attributes cannot be read: the package @napi-rs/xattr is not here",
      });
    }));

  test("an extraction reports every xattr that it leaves out", () =>
    withTemporaryDirectory(async (folder) => {
      const xattrs = [{ name: n("user.a"), value: text("v") }];
      const report = await extractTree(lazyTree(tree({ x: f("", { xattrs }) })), join(folder, "out"));
      expect(report.skipped).toContainEqual({
        path: "x",
        what: "xattr",
        why: "user.a: the package @napi-rs/xattr is not here",
      });
    }));
});

describeWithPeers("without the package, by getfattr", ["getfattr", "setfattr"], ({ getfattr, setfattr }) => {
  test("all xattrs are read in one run", () =>
    withTemporaryDirectory(async (folder) => {
      const programs = join(folder, "programs");
      const source = join(folder, "source");
      for (const path of [programs, source, join(source, "a b\\")]) mkdirSync(path);
      const words = getfattr.command.map((word) => `'${word}'`).join(" ");
      writeFileSync(join(programs, "getfattr"), `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 });
      vi.stubEnv("PATH", programs);
      writeFileSync(Buffer.concat([Buffer.from(`${source}/`), Buffer.of(0xe9)]), "");
      writeFileSync(join(source, "a b\\/f"), "");
      symlinkSync("f", join(source, "a b\\/l"));
      const set = ["-h", "-v", "0x00ff", "-n"];
      for (const path of [source, join(source, "a b\\/f")]) await setfattr.run([...set, "user.a", path]);
      const script = `cd "$1" && shift && exec "$@" "$(printf '\\351')"`;
      await run(["sh", "-c", script, "sh", source, ...setfattr.command, ...set, "user.b"]);
      const { root, warnings } = await readDirectoryTree(source);
      const value = Uint8Array.of(0, 255);
      expect(warnings).toEqual([]);
      expect(root.xattrs).toEqual([{ name: "user.a", value }]);
      const directory = root.entries.get("a b\\" as Name);
      expect(directory?.kind === "directory" && directory.entries.get(n("f"))?.xattrs).toEqual([
        { name: "user.a", value },
      ]);
      expect(root.entries.get("\xe9" as Name)?.xattrs).toEqual([{ name: "user.b", value }]);
      const some = await readDirectoryTree(source, { wantXattr: (name) => name === "user.b" });
      expect(some.root.xattrs).toEqual([]);
    }));
});
