import { lazyTree } from "@sextant/tree";
import { describe, expect, test } from "vitest";
import { hostFromOsRelease, hostFromProfile, hostFromRoot } from "../src/index.js";
import { codeOf, debian13, type Files, treeOf, utf8 } from "./support.js";

const fieldsOf = (text: string) => hostFromOsRelease(utf8(text)).osRelease;

describe("a host that is an os-release file", () => {
  test("says nothing but its fields", () => {
    expect(hostFromOsRelease(utf8(debian13))).toEqual({
      osRelease: new Map([
        ["ID", "debian"],
        ["VERSION_ID", "13"],
      ]),
      architecture: undefined,
      scope: undefined,
      kernel: undefined,
    });
  });

  test("must be one that systemd could read", async () => {
    expect(await codeOf(() => hostFromOsRelease(Uint8Array.of(0x49, 0x44, 0x3d, 0)))).toMatch(/^ReleaseError /);
  });
});

describe("a host that is a root file system", () => {
  const other = "ID=other\n";
  test.each<[string, Files, { text: string | undefined; scope: string }]>([
    ["etc/os-release", { "etc/os-release": debian13 }, { text: debian13, scope: "system" }],
    ["usr/lib/os-release", { "usr/lib/os-release": debian13 }, { text: debian13, scope: "system" }],
    ["both", { "etc/os-release": debian13, "usr/lib/os-release": other }, { text: debian13, scope: "system" }],
    [
      "a relative link, as distributions have it",
      { "etc/os-release": { link: "../usr/lib/os-release" }, "usr/lib/os-release": debian13 },
      { text: debian13, scope: "system" },
    ],
    [
      "an absolute link, which stays in the root",
      { "etc/os-release": { link: "/usr/lib/os-release" }, "usr/lib/os-release": debian13 },
      { text: debian13, scope: "system" },
    ],
    [
      "a link that climbs out, which stays in the root",
      { "etc/os-release": { link: "../../../../usr/lib/os-release" }, "usr/lib/os-release": debian13 },
      { text: debian13, scope: "system" },
    ],
    [
      "a link of a directory",
      { etc: { link: "private/etc" }, "private/etc/os-release": debian13 },
      { text: debian13, scope: "system" },
    ],
    [
      "a dangling link, which is missing",
      { "etc/os-release": { link: "nowhere" }, "usr/lib/os-release": debian13 },
      { text: debian13, scope: "system" },
    ],
    [
      "an empty one, which shadows the other",
      { "etc/os-release": "", "usr/lib/os-release": debian13 },
      { text: "", scope: "system" },
    ],
    [
      "a directory in its place, which shadows too",
      { "etc/os-release": { directory: true }, "usr/lib/os-release": debian13 },
      { text: undefined, scope: "system" },
    ],
    ["nothing", { "etc/hostname": "x" }, { text: undefined, scope: "system" }],
    ["an initrd", { "etc/os-release": debian13, "etc/initrd-release": "" }, { text: debian13, scope: "initrd" }],
    [
      "an initrd as dracut makes it",
      { "etc/os-release": { link: "initrd-release" }, "etc/initrd-release": debian13 },
      { text: debian13, scope: "initrd" },
    ],
    [
      "a dangling initrd-release",
      { "etc/os-release": debian13, "etc/initrd-release": { link: "nowhere" } },
      { text: debian13, scope: "system" },
    ],
    [
      "an initrd-release where nobody looks",
      { "etc/os-release": debian13, "usr/lib/initrd-release": "" },
      { text: debian13, scope: "system" },
    ],
  ])("%s", async (_what, files, { text, scope }) => {
    const host = await hostFromRoot(lazyTree(treeOf(files)));
    expect(host).toEqual({
      osRelease: text === undefined ? undefined : fieldsOf(text),
      architecture: undefined,
      scope,
      kernel: undefined,
    });
  });

  test.each<[string, Files, string]>([
    ["a loop of links", { "etc/os-release": { link: "os-release" } }, "TreeError LIMIT_SYMLINKS"],
    ["one that cannot be read", { "etc/os-release": Uint8Array.of(0x49, 0x3d, 0xff) }, "ReleaseError MALFORMED_UTF8"],
    ["one that is no text at all", { "etc/os-release": { zeros: 2 ** 40 } }, "ImageError LIMIT_FILE_BYTES"],
  ])("%s is an error", async (_what, files, code) => {
    expect(await codeOf(() => hostFromRoot(lazyTree(treeOf(files))))).toBe(code);
  });
});

describe("a host profile", () => {
  const profile = (more: object) => JSON.stringify({ osRelease: debian13, ...more });

  test.each<[string, string, object]>([
    ["just os-release", profile({}), { architecture: undefined, scope: undefined, kernel: undefined }],
    [
      "everything",
      profile({ name: "edge", architecture: "arm64", scope: "initrd", kernel: "6.12.48" }),
      { architecture: "arm64", scope: "initrd", kernel: "6.12.48" },
    ],
    ["fields as an object", JSON.stringify({ osRelease: { ID: "debian", VERSION_ID: "13" } }), {}],
  ])("%s", (_what, text, expected) => {
    const host = hostFromProfile(text);
    expect(host).toMatchObject(expected);
    expect(host.osRelease).toEqual(fieldsOf(debian13));
  });

  test.each<[string, string, string]>([
    ["not JSON", "{", "not JSON: "],
    ["not an object", "[]", "not a JSON object"],
    ["no os-release", "{}", '"osRelease" is neither text nor an object'],
    ["os-release of numbers", '{"osRelease":{"VERSION_ID":13}}', '"osRelease.VERSION_ID" is not a text'],
    ["an unknown member", profile({ arch: "arm64" }), '"arch" is no member of a profile'],
    ["an unknown scope", profile({ scope: "host" }), '"scope" is none of system, initrd, portable'],
    [
      "an architecture that systemd calls otherwise",
      profile({ architecture: "amd64" }),
      '"architecture" is "amd64", which is no architecture that systemd knows; it says x86-64',
    ],
    [
      "an architecture that nobody knows",
      profile({ architecture: "z80" }),
      '"architecture" is "z80", which is no architecture that systemd knows',
    ],
    ["a kernel that is a number", profile({ kernel: 6.12 }), '"kernel" is not a text'],
  ])("%s is refused", async (_what, text, message) => {
    const thrown = await codeOf(() => hostFromProfile(text));
    expect(thrown).toBe("ImageError MALFORMED_HOST_PROFILE");
    expect(() => hostFromProfile(text)).toThrow(message);
  });
});
