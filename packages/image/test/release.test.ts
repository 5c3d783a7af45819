import { counted, fromBytes } from "@sextant/bytes";
import { type ExtensionKind, type ImageType, judgeImage } from "@sextant/extension-release";
import { type LazyNode, lazyTree } from "@sextant/tree";
import { describe, expect, test } from "vitest";
import { openImage, readExtension } from "../src/index.js";
import { codeOf, confextPath, debian13, type Files, packErofs, sysextPath, treeOf, utf8 } from "./support.js";

interface Expected {
  readonly kind: ExtensionKind;
  readonly sysext: string;
  readonly confext: string;
  /** Text of the file that was found. */
  readonly release?: string;
}

interface Options {
  readonly name?: string;
  readonly type?: ImageType;
  readonly kind?: ExtensionKind;
}

const open = (text: string) => ({ text, strict: "0" });

const rows: readonly (readonly [what: string, files: Files, options: Options, expected: Expected])[] = [
  [
    "a sysext",
    { [`${sysextPath}foo`]: debian13 },
    {},
    { kind: "sysext", sysext: "found", confext: "none", release: debian13 },
  ],
  [
    "a confext",
    { [`${confextPath}foo`]: debian13 },
    {},
    { kind: "confext", sysext: "none", confext: "found", release: debian13 },
  ],
  [
    "both, which is a sysext",
    { [`${sysextPath}foo`]: "ID=s\n", [`${confextPath}foo`]: "ID=c\n" },
    {},
    { kind: "sysext", sysext: "found", confext: "found", release: "ID=s\n" },
  ],
  [
    "both, asked for the confext",
    { [`${sysextPath}foo`]: "ID=s\n", [`${confextPath}foo`]: "ID=c\n" },
    { kind: "confext" },
    { kind: "confext", sysext: "found", confext: "found", release: "ID=c\n" },
  ],
  [
    "both in a directory, where one is enough",
    { [`${sysextPath}foo`]: "ID=s\n", [`${confextPath}foo`]: "ID=c\n" },
    { type: "directory" },
    { kind: "sysext", sysext: "found", confext: "not asked", release: "ID=s\n" },
  ],
  [
    "the same, asked for the confext",
    { [`${sysextPath}foo`]: "ID=s\n", [`${confextPath}foo`]: "ID=c\n" },
    { type: "directory", kind: "confext" },
    { kind: "confext", sysext: "not asked", confext: "found", release: "ID=c\n" },
  ],
  ["neither", { "usr/bin/x": "" }, {}, { kind: "sysext", sysext: "none", confext: "none" }],
  ["another name", { [`${sysextPath}bar`]: debian13 }, {}, { kind: "sysext", sysext: "none", confext: "none" }],
  [
    "another name that says it does not mind",
    { [`${sysextPath}bar`]: open(debian13) },
    {},
    { kind: "sysext", sysext: "found", confext: "none", release: debian13 },
  ],
  [
    "two of them",
    { [`${sysextPath}bar`]: open("a"), [`${sysextPath}baz`]: open("b") },
    {},
    { kind: "sysext", sysext: "ambiguous", confext: "none" },
  ],
  [
    "the name without its version",
    { [`${sysextPath}foo`]: debian13 },
    { name: "foo_1.2" },
    { kind: "sysext", sysext: "found", confext: "none", release: debian13 },
  ],
  [
    "the exact name before the name without its version",
    { [`${sysextPath}foo`]: "ID=base\n", [`${sysextPath}foo_1.2`]: "ID=exact\n" },
    { name: "foo_1.2" },
    { kind: "sysext", sysext: "found", confext: "none", release: "ID=exact\n" },
  ],
  [
    "a symlink of the exact name",
    { [`${sysextPath}foo`]: { link: "/opt/release" }, "opt/release": debian13 },
    {},
    { kind: "sysext", sysext: "found", confext: "none", release: debian13 },
  ],
  [
    "a dangling one beside a file that does not mind",
    { [`${sysextPath}foo`]: { link: "nowhere" }, [`${sysextPath}bar`]: open(debian13) },
    {},
    { kind: "sysext", sysext: "found", confext: "none", release: debian13 },
  ],
  [
    "a symlink of another name, which never counts",
    { [`${sysextPath}bar`]: { link: "real" }, "usr/lib/extension-release.d/real": open(debian13) },
    {},
    { kind: "sysext", sysext: "none", confext: "none" },
  ],
  [
    "a loop",
    { [`${sysextPath}foo`]: { link: "extension-release.foo" } },
    {},
    { kind: "sysext", sysext: "failed broken-symlink", confext: "none" },
  ],
  [
    "a directory",
    { [`${sysextPath}foo`]: { directory: true } },
    {},
    { kind: "sysext", sysext: "failed not-a-file", confext: "none" },
  ],
  [
    "a whiteout",
    { [`${sysextPath}foo`]: { whiteout: true } },
    {},
    { kind: "sysext", sysext: "failed not-a-file", confext: "none" },
  ],
  [
    "a symlink to a directory",
    { [`${sysextPath}foo`]: { link: "/opt" }, opt: { directory: true } },
    {},
    { kind: "sysext", sysext: "failed not-a-file", confext: "none" },
  ],
  [
    "directories that are symlinks",
    { usr: { link: "data" }, "data/lib/extension-release.d/extension-release.foo": debian13 },
    {},
    { kind: "sysext", sysext: "found", confext: "none", release: debian13 },
  ],
  [
    "a file in the place of the directory",
    { "usr/lib/extension-release.d": "x" },
    {},
    { kind: "sysext", sysext: "none", confext: "none" },
  ],
  [
    "a name that no image has",
    { [`${sysextPath}a/b`]: debian13 },
    { name: "a/b" },
    { kind: "sysext", sysext: "invalid-name", confext: "invalid-name" },
  ],
  [
    "a name that is too long for a release file",
    { [`${sysextPath}x`]: debian13 },
    { name: "f".repeat(240) },
    { kind: "sysext", sysext: "failed name-too-long", confext: "none" },
  ],
  [
    "an empty file",
    { [`${sysextPath}foo`]: "" },
    {},
    { kind: "sysext", sysext: "found", confext: "none", release: "" },
  ],
];

