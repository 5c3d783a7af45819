import { type ExtensionKind, type WrittenRelease, writeRelease } from "@sextant/extension-release";
import {
  type Directory,
  describeTree,
  directory,
  file,
  lazyTree,
  type Name,
  nameFromText,
  resolvePath,
} from "@sextant/tree";
import { describe, expect, test } from "vitest";
import { composeExtension, newestTime } from "../src/index.js";
import { codeOf, type Files, treeOf, utf8 } from "./support.js";

const release = (kind: ExtensionKind = "sysext"): WrittenRelease =>
  writeRelease({ kind, name: "foo", id: "debian", versionId: "13", architecture: "x86-64" });

const compose = (files: Files, kind: ExtensionKind = "sysext") =>
  composeExtension(treeOf(files), { kind, release: release(kind), timeSeconds: 7 });

/** A tree as lines of text. */
async function linesOf(tree: Directory): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of describeTree(tree)) lines.push(line);
  return lines;
}

/** Every path of a tree and what stands there. */
const paths = async (tree: Directory) => (await linesOf(tree)).map((line) => line.split(" ", 2).join(" "));

describe("the content of an extension", () => {
  test("is what stands in its hierarchies, with the release file", async () => {
    const { tree, leftOut, moved, otherReleases } = compose({
      "usr/bin/foo": "x",
      "opt/foo/y": "y",
      "etc/foo.conf": "",
      "var/lib/foo": { directory: true },
      boot: { link: "efi" },
    });
    expect(await paths(tree)).toEqual([
      "/ directory",
      "/opt directory",
      "/opt/foo directory",
      "/opt/foo/y file",
      "/usr directory",
      "/usr/bin directory",
      "/usr/bin/foo file",
      "/usr/lib directory",
      "/usr/lib/extension-release.d directory",
      "/usr/lib/extension-release.d/extension-release.foo file",
    ]);
    expect({ leftOut, moved, otherReleases }).toEqual({
      leftOut: ["boot", "etc", "var"],
      moved: [],
      otherReleases: [],
    });
    const found = await resolvePath(lazyTree(tree), nameFromText(release().path));
    expect(found?.node).toMatchObject({ mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 7, mtimeNanoseconds: 0 });
    expect(await found?.node.content().open().read(0, release().bytes.length)).toEqual(release().bytes);
  });

  test("of a confext is /etc", async () => {
    const { tree, leftOut } = compose({ "etc/foo.conf": "", "usr/bin/foo": "" }, "confext");
    expect(await paths(tree)).toContain("/etc/extension-release.d/extension-release.foo file");
    expect((await paths(tree)).filter((line) => line.startsWith("/usr"))).toEqual([]);
    expect(leftOut).toEqual(["usr"]);
  });

  test("takes what old packages have at the top below usr", async () => {
    const { tree, moved, leftOut } = compose({
      "bin/a": "from bin",
      "lib/x86_64-linux-gnu/libc.so": "",
      lib64: { link: "usr/lib64" },
      "sbin/init": "from sbin",
      "usr/bin/a": "from usr/bin",
      "usr/bin/b": "",
    });
    expect(moved).toEqual(["bin", "lib", "sbin"]);
    expect(leftOut).toEqual(["lib64"]);
    expect(await paths(tree)).toEqual([
      "/ directory",
      "/usr directory",
      "/usr/bin directory",
      "/usr/bin/a file",
      "/usr/bin/b file",
      "/usr/lib directory",
      "/usr/lib/extension-release.d directory",
      "/usr/lib/extension-release.d/extension-release.foo file",
      "/usr/lib/x86_64-linux-gnu directory",
      "/usr/lib/x86_64-linux-gnu/libc.so file",
      "/usr/sbin directory",
      "/usr/sbin/init file",
    ]);
    const found = await resolvePath(lazyTree(tree), nameFromText("usr/bin/a"));
    expect(await found?.node.content().open().read(0, 12)).toEqual(utf8("from usr/bin"));
  });

  test("keeps hard links together, also across what moves", async () => {
    const source = directory();
    const [bin, usr] = [directory(), directory()];
    const shared = file(utf8("x"));
    source.entries.set("bin" as Name, bin);
    source.entries.set("usr" as Name, usr);
    bin.entries.set("one" as Name, shared);
    usr.entries.set("two" as Name, shared);
    const { tree } = composeExtension(source, { kind: "sysext", release: release(), timeSeconds: 0 });
    const shares = (await linesOf(tree)).find((line) => line.startsWith("/usr/two "));
    expect(shares).toContain(" links=2 same=/usr/bin/one ");
  });

  test("replaces a release file of its name and names others", async () => {
    const folder = "usr/lib/extension-release.d/extension-release.";
    const { tree, otherReleases } = compose({ [`${folder}foo`]: "ID=stale\n", [`${folder}bar`]: "ID=_any\n" });
    expect(otherReleases).toEqual(["extension-release.bar"]);
    const own = (await linesOf(tree)).find((line) => line.startsWith(`/${folder}foo `));
    expect(own).toContain(` time=7.000000000 links=1 size=${release().bytes.length} `);
  });

  test("leaves the source as it is", async () => {
    const source = treeOf({ "usr/bin/foo": "x", "lib/y": "", "etc/z": "" });
    const before = await linesOf(source);
    composeExtension(source, { kind: "sysext", release: release(), timeSeconds: 0 });
    expect(await linesOf(source)).toEqual(before);
  });

  test.each<[string, Files, ExtensionKind, string]>([
    ["nothing", {}, "sysext", "a sysext carries /usr or /opt, and the sources have nothing there"],
    ["nothing in its hierarchies", { "etc/x": "" }, "sysext", "a sysext carries /usr or /opt"],
    ["an empty hierarchy", { usr: { directory: true } }, "sysext", "the sources have nothing there"],
    ["nothing for a confext", { "usr/x": "" }, "confext", "a confext carries /etc"],
    ["a link for a hierarchy", { usr: { link: "elsewhere" }, "elsewhere/x": "" }, "sysext", "nothing there"],
    ["the host's os-release", { "usr/lib/os-release": "ID=x\n" }, "sysext", "it would replace the host's os-release"],
    ["the same at the top", { "lib/os-release": "ID=x\n" }, "sysext", "it would replace the host's os-release"],
    ["a file in the way", { "usr/lib/extension-release.d": "" }, "sysext", "a file stands where the release file"],
    ["a link in the way", { "usr/lib": { link: "lib64" } }, "sysext", "a symlink stands where the release file"],
  ])("%s is refused", async (_what, files, kind, message) => {
    expect(await codeOf(() => compose(files, kind))).toBe("ImageError MALFORMED_LAYOUT");
    expect(() => compose(files, kind)).toThrow(message);
  });
});

test("the newest time of a tree is rounded up, and never before 1970", () => {
  const source = directory({ mtimeSeconds: -5 });
  expect(newestTime(source)).toBe(0);
  source.entries.set("a" as Name, file(utf8("x"), { mtimeSeconds: 100, mtimeNanoseconds: 0 }));
  expect(newestTime(source)).toBe(100);
  const below = directory({ mtimeSeconds: 1 });
  below.entries.set("b" as Name, file(utf8("x"), { mtimeSeconds: 100, mtimeNanoseconds: 1 }));
  source.entries.set("c" as Name, below);
  expect(newestTime(source)).toBe(101);
});
