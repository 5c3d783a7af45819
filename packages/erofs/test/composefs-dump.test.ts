import { collectChunks, fromBytes, toHex } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import { mutations } from "@sextant/testkit";
import { type Name, nameToBytes } from "@sextant/tree";
import { describe, expect, test } from "vitest";
import { ErofsError, emitComposefs, open, parseComposefsDump, planComposefs } from "../src/index.js";

const root = "/ 4096 40755 2 0 0 0 1.000000002 - - -";
const digest = "ab".repeat(32);

/** Lines below a root. */
const parse = (...lines: string[]) => parseComposefsDump(new TextEncoder().encode([root, ...lines].join("\n")));

const only = (...lines: string[]) => {
  const [entry] = parse(...lines).entries?.values() ?? [];
  return entry?.node;
};

describe("fields", () => {
  test("of a file whose content is elsewhere", () => {
    const line = `/a\\x20b 70000 100644 3 1000 2000 0 -1.5 ab/cd - ${digest} user.b=\\x00\\xff user.a\\x3d= user.b=2`;
    const [[name, entry] = []] = parse(line).entries ?? [];
    expect(name).toBe("a b");
    expect(entry).toEqual({
      isLink: false,
      node: {
        mode: 0o100644,
        nlink: 3,
        uid: 1000,
        gid: 2000,
        rdev: 0,
        size: 70_000,
        mtimeSeconds: -1,
        mtimeNanoseconds: 5,
        payload: "ab/cd",
        content: undefined,
        digest: new Uint8Array(32).fill(0xab),
        xattrs: [
          { name: "user.a=", value: new Uint8Array(0) },
          { name: "user.b", value: nameToBytes("2" as Name) },
        ],
        entries: undefined,
      },
    });
  });

  test.each([
    [
      "escapes",
      "/f 6 100644 1 0 0 0 0.0 - \\\\\\n\\r\\t\\x2d\\x00 -",
      { content: Uint8Array.from([92, 10, 13, 9, 45, 0]) },
    ],
    [
      "what stands for nothing",
      "/f 0 100644 1 0 0 0 0.0 - - -",
      { payload: undefined, content: undefined, digest: undefined },
    ],
    ["what only looks like it", "/f 1 100644 1 0 0 0 0.0 \\x2d - -", { payload: "-" }],
    ["empty content", "/f 0 100644 1 0 0 0 0.0 -  -", { content: undefined, size: 0 }],
    ["the size of a symlink, which is its target's", "/l 9 120777 1 0 0 0 0.0 ab - -", { payload: "ab", size: 2 }],
    ["a device", "/d 7 60600 1 0 0 4294967295 0.0 - - -", { rdev: 0xffffffff, size: 7 }],
    ["a path without a slash", "f 0 100644 1 0 0 0 0.0 - - -", { mode: 0o100644 }],
    ["a space behind the last field", "/f 0 100644 1 0 0 0 0.0 - - - ", { xattrs: [] }],
  ])("%s", (_, line, expected) => {
    expect(only(line)).toMatchObject(expected);
  });

  test("a hard link may come before what it leads to, and lead there through others", () => {
    const file = "/d/file 3 100644 7 0 0 0 0.0 - abc -";
    const tree = parse(
      "/a 0 @100644 1 0 0 0 0.0 /b - -",
      "/b 0 @100644 1 0 0 0 0.0 d//file - -",
      root.replace("/", "/d"),
      file,
    );
    const entry = (name: string) => tree.entries?.get(name as Name);
    const [a, b, d] = ["a", "b", "d"].map(entry);
    const own = d?.node.entries?.get("file" as Name);
    expect([a?.isLink, b?.isLink, own?.isLink]).toEqual([true, true, false]);
    expect(a?.node).toBe(own?.node);
    expect(b?.node).toBe(own?.node);
    expect(own?.node.nlink).toBe(7);
  });
});

const file = (changes: Readonly<Record<number, string>>) => {
  const fields = `/f 0 100644 1 0 0 0 0.0 - - -`.split(" ");
  for (const [index, value] of Object.entries(changes)) fields[Number(index)] = value;
  return fields.join(" ");
};