async function erofsRoot(files: Files): Promise<LazyNode> {
  return (await openImage(fromBytes(await packErofs(treeOf(files))))).root();
}

const sources: readonly (readonly [string, (files: Files) => Promise<LazyNode>])[] = [
  ["in memory", async (files) => lazyTree(treeOf(files))],
  ["in EROFS", erofsRoot],
];

describe.each(sources)("the release file of a tree %s", (_where, rootOf) => {
  test.each(rows)("%s", async (_what, files, options, expected) => {
    const extension = await readExtension(await rootOf(files), { name: "foo", ...options });
    const { lookups, release } = extension.facts;
    const told = (kind: ExtensionKind) => {
      const lookup = lookups[kind];
      return lookup === undefined ? "not asked" : lookup.status === "failed" ? `failed ${lookup.why}` : lookup.status;
    };
    expect({ kind: extension.kind, sysext: told("sysext"), confext: told("confext") }).toEqual({
      kind: expected.kind,
      sysext: expected.sysext,
      confext: expected.confext,
    });
    expect(extension.release?.bytes).toEqual(expected.release === undefined ? undefined : utf8(expected.release));
    expect(release === undefined).toBe(expected.release === undefined);
  });
});

describe("what else decides", () => {
  test.each<[string, Files, { usr: boolean; etc: boolean }]>([
    ["nothing", { [`${sysextPath}foo`]: debian13 }, { usr: false, etc: false }],
    ["usr/lib/os-release", { [`${sysextPath}foo`]: debian13, "usr/lib/os-release": "" }, { usr: true, etc: false }],
    [
      "a link to it",
      { [`${sysextPath}foo`]: debian13, "usr/lib/os-release": { link: "../../opt/x" }, "opt/x": "" },
      { usr: true, etc: false },
    ],
    [
      "a dangling one",
      { [`${sysextPath}foo`]: debian13, "usr/lib/os-release": { link: "nowhere" } },
      { usr: false, etc: false },
    ],
    ["etc/os-release and no release file", { "etc/os-release": "" }, { usr: false, etc: true }],
    // It cannot matter any more, so it is not looked for.
    ["etc/os-release", { [`${sysextPath}foo`]: debian13, "etc/os-release": "" }, { usr: false, etc: false }],
  ])("%s", async (_what, files, { usr, etc }) => {
    const { facts } = await readExtension(lazyTree(treeOf(files)), { name: "foo" });
    expect({ usr: facts.usrLibOsRelease, etc: facts.etcOsRelease }).toEqual({ usr, etc });
  });

  test("a file that systemd cannot parse is found, with the problem", async () => {
    const bytes = utf8("ID=debian\nX=\ufdd0\n");
    const { facts, release } = await readExtension(lazyTree(treeOf({ [`${sysextPath}foo`]: bytes })), { name: "foo" });
    expect(facts.release).toBeUndefined();
    expect(release).toMatchObject({ path: `${sysextPath}foo`, bytes, fields: undefined });
    expect(release?.problem).toMatchObject({ name: "ReleaseError", code: "MALFORMED_UTF8" });
    const judged = judgeImage({
      host: new Map([["ID", "debian"]]),
      image: facts,
      scope: "system",
      architecture: "arm64",
    });
    expect(judged.reason).toBe("reject:no-release-data");
  });
});

