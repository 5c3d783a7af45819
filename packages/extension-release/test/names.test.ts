import {
  baseImageName,
  chooseOsRelease,
  type DiscoveredEntry,
  type ExtensionKind,
  type FileState,
  type HostKind,
  type InodeType,
  imageFromEntry,
  imageNameMaxBytes,
  isImageName,
  releasePath,
  scopeOf,
  searchPaths,
} from "@sextant/extension-release";
import { describe, expect, it } from "vitest";
import { oracle, utf8 } from "./oracle.js";

describe("isImageName", () => {
  it.each<[string | Uint8Array, boolean]>([
    ["foo", true],
    [".foo", true],
    ["fo\u00f6 #$=()", true],
    ["foo\u0085", true],
    ["f".repeat(255), true],
    ["f".repeat(256), false],
    ["\u00f6".repeat(128), false],
    ["", false],
    [".", false],
    ["..", false],
    ["a/b", false],
    [".#foo", false],
    ["foo\n", false],
    ["foo\u007f", false],
    ["foo\0", false],
    ["foo\ud800", false],
    ["foo\uffff", false],
    [utf8("fo\u00f6"), true],
    [Uint8Array.of(0x66, 0xff), false],
  ])("%j: %s", (name, valid) => {
    expect(isImageName(name)).toBe(valid);
  });
});

describe("baseImageName", () => {
  it.each([
    ["foo", "foo"],
    ["foo_1.2", "foo"],
    ["foo+3-1", "foo"],
    ["foo-1.2", "foo-1.2"],
    ["foo.raw", "foo"],
    ["foo.sysext.raw", "foo"],
    ["foo.confext.raw", "foo"],
    ["foo_1.sysext.raw", "foo"],
    ["foo.sysext", "foo.sysext"],
    ["foo.raw_1", "foo.raw"],
    ["foo.raw.raw", "foo.raw"],
    ["_foo", undefined],
    ["+foo", undefined],
    [".raw", undefined],
    ["a\n_b", undefined],
  ])("%j: %j", (name, base) => {
    expect(baseImageName(name)).toBe(base);
  });
});

describe("imageFromEntry", () => {
  const image = (name: string, type: string) => ({ is: "image", name, type });
  const versioned = (name: string, suffix: string, type: string) => ({ is: "versioned", name, suffix, type });
  const ignored = { is: "ignored" };

  it.each<[string | Uint8Array, InodeType, ExtensionKind, object]>([
    ["foo.raw", "regular", "sysext", image("foo", "raw")],
    ["foo.sysext.raw", "regular", "sysext", image("foo", "raw")],
    ["foo.confext.raw", "regular", "sysext", image("foo.confext", "raw")],
    ["foo.confext.raw", "regular", "confext", image("foo", "raw")],
    ["foo.img", "regular", "sysext", ignored],
    ["foo", "regular", "sysext", ignored],
    [".raw", "regular", "sysext", ignored],
    [".sysext.raw", "regular", "sysext", ignored],
    ["foo.raw.v", "regular", "sysext", ignored],
    ["foo", "directory", "sysext", image("foo", "directory")],
    ["foo.raw", "directory", "sysext", image("foo.raw", "directory")],
    ["foo.sysext", "directory", "sysext", image("foo", "directory")],
    ["foo.sysext", "subvolume", "confext", image("foo.sysext", "subvolume")],
    ["foo.mstack", "directory", "sysext", image("foo", "mstack")],
    ["foo.sysext.mstack", "directory", "sysext", image("foo", "mstack")],
    ["foo.raw.v", "directory", "sysext", versioned("foo", ".raw", "raw")],
    ["foo.sysext.raw.v", "directory", "sysext", versioned("foo", ".sysext.raw", "raw")],
    ["foo.v", "directory", "sysext", versioned("foo", "", "directory")],
    ["foo.confext.v", "directory", "confext", versioned("foo", ".confext", "directory")],
    ["foo.mstack.v", "directory", "sysext", versioned("foo", ".mstack", "mstack")],
    [".v", "directory", "sysext", ignored],
    [".raw.v", "directory", "sysext", ignored],
    ["foo.raw", "block", "sysext", image("foo.raw", "block")],
    ["sda1", "block", "sysext", image("sda1", "block")],
    ["foo.raw", "other", "sysext", ignored],
    [".sysupdate.partial.foo.raw", "regular", "sysext", ignored],
    [".sysupdate.x", "directory", "sysext", ignored],
    [".sysupdate", "directory", "sysext", image(".sysupdate", "directory")],
    [".#foo", "directory", "sysext", ignored],
    ["foo\n", "directory", "sysext", ignored],
    [Uint8Array.of(0x66, 0xff), "directory", "sysext", ignored],
    [utf8("fo\u00f6.raw"), "regular", "sysext", image("fo\u00f6", "raw")],
  ])("%j as %s among %ss", (name, inode, kind, expected) => {
    expect(imageFromEntry(name, inode, kind)).toMatchObject(expected);
  });

  it("says why an entry is none", () => {
    const why = (name: string, inode: InodeType) => (imageFromEntry(name, inode, "sysext") as { why: string }).why;
    expect(why("foo", "regular")).toBe("is a file whose name does not end in .raw");
    expect(why("foo\n", "directory")).toBe('its image name "foo\\n" contains a control character');
    expect(why(".sysupdate.foo", "directory")).toBe("systemd-sysupdate is still writing it");
  });
});