describe("what is refused", () => {
  test.each<readonly [string, string, string | readonly string[]]>([
    ["an empty line", "MALFORMED_DUMP", ["", file({})]],
    ["a NUL byte", "MALFORMED_DUMP", file({ 8: "a\0" })],
    ["an escaped NUL byte in a path", "MALFORMED_DUMP", file({ 0: "/f\\x00g" })],
    ["an escaped NUL byte in a target", "MALFORMED_DUMP", file({ 2: "120777", 8: "a\\x00b" })],
    ["an escape that is none", "MALFORMED_DUMP", file({ 0: "/f\\q" })],
    ["an escape that ends too soon", "MALFORMED_DUMP", file({ 0: "/f\\" })],
    ["a hexadecimal escape that is none", "MALFORMED_DUMP", file({ 0: "/f\\xg0" })],
    ["a hexadecimal escape that ends too soon", "MALFORMED_DUMP", file({ 0: "/f\\x0" })],
    ["a size that is no number", "MALFORMED_DUMP", file({ 1: "x" })],
    ["a size below zero", "MALFORMED_DUMP", file({ 1: "-1" })],
    ["a size beyond 2^53", "MALFORMED_DUMP", file({ 1: "9007199254740993" })],
    ["an empty mode", "MALFORMED_DUMP", file({ 2: "" })],
    ["a mode that is not octal", "MALFORMED_DUMP", file({ 2: "100648" })],
    ["a mode without a type", "MALFORMED_DUMP", file({ 2: "644" })],
    ["no link count", "MALFORMED_DUMP", file({ 3: "" })],
    ["a user beyond 32 bits", "MALFORMED_DUMP", file({ 4: "4294967296" })],
    ["a time without nanoseconds", "MALFORMED_DUMP", file({ 7: "1" })],
    ["a time with too many nanoseconds", "MALFORMED_DUMP", file({ 7: "1.1000000000" })],
    ["content of another size", "MALFORMED_DUMP", file({ 1: "2", 9: "abc" })],
    ["too much content", "LIMIT_SIZE", file({ 1: "5001", 9: "x".repeat(5001) })],
    ["a digest that is too short", "MALFORMED_DUMP", file({ 10: "abcd" })],
    ["a digest that is not hexadecimal", "MALFORMED_DUMP", file({ 10: "x".repeat(64) })],
    ["an xattr without a value", "MALFORMED_DUMP", `${file({})} user.a`],
    ["an xattr without a name", "MALFORMED_DUMP", `${file({})} =a`],
    ["an xattr with a long name", "MALFORMED_DUMP", `${file({})} user.${"a".repeat(251)}=`],
    ["xattrs that are too large", "LIMIT_XATTR", `${file({})} user.a=${"a".repeat(32_743)}`],
    ["a symlink to nothing", "MALFORMED_DUMP", file({ 2: "120777" })],
    ["a symlink to an empty name", "MALFORMED_DUMP", file({ 2: "120777", 8: "" })],
    ["a symlink that is too long", "LIMIT_SYMLINK", file({ 2: "120777", 8: "x".repeat(4096) })],
    ["a line that ends too soon", "MALFORMED_DUMP", "/f 0 100644"],
    ["a second root", "MALFORMED_DUMP", root],
    ["a path that stands twice", "MALFORMED_DUMP", [file({}), file({})]],
    ["a name that is too long", "LIMIT_NAME", file({ 0: `/${"f".repeat(256)}` })],
    ["a path that ends in a slash", "MALFORMED_DUMP", file({ 0: "/f/" })],
    ["a name of two dots", "MALFORMED_DUMP", file({ 0: "/.." })],
    ["a path through two dots", "MALFORMED_DUMP", file({ 0: "/../f" })],
    ["a directory that is missing", "MALFORMED_DUMP", file({ 0: "/d/f" })],
    ["a directory that is a file", "MALFORMED_DUMP", [file({}), file({ 0: "/f/g" })]],
    ["a link to nothing", "MALFORMED_DUMP", file({ 2: "@100644" })],
    ["a link to what is missing", "MALFORMED_DUMP", file({ 2: "@100644", 8: "/g" })],
    ["a link to itself", "MALFORMED_DUMP", file({ 2: "@100644", 8: "/f" })],
    [
      "links in a circle",
      "MALFORMED_DUMP",
      [file({ 2: "@100644", 8: "/g" }), file({ 0: "/g", 2: "@100644", 8: "/f" })],
    ],
    ["a link to a directory", "MALFORMED_DUMP", file({ 2: "@100644", 8: "/" })],
    ["a link through a file", "MALFORMED_DUMP", [file({}), file({ 0: "/g", 2: "@100644", 8: "/f/f" })]],
  ])("%s", (_, code, lines) => {
    expect(() => parse(...[lines].flat())).toThrow(expect.objectContaining({ name: "ErofsError", code }));
  });

  test.each([
    ["nothing at all", ""],
    ["a root that does not come first", "/f 0 100644 1 0 0 0 0.0 - - -"],
    ["a root that is a file", "/ 0 100644 1 0 0 0 0.0 - - -"],
  ])("%s", (_, text) => {
    expect(() => parseComposefsDump(new TextEncoder().encode(text))).toThrow(
      expect.objectContaining({ code: "MALFORMED_DUMP" }),
    );
  });

  test("the line and the path are told", () => {
    const at = (line: string) => {
      try {
        parse(line);
      } catch (error) {
        return (error as ErofsError).context;
      }
      return undefined;
    };
    expect(at("/f x")).toMatchObject({ path: "/f", line: 2 });
    expect(at("\\q")).toMatchObject({ path: "line 2", line: 2 });
  });
});