describe("what is too much", () => {
  test("a release file that would not fit in memory is not read", async () => {
    const root = lazyTree(treeOf({ [`${sysextPath}foo`]: { zeros: 2 ** 50 } }));
    expect(await codeOf(() => readExtension(root, { name: "foo" }))).toBe("ImageError LIMIT_FILE_BYTES");
  });

  test("thousands of release files are not looked at", async () => {
    const files = Object.fromEntries(Array.from({ length: 4097 }, (_, index) => [`${sysextPath}${index}`, ""]));
    const root = lazyTree(treeOf(files));
    expect(await codeOf(() => readExtension(root, { name: "foo" }))).toBe("ImageError LIMIT_RELEASE_FILES");
    expect((await readExtension(root, { name: "17" })).facts.lookups.sysext).toMatchObject({ status: "found" });
  });
});

describe("what is left alone", () => {
  /** Counts calls that read attributes, listings and contents. */
  function watched(node: LazyNode, calls: string[], path = ""): LazyNode {
    return {
      ...node,
      xattrs: () => {
        calls.push(`xattrs ${path}`);
        return node.xattrs();
      },
      entries: () => {
        calls.push(`entries ${path}`);
        return node.entries();
      },
      lookup: async (name) => {
        const found = await node.lookup(name);
        return found && watched(found, calls, `${path}/${name}`);
      },
      content: () => {
        calls.push(`content ${path}`);
        return node.content();
      },
    };
  }

  test("with the exact name nothing is listed, and no attribute is read", async () => {
    const calls: string[] = [];
    const root = watched(lazyTree(treeOf({ [`${sysextPath}foo`]: debian13, "usr/bin/x": "" })), calls);
    await readExtension(root, { name: "foo", type: "directory" });
    expect(calls).toEqual([`content /${sysextPath}foo`]);
  });

  test("a bare image costs its first 32 KiB at most, and one request", async () => {
    const image = await packErofs(treeOf({ [`${sysextPath}foo`]: debian13, "usr/bin/x": new Uint8Array(100_000) }));
    const source = counted(fromBytes(image));
    await readExtension(await (await openImage(source)).root(), { name: "foo" });
    expect(source.count).toEqual({ requests: 1, bytes: 32768 });
  });
});
