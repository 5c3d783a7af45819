import {
  type Architecture,
  imageFromEntry,
  type PickFilter,
  pickEntry,
  pickPattern,
  pickVersioned,
  type VersionedEntry,
  type VersionedEntryType,
} from "@sextant/extension-release";
import { describe, expect, it } from "vitest";
import { oracle } from "./oracle.js";

interface VpickCase {
  readonly tool: "systemd-sysext list" | "systemd-vpick";
  readonly dir: string;
  readonly path?: string;
  readonly args?: readonly string[];
  readonly entries: readonly string[];
  readonly siblings?: readonly string[];
  readonly picked: string | null;
  readonly all?: string | null;
}

const cases = oracle<VpickCase>("vpick-cases");
const native = "x86-64";

/** An entry as the oracle writes it: `NAME`, `NAME/` for a directory, `NAME->TARGET` for a symlink to nothing. */
function entryOf(text: string): VersionedEntry<string> {
  const [name = "", target] = text.split("->");
  if (target !== undefined) return { name, type: "unresolvable" };
  return name.endsWith("/") ? { name: name.slice(0, -1), type: "directory" } : { name, type: "regular" };
}

const rowsOf = (tool: VpickCase["tool"]) =>
  cases.filter((row) => row.tool === tool).map((row) => [row.dir, row.entries.join(" "), row] as const);

describe("pickVersioned as systemd-sysext 262.1", () => {
  it.each(rowsOf("systemd-sysext list"))("%s with %s", (_dir, _entries, row) => {
    const picked = pickVersioned(row.dir, row.entries.map(entryOf), { architecture: native, kind: "sysext" });
    const [sibling] = row.siblings ?? [];
    if (sibling === undefined) {
      expect(picked ?? null).toBe(row.picked);
      return;
    }
    // The image was found under the same name beside the directory; which of the two came first, readdir decided.
    const { name, type = "regular" } = entryOf(sibling);
    expect(row.picked).toBe(name);
    expect(imageFromEntry(name, type as "regular" | "directory", "sysext")).toMatchObject({ is: "image", name: "foo" });
    expect(picked).toBe("foo_1.raw");
  });
});

/** The filter that arguments of systemd-vpick make, and what is to be printed. */
function filterOf(args: readonly string[]): PickFilter {
  const words = args.flatMap((arg) => (arg.startsWith("--") ? arg.split("=") : [arg]));
  const filter: { -readonly [Key in keyof PickFilter]: PickFilter[Key] } = {};
  for (let i = 0; i < words.length; i += 2) {
    const value = words[i + 1] as string;
    if (words[i] === "--suffix" || words[i] === "-S") filter.suffix = value;
    else if (words[i] === "-B") filter.basename = value;
    else if (words[i] === "-V") filter.version = value;
    else if (words[i] === "-A") expect(value).toBe("auto");
    else if (words[i] === "--type") filter.types = [value === "dir" ? "directory" : "regular"];
    else expect(words[i]).toBe("--print");
  }
  return filter;
}

describe("pickPattern and pickEntry as systemd-vpick 262.1", () => {
  it.each(rowsOf("systemd-vpick"))("%s with %s", (_dir, _entries, row) => {
    const args = row.args ?? [];
    const pattern = pickPattern(row.path ?? "", filterOf(args));
    if (pattern === undefined) {
      // Not a pattern: the path is taken as it is, and nothing is there.
      expect(row.picked).toBe(null);
      return;
    }
    expect(pattern.directory).toBe(row.dir);
    const result = pickEntry(row.entries.map(entryOf), pattern.filter, native);
    if (result.status !== "picked") {
      expect(row.picked).toBe(null);
      return;
    }
    const { name, type, version, architecture, tries } = result.pick;
    if (args.includes("--print=version")) {
      expect(version).toBe(row.picked);
      return;
    }
    expect(`${row.dir}/${name}${type === "directory" ? "/" : ""}`).toBe(row.picked);
    const lines = [
      `Path: /${row.dir}/${name}`,
      `     Version: ${version}`,
      `        Type: ${type === "directory" ? "dir" : "reg"}`,
      `Architecture: ${architecture ?? "n/a"}`,
      ...(tries === undefined ? [] : [`  Tries left: ${tries.left}`, `  Tries done: ${tries.done}`]),
    ];
    expect(lines.join("\n")).toBe(row.all);
  });

  it("covers every recorded row", () => {
    expect(cases.length).toBe(51);
    expect(rowsOf("systemd-sysext list").length + rowsOf("systemd-vpick").length).toBe(51);
  });
});

