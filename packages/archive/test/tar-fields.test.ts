import type { ArchiveWarning, TarOptions } from "@sextant/archive";
import type { Attributes, TreeNode } from "@sextant/tree";
import { describe, expect, test } from "vitest";
import { bytesOf, expectError, member, name, pax, readParts, textOf } from "./helpers.js";

const file = (path: string, content = path) => member({ name: path }, content);

const nodeOf = async (parts: readonly Uint8Array[], path = "a", options?: TarOptions): Promise<TreeNode> => {
  const node = (await readParts(parts, options)).entries.get(name(path));
  if (node === undefined) throw new Error(`no ${path}`);
  return node;
};

describe("numbers", () => {
  const rows: readonly (readonly [fields: Readonly<Record<string, string>>, expected: Partial<Attributes>])[] = [
    [{ uid: "0000012\0" }, { uid: 10 }],
    [{ uid: "     12 " }, { uid: 10 }],
    [{ uid: "12      " }, { uid: 10 }],
    [{ uid: "00000012" }, { uid: 10 }],
    [{ uid: "\0".repeat(8) }, { uid: 0 }],
    [{ uid: "        " }, { uid: 0 }],
    [{ uid: "\x80\0\0\0\xff\xff\xff\xff" }, { uid: 2 ** 32 - 1 }],
    [{ mode: "0107755\0" }, { mode: 0o7755 }],
    [{ mtime: "77777777777\0" }, { mtimeSeconds: 8 ** 11 - 1 }],
    [{ mtime: "777777777777" }, { mtimeSeconds: 8 ** 12 - 1 }],
    [{ mtime: "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" }, { mtimeSeconds: -1 }],
    [{ mtime: "\x80\0\0\0\0\0\0\x02\0\0\0\0" }, { mtimeSeconds: 2 ** 33 }],
  ];
  test.each(rows)("%j", async (fields, expected) => {
    expect(await nodeOf([member({ name: "a", ...fields })])).toMatchObject(expected);
  });

  test.each([
    [{ uid: "12a     " }, "MALFORMED_FIELD", "tar.header.uid", 108],
    [{ uid: "-1\0" }, "MALFORMED_FIELD", "tar.header.uid", 108],
    [{ uid: "\0x" }, "MALFORMED_FIELD", "tar.header.uid", 108],
    [{ uid: "\xff\xff\xff\xff\xff\xff\xff\xff" }, "MALFORMED_FIELD", "tar.header.uid", 0],
    [{ uid: "\x80\0\0\x01\0\0\0\0" }, "MALFORMED_FIELD", "tar.header.uid", 0],
    [{ mtime: "\x81\0\0\0\0\0\0\0\0\0\0\0" }, "MALFORMED_FIELD", "tar.header.mtime", 136],
    [{ mtime: "\x80\0\0\0\0\xff\0\0\0\0\0\0" }, "LIMIT_FIELD", "tar.header.mtime", 136],
    [{ size: "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" }, "MALFORMED_FIELD", "tar.header.size", 0],
    [{ typeflag: "3", devmajor: "0010000\0" }, "MALFORMED_FIELD", "tar.header.devmajor", 0],
  ] as const)("refused: %j", async (fields, code, path, offset) => {
    await expectError(readParts([member({ name: "a", ...fields })]), code, path, offset);
  });

  test("devices", async () => {
    const device = { typeflag: "4", devmajor: "0007777\0", devminor: "3777777\0" };
    expect(await nodeOf([member({ name: "a", ...device })])).toMatchObject({
      kind: "block-device",
      major: 4095,
      minor: 2 ** 20 - 1,
    });
    const records = pax([
      ["SCHILY.devmajor", "5"],
      ["SCHILY.devminor", "6"],
    ]);
    expect(await nodeOf([records, member({ name: "a", typeflag: "3" })])).toMatchObject({
      kind: "character-device",
      major: 5,
      minor: 6,
    });
  });
});

