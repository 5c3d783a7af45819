import {
  applyOverrides,
  type Directory,
  device,
  type Override,
  parseOverrides,
  symlink,
  type TreeNode,
} from "@sextant/tree";
import { describe, expect, test } from "vitest";
import { errorOf, f, n, paths, text, tree } from "./helpers.js";

describe("parseOverrides", () => {
  const rows: readonly [string, Override][] = [
    ["/a owner=0:0", { pattern: "/a", uid: 0, gid: 0 }],
    ["/a\towner=4294967294:65536  mode=4755 ", { pattern: "/a", uid: 4294967294, gid: 65536, mode: 0o4755 }],
    ["*.so mode=0", { pattern: "*.so", mode: 0 }],
    ["a uid=5", { pattern: "a", uid: 5 }],
    ["a gid=6", { pattern: "a", gid: 6 }],
    ["a time=-5", { pattern: "a", mtime: { seconds: -5, nanoseconds: 0 } }],
    ["a time=5.25", { pattern: "a", mtime: { seconds: 5, nanoseconds: 250_000_000 } }],
    ["a\\ b\\#c mode=7777", { pattern: "a\\ b\\#c", mode: 0o7777 }],
    [
      "/dev/x device=c:4095:1048575",
      { pattern: "/dev/x", device: { kind: "character-device", major: 4095, minor: 1048575 } },
    ],
    ["/dev/x device=b:8:0", { pattern: "/dev/x", device: { kind: "block-device", major: 8, minor: 0 } }],
    ["a xattr:user.x=0xff00", { pattern: "a", xattrs: [{ name: n("user.x"), value: Uint8Array.of(255, 0) }] }],
    ["a xattr:user.x=te=xt\\x00", { pattern: "a", xattrs: [{ name: n("user.x"), value: text("te=xt\0") }] }],
    ["a xattr:user.x=", { pattern: "a", xattrs: [{ name: n("user.x"), value: text("") }] }],
    ["a -xattr:user.x", { pattern: "a", xattrs: [{ name: n("user.x"), value: undefined }] }],
  ];

  test.each(rows)("%s", (line, override) => {
    expect(parseOverrides(line)).toEqual([override]);
  });

  test("lines, comments, and the same as JSON", () => {
    const lines = "# owners\n\n  # more\n/a owner=1:2 mode=755\r\n*.b -xattr:user.y xattr:user.x=v time=7\n";
    const json = `{ "/a": { "owner": "1:2", "mode": "755" }, "*.b": { "xattrs": { "user.y": null, "user.x": "v" }, "time": 7 } }`;
    expect(parseOverrides(lines)).toEqual(parseOverrides(json));
    expect(parseOverrides(lines)).toHaveLength(2);
    expect(parseOverrides("")).toEqual([]);
    expect(parseOverrides("{}")).toEqual([]);
  });

  test.each<[string, string, string]>([
    ["/a", "line 1", '"/a" has no fields'],
    ["\n/a owner=0", "line 2", 'the gid "" is not a number'],
    ["/a owner=0:root", "line 1", 'the gid "root" is not a number from 0 to 4294967294'],
    ["/a owner=1:2:3", "line 1", 'the owner "1:2:3" is not uid:gid'],
    ["/a uid=4294967295", "line 1", 'the uid "4294967295" is not a number from 0 to 4294967294'],
    ["/a uid=-1", "line 1", 'the uid "-1"'],
    ["/a mode=8", "line 1", 'the mode "8" is not octal, 0 to 7777'],
    ["/a mode=10000", "line 1", 'the mode "10000"'],
    ["/a mode=u+s", "line 1", 'the mode "u+s"'],
    ["/a time=now", "line 1", 'the time "now" is not in seconds since 1970'],
    ["/a time=1.1234567890", "line 1", 'the time "1.1234567890"'],
    ["/a device=c:1", "line 1", 'the device "c:1" is not c:MAJOR:MINOR or b:MAJOR:MINOR'],
    ["/a device=c:4096:0", "line 1", 'the major number "4096" is not a number from 0 to 4095'],
    ["/a device=c:0:1048576", "line 1", 'the minor number "1048576"'],
    ["/a xattr:user.x=0xabc", "line 1", '"0xabc" is not hexadecimal'],
    ["/a group=5", "line 1", 'there is no field "group"'],
    ["/a[ mode=5", "line 1", 'the pattern has a "[" without its "]"'],
    ['{ "/a": 5 }', "/a", '"5" is no object of fields'],
    ['{ "/a": { "mode": [] } }', "/a", "mode is neither a string nor a number"],
    ['{ "/a": { "xattrs": { "user.x": 5 } } }', "/a", "the xattr user.x is neither a string nor null"],
  ])("%s is refused", async (line, path, message) => {
    const error = await errorOf(() => parseOverrides(line));
    expect(error).toMatchObject({ code: "MALFORMED_OVERRIDE", context: { path } });
    expect((error as Error).message).toContain(message);
  });

  test("JSON that is none is refused", async () => {
    expect(await errorOf(() => parseOverrides("{ nonsense"))).toMatchObject({ code: "MALFORMED_OVERRIDE" });
  });
});