describe("pickVersioned", () => {
  const options = { architecture: native, kind: "sysext" } as const;

  it.each<[string, readonly (string | VersionedEntry<string>)[], string | undefined]>([
    // Bare names are of the type that is wanted.
    ["foo.v", ["foo_1", "foo_2"], "foo_2"],
    ["foo.raw.v", ["foo_1.raw", { name: "foo_2.raw", type: "block" }], "foo_2.raw"],
    // Counters with a leading 0 are octal: 010 is 8, and 08 is no number, which spoils the version.
    ["foo.raw.v", ["foo_1+9.raw", "foo_1+010.raw"], "foo_1+9.raw"],
    ["foo.raw.v", ["foo_1+08.raw"], undefined],
    // What cannot be resolved matters only where the name matches.
    ["foo.raw.v", ["foo_1.raw", { name: "foo_2_arm64.raw", type: "unresolvable" }], "foo_1.raw"],
    ["foo.raw.v", ["foo_1.raw", { name: "foo_0.raw", type: "unresolvable" }], undefined],
    // Equal in all else, the name that a symlink leads to decides.
    [
      "foo.raw.v",
      [
        { name: "foo_1.raw", target: "a" },
        { name: "foo_01.raw", target: "b" },
      ],
      "foo_01.raw",
    ],
    ["foo.txt", ["foo_1.raw"], undefined],
    [".#foo.v", [".#foo_1"], undefined],
    ["/var/lib/extensions/foo.v/", ["foo_1"], "foo_1"],
  ])("%s with %j: %s", (directory, entries, picked) => {
    expect(pickVersioned(directory, entries, options)).toBe(picked);
  });

  it("takes the class suffix of its own class off only", () => {
    expect(pickVersioned("foo.sysext.raw.v", ["foo_1.sysext.raw"], { ...options, kind: "confext" })).toBe(undefined);
    expect(pickVersioned("foo.sysext.raw.v", ["foo.sysext_1.raw"], { ...options, kind: "confext" })).toBe(
      "foo.sysext_1.raw",
    );
    expect(pickVersioned("foo.confext.raw.v", ["foo_1.confext.raw"], { ...options, kind: "confext" })).toBe(
      "foo_1.confext.raw",
    );
  });

  it("orders names by bytes, not by UTF-16 units", () => {
    const entries = ["foo_1_\u{1f600}.raw", "foo_1_\uffee.raw"];
    expect(pickVersioned("foo.raw.v", entries, options)).toBe("foo_1_\u{1f600}.raw");
  });

  it("takes names that are not UTF-8 as bytes, and gives them back", () => {
    const name = new Uint8Array([...new TextEncoder().encode("foo_2_"), 0xff, ...new TextEncoder().encode(".raw")]);
    const older = new TextEncoder().encode("foo_1.raw");
    expect(pickVersioned("foo.raw.v", [older, name], options)).toBe(name);
  });

  it("knows the secondary architecture of the machine", () => {
    const entries = ["foo_1_arm.raw", "foo_1_x86.raw"];
    expect(pickVersioned("foo.raw.v", entries, { ...options, architecture: "arm64" })).toBe("foo_1_arm.raw");
    expect(pickVersioned("foo.raw.v", entries, options)).toBe("foo_1_x86.raw");
    expect(pickVersioned("foo.raw.v", entries, { ...options, architecture: "riscv64" })).toBe(undefined);
  });

  it("refuses architectures and classes that systemd doesn't know", () => {
    expect(() => pickVersioned("foo.v", [], { ...options, architecture: "amd64" })).toThrow(RangeError);
    expect(() => pickVersioned("foo.v", [], { ...options, kind: "portable" as "sysext" })).toThrow(RangeError);
  });

  it("does not depend on the order of entries", () => {
    const entries = [
      "foo_1.raw",
      "foo_1.0+1.raw",
      "foo_1.0+2-1.raw",
      "foo_2+0.raw",
      "foo_1.0_x86.raw",
      "foo_1.0_bogus.raw",
    ];
    for (let i = 0; i < entries.length; i++) {
      const turned = [...entries.slice(i), ...entries.slice(0, i)];
      expect(pickVersioned("foo.raw.v", turned, options)).toBe("foo_1.0_x86.raw");
    }
  });
});

describe("pickEntry", () => {
  it("takes one architecture only where the filter names it", () => {
    const pick = (architecture: Architecture) =>
      pickEntry(["foo_1_x86-64", "foo_2_arm64", "foo_3"], { basename: "foo", architecture }, native);
    expect(pick("arm64")).toMatchObject({ status: "picked", pick: { name: "foo_2_arm64", architecture: "arm64" } });
    expect(pick("riscv64")).toEqual({ status: "none" });
  });

  it("takes the whole name as version without a basename", () => {
    const result = pickEntry(["1.raw", "2.raw"], { suffix: ".raw" }, native);
    expect(result).toMatchObject({ status: "picked", pick: { name: "2.raw", version: "2" } });
  });

  it("names the entry that spoils the pick", () => {
    const type: VersionedEntryType = "unresolvable";
    expect(pickEntry([{ name: "foo_1", type }], { basename: "foo" }, native)).toEqual({
      status: "unresolvable",
      name: "foo_1",
    });
  });
});