describe("pax records", () => {
  const rows: readonly (readonly [value: string, seconds: number, nanoseconds: number])[] = [
    ["0", 0, 0],
    ["1.5", 1, 500_000_000],
    ["1.", 1, 0],
    ["1.1234567899", 1, 123_456_789],
    ["-1", -1, 0],
    ["-1.5", -2, 500_000_000],
    ["-0.000000001", -1, 999_999_999],
    ["-0.0000000001", -1, 999_999_999],
    ["-0", 0, 0],
    ["8589934592", 8_589_934_592, 0],
  ];
  test.each(rows)("mtime=%s", async (value, mtimeSeconds, mtimeNanoseconds) => {
    expect(await nodeOf([pax([["mtime", value]]), file("a")])).toMatchObject({ mtimeSeconds, mtimeNanoseconds });
  });

  test("the last of several counts, an empty one takes back, global ones stay", async () => {
    const parts = [
      pax(
        [
          ["uid", "5"],
          ["gid", "6"],
          ["comment", "by nobody"],
        ],
        "g",
      ),
      pax([
        ["uid", "7"],
        ["uid", "8"],
      ]),
      file("a"),
      file("b"),
      pax([["uid", ""]]),
      file("c"),
      pax([["gid", "9"]], "g"),
      file("d"),
    ];
    const owners = [...(await readParts(parts)).entries.values()].map(({ uid, gid }) => [uid, gid]);
    expect(owners).toEqual([
      [8, 6],
      [5, 6],
      [0, 6],
      [5, 9],
    ]);
  });

  test("size", async () => {
    const parts = [pax([["size", "3"]]), member({ name: "a", size: "00000000000\0" }, "abc"), file("b")];
    const tree = await readParts(parts);
    expect([await textOf(tree, "a"), await textOf(tree, "b")]).toEqual(["abc", "b"]);
  });

  test("xattrs of any bytes, in both spellings", async () => {
    const records = pax([
      ["LIBARCHIVE.xattr.user.%3dx%C3%A9", "AAECAw"],
      ["SCHILY.xattr.user.b", "\0=\n\xff"],
      ["LIBARCHIVE.xattr.user.b", "AA=="],
      ["SCHILY.xattr.user.a%3D%25", "="],
      ["SCHILY.xattr.user.empty", ""],
      ["RHT.security.selinux", "system_u:object_r:etc_t:s0"],
    ]);
    const { xattrs } = await nodeOf([records, file("a")]);
    expect(xattrs).toEqual([
      { name: "security.selinux", value: bytesOf("system_u:object_r:etc_t:s0\0") },
      { name: "user.=x\xc3\xa9", value: Uint8Array.of(0, 1, 2, 3) },
      { name: "user.a=%", value: bytesOf("=") },
      { name: "user.b", value: bytesOf("\0=\n\xff") },
      { name: "user.empty", value: new Uint8Array(0) },
    ]);
  });

  test("what cannot be told is told", async () => {
    const warnings: ArchiveWarning[] = [];
    const records = pax([
      ["SCHILY.acl.access", "user::rw-,user:joe:rw-,group::---,mask::rw-,other::---"],
      ["VENDOR.thing", "x"],
      ["atime", "5"],
    ]);
    await readParts([records, file("a")], { onWarning: (warning) => warnings.push(warning) });
    expect(warnings).toEqual([
      { code: "IGNORED_ATTRIBUTE", message: "left out: VENDOR.thing, SCHILY.acl.access", member: "a", offset: 1024 },
    ]);
  });

  test.each([
    ["no length", "path=x\n"],
    ["a length of letters", "1x path=x\n"],
    ["a length too long to be one", "12345678901 path=x\n"],
    ["beyond the header", "99 path=x\n"],
    ["too short for itself", "3 path=x\n"],
    ["no newline", "10 path=xy"],
    ["no key", "6 =xy\n"],
    ["no equals sign", "8 pathx\n"],
  ])("refused: %s", async (_what, text) => {
    await expectError(
      readParts([member({ name: "x", typeflag: "x" }, text), file("a")]),
      "MALFORMED_FIELD",
      "tar.pax.record",
      512,
    );
  });

  test.each([
    ["uid", "-1"],
    ["uid", "x"],
    ["size", "1e3"],
    ["mtime", "now"],
    ["mtime", "1.5e3"],
    ["mtime", "--1"],
    ["LIBARCHIVE.xattr", "!", "LIBARCHIVE.xattr.user.a"],
  ])("refused: %s=%s", async (path, value, key = path) => {
    await expectError(readParts([pax([[key, value]]), file("a")]), "MALFORMED_FIELD", `tar.pax.${path}`);
  });
});