describe("applyOverrides", () => {
  const apply = (root: Directory, lines: string) => {
    const { root: changed, unused } = applyOverrides(root, parseOverrides(lines));
    const at = (path: string): TreeNode | undefined =>
      path
        .split("/")
        .reduce<TreeNode | undefined>(
          (node, name) => (node?.kind === "directory" ? node.entries.get(n(name)) : undefined),
          changed,
        );
    return { changed, at, unused: unused.map(({ pattern }) => pattern) };
  };

  test("later lines win, and what fits nothing is told", () => {
    const { at, unused } = apply(
      tree({ usr: { bin: { su: "" } } }),
      "/usr/** owner=5:6 mode=644\n/usr/**/ mode=755\nsu mode=4755 gid=0\nnothing mode=0\n/dev/null mode=0",
    );
    expect(at("usr/bin")).toMatchObject({ uid: 5, gid: 6, mode: 0o755 });
    expect(at("usr/bin/su")).toMatchObject({ uid: 5, gid: 0, mode: 0o4755 });
    expect(unused).toEqual(["nothing", "/dev/null"]);
  });

  test("a hard link is changed by any of its names, under all of them", () => {
    const shared = f();
    const { at, unused } = apply(tree({ a: shared, b: shared, c: f() }), "/b uid=7\n/a gid=8");
    expect(at("a")).toMatchObject({ uid: 7, gid: 8 });
    expect(at("a")).toBe(at("b"));
    expect(at("c")).toMatchObject({ uid: 0 });
    expect(unused).toEqual([]);
  });

  test("xattrs are set, replaced and taken away", () => {
    const xattrs = ["user.a", "user.b"].map((name) => ({ name: n(name), value: text("old") }));
    const { at } = apply(
      tree({ x: f("", { xattrs }) }),
      "x xattr:user.b=new xattr:security.c=0x01 -xattr:user.a -xattr:user.none",
    );
    expect(at("x")?.xattrs).toEqual([
      { name: "security.c", value: Uint8Array.of(1) },
      { name: "user.b", value: text("new") },
    ]);
  });

  test("symlinks keep their mode", () => {
    const { at } = apply(tree({ l: symlink(n("t")) }), "l mode=600 uid=3");
    expect(at("l")).toMatchObject({ mode: 0o777, uid: 3 });
  });

  test("devices are made of what is there, or anew at a plain path", () => {
    const { at, changed, unused } = apply(
      tree({ dev: { null: f("", { mode: 0o666 }) } }),
      "/dev/null device=c:1:3\n/dev/sd\\ a device=b:8:0 owner=0:6 mode=660\n*.none device=c:1:1\nnone device=c:1:1",
    );
    expect(at("dev/null")).toMatchObject({ kind: "character-device", major: 1, minor: 3, mode: 0o666 });
    expect(at("dev/null")).not.toHaveProperty("content");
    expect(at("dev/sd a")).toMatchObject({ kind: "block-device", major: 8, minor: 0, gid: 6, mode: 0o660 });
    expect(paths(changed)).toEqual(["dev/", "dev/null", "dev/sd a"]);
    expect(unused).toEqual(["*.none", "none"]);
  });

  test("a device below something else is refused", async () => {
    expect(await errorOf(() => apply(tree({ dev: "" }), "/dev/null device=c:1:3"))).toMatchObject({
      code: "MISMATCH_KIND",
    });
  });

  test("the time", () => {
    const { at } = apply(tree({ a: device("block-device", 1, 1, { mtimeSeconds: 9 }) }), "a time=1.000000001");
    expect(at("a")).toMatchObject({ mtimeSeconds: 1, mtimeNanoseconds: 1, major: 1 });
  });
});