const sample = [
  root,
  "/.d 0 40755 2 0 0 0 9.0 - - - system.posix_acl_default=\\x02\\x00\\x00\\x00",
  ...Array.from(
    { length: 200 },
    (_, index) => `/.d/${"n".repeat(40)}${index} 0 100644 1 0 0 0 1.000000002 - - - user.same=1`,
  ),
  "/content 5 100644 1 0 0 0 9.0 - hello -",
  `/elsewhere 70000 100644 2 70000 0 0 9.0 ab/cd - ${digest} trusted.overlay.opaque=y`,
  "/gone 0 20000 1 0 0 0 9.0 - - -",
  `/link 0 120777 1 0 0 0 9.0 ${"l".repeat(4000)} - -`,
  "/same 0 @100644 1 0 0 0 0.0 /elsewhere - -",
  "/z 0 10644 1 0 0 0 9.0 - - - lustre.unknown=1",
].join("\n");

async function imageOf(text: Uint8Array): Promise<Uint8Array> {
  const plan = planComposefs(parseComposefsDump(text));
  return collectChunks(emitComposefs(plan), plan.sizeBytes);
}

/** What `mkcomposefs` 1.0.8 makes of it, too. */
test("bytes that must not change by chance", async () => {
  const image = await imageOf(new TextEncoder().encode(sample));
  expect(toHex(nodeHasher.hash("sha256", image))).toBe(
    "fea3b10972c9385b00a932069809e6d9b4aec8c198622a96c2b5661839ed2756",
  );
});

test("whatever becomes of a dump, it is refused or its image can be read", async () => {
  const original = new TextEncoder().encode(sample);
  let images = 0;
  for (const { bytes } of mutations(original, { seed: 3, count: 300 })) {
    try {
      const image = await imageOf(bytes);
      images += 1;
      await (await (await open(fromBytes(image))).root()).entries();
    } catch (error) {
      expect(error).toBeInstanceOf(ErofsError);
    }
  }
  expect(images).toBeGreaterThan(0);
});

test.each([{ leastVersion: 2 }, { leastVersion: -1 }, { mostVersion: 2 }, { leastVersion: 0.5 }])(
  "layout versions that are none: %o",
  (options) => {
    expect(() => planComposefs(parse(), options)).toThrow(RangeError);
  },
);

test.each([
  [{}, [0, 1]],
  [{ leastVersion: 0, mostVersion: 0 }, [0, 0]],
  [{ leastVersion: 1 }, [1, 1]],
])("the layout version with %o", (options, [without, withWhiteout]) => {
  expect(planComposefs(parse(), options).layoutVersion).toBe(without);
  expect(planComposefs(parse("/w 0 20000 1 0 0 0 0.0 - - -"), options).layoutVersion).toBe(withWhiteout);
});