interface DiscoveryCase {
  readonly extension_class: ExtensionKind;
  readonly host_kind: HostKind;
  readonly items: readonly (readonly [path: string, what: string])[];
  readonly result: {
    readonly listed: readonly { readonly name: string; readonly type: string; readonly path: string }[];
    readonly list_exit: number;
  };
}

/** The inode behind an item, and where it is; undefined where a link leads nowhere that the item list knows. */
function resolve(path: string, items: DiscoveryCase["items"]): { path: string; inode: InodeType } | undefined {
  const what = items.find((item) => item[0] === path)?.[1];
  if (what === undefined) return undefined;
  if (what.startsWith("link:")) return resolve(what.slice("link:".length), items);
  if (what.startsWith("tree:") || what === "empty") return { path, inode: "directory" };
  return { path, inode: what === "fifo" ? "other" : "regular" };
}

describe("names and search paths in what systemd 262.1 discovers", () => {
  const cases = oracle<DiscoveryCase>("discovery-cases");
  // Left to discovery as a whole: search directories that are symlinks, `.v/` directories, a loop of links.
  const whole = ({ items }: DiscoveryCase) =>
    items.some(([path, what]) => path === "/var/lib/extensions" || path.includes(".v/") || what === "link:a");
  const rows = cases.filter((row) => !whole(row));

  it("leaves few cases to discovery as a whole", () => {
    expect(cases.length).toBe(56);
    expect(rows.length).toBe(52);
  });

  it.each(rows.map((row) => [row.extension_class, row.host_kind, JSON.stringify(row.items), row] as const))(
    "%s on %s: %s",
    (kind, hostKind, _items, row) => {
      const found = new Map<string, { type: string; paths: string[] }>();
      for (const directory of searchPaths[kind][hostKind]) {
        const here = new Map<string, { type: string; paths: string[] }>();
        for (const [path] of row.items) {
          if (!path.startsWith(`${directory}/`)) continue;
          const inode = resolve(path, row.items);
          const entry: DiscoveredEntry | undefined =
            inode && imageFromEntry(path.slice(directory.length + 1), inode.inode, kind);
          if (inode === undefined || entry?.is !== "image" || found.has(entry.name)) continue;
          // Where one directory has a name twice, readdir decides.
          const same = here.get(entry.name);
          if (same === undefined) here.set(entry.name, { type: entry.type, paths: [inode.path] });
          else same.paths.push(inode.path);
        }
        for (const [name, image] of here) found.set(name, image);
      }
      expect([...found.keys()].sort()).toEqual(row.result.listed.map(({ name }) => name).sort());
      for (const { name, type, path } of row.result.listed) {
        const image = found.get(name);
        expect(image?.paths).toContain(path);
        if (image?.paths.length === 1) expect(image.type).toBe(type);
      }
    },
  );
});

describe("the host's os-release", () => {
  const choose = (states: Record<string, FileState>, override?: string) =>
    chooseOsRelease((path) => states[path] ?? "missing", override);

  it.each<[Record<string, FileState>, string | undefined, string | undefined, FileState]>([
    [{ "/etc/os-release": "present", "/usr/lib/os-release": "present" }, undefined, "/etc/os-release", "present"],
    [{ "/usr/lib/os-release": "present" }, undefined, "/usr/lib/os-release", "present"],
    [{ "/etc/os-release": "unreadable", "/usr/lib/os-release": "present" }, undefined, "/etc/os-release", "unreadable"],
    [{}, undefined, undefined, "missing"],
    [{ "/etc/os-release": "present", "/x": "present" }, "/x", "/x", "present"],
    [{ "/etc/os-release": "present" }, "/x", undefined, "missing"],
  ])("of %j with override %s is %s", (states, override, path, state) => {
    expect(choose(states, override)).toEqual({ path, state });
  });

  it("needs the scope of its kind", () => {
    expect([scopeOf("host"), scopeOf("initrd")]).toEqual(["system", "initrd"]);
  });
});

describe("releasePath", () => {
  it("fits into a file name for the longest image name", () => {
    const path = releasePath("f".repeat(imageNameMaxBytes), "sysext");
    expect(path.split("/").at(-1)?.length).toBe(255);
    expect(releasePath("foo", "confext")).toBe("etc/extension-release.d/extension-release.foo");
  });
});