describe("sparse files", () => {
  const form = (records: readonly (readonly [string, string])[], data: string) => [
    pax(records),
    member({ name: "GNUSparseFile.0/a" }, data),
    file("b"),
  ];
  const content = "\0\0xy\0\0\0z\0";

  test.each([
    [
      "0.0",
      form(
        [
          ["GNU.sparse.size", "9"],
          ["GNU.sparse.numblocks", "2"],
          ["GNU.sparse.offset", "2"],
          ["GNU.sparse.numbytes", "2"],
          ["GNU.sparse.offset", "7"],
          ["GNU.sparse.numbytes", "1"],
          ["path", "a"],
        ],
        "xyz",
      ),
    ],
    [
      "0.1",
      form(
        [
          ["GNU.sparse.size", "9"],
          ["GNU.sparse.map", "2,2,7,1,9,0"],
          ["GNU.sparse.name", "a"],
        ],
        "xyz",
      ),
    ],
    [
      "1.0",
      form(
        [
          ["GNU.sparse.major", "1"],
          ["GNU.sparse.minor", "0"],
          ["GNU.sparse.realsize", "9"],
          ["GNU.sparse.name", "a"],
        ],
        `${"3\n2\n2\n7\n1\n9\n0\n".padEnd(512, "\0")}xyz`,
      ),
    ],
  ])("form %s", async (_form, parts) => {
    const tree = await readParts(parts);
    expect([await textOf(tree, "a"), await textOf(tree, "b")]).toEqual([content, "b"]);
    const node = tree.entries.get(name("a"));
    if (node?.kind !== "file") throw new Error("no file");
    expect(node.content.extents).toEqual([
      { start: 2, end: 4 },
      { start: 7, end: 8 },
    ]);
    const source = node.content.open();
    for (let start = 0; start <= 9; start++) {
      for (let stop = start; stop <= 9; stop++) {
        expect(String.fromCharCode(...(await source.read(start, stop)))).toBe(content.slice(start, stop));
      }
    }
    await expect(source.read(0, 10)).rejects.toThrow(RangeError);
  });

  test.each([
    ["overlapping", "0,2,1,1", "xyz"],
    ["backwards", "7,1,2,2", "xyz"],
    ["beyond the file", "2,2,9,1", "xyz"],
    ["more than stored", "2,2,7,2", "xyz"],
    ["less than stored", "2,2", "xyz"],
    ["half a pair", "2,2,7", "xyz"],
  ])("refused: %s", async (_what, map, data) => {
    await expectError(
      readParts(
        form(
          [
            ["GNU.sparse.size", "9"],
            ["GNU.sparse.map", map],
            ["GNU.sparse.name", "a"],
          ],
          data,
        ),
      ),
      "MALFORMED_SPARSE",
      "tar.sparse",
    );
  });

  test.each([
    ["no number", "x\n", "MALFORMED_SPARSE"],
    ["an empty line", "1\n\n", "MALFORMED_SPARSE"],
    ["no end", "2\n0\n1\n", "MALFORMED_SPARSE"],
    ["cut block", "1\n0\n1\nx", "MALFORMED_SPARSE"],
    ["far too many parts", "99999999\n", "LIMIT_ENTRIES"],
  ] as const)("refused map of form 1.0: %s", async (_what, text, code) => {
    const records = [
      ["GNU.sparse.major", "1"],
      ["GNU.sparse.minor", "0"],
      ["GNU.sparse.realsize", "9"],
      ["GNU.sparse.name", "a"],
    ] as const;
    await expectError(readParts(form(records, text)), code, "tar.sparse");
  });

  test("refused: a form of the future", async () => {
    const records = [
      ["GNU.sparse.major", "2"],
      ["GNU.sparse.minor", "0"],
      ["GNU.sparse.realsize", "9"],
    ] as const;
    await expectError(readParts(form(records, "")), "UNSUPPORTED_MEMBER");
  });
});
