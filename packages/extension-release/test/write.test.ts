import {
  architectures,
  encodeReleaseFields,
  extensionKinds,
  parseReleaseFile,
  ReleaseError,
  type ReleaseErrorCode,
  type ReleaseSpec,
  scopes,
  writeRelease,
} from "@sextant/extension-release";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const spec: ReleaseSpec = { kind: "sysext", name: "foo", id: "debian", versionId: "13" };
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

describe("writeRelease", () => {
  it("writes what decides first, and extra fields last", () => {
    const { path, bytes, fields, findings } = writeRelease({
      ...spec,
      level: "2",
      scope: ["system", "initrd"],
      architecture: "x86-64",
      reloadManager: true,
      restartUnits: ["a.service", "b@1.service"],
      reloadOrRestartUnits: ["c.socket"],
      extra: { Z: "", IMAGE_VERSION: "1.2~rc", A: 'say "$HOME" `x` \\' },
    });
    expect(path).toBe("usr/lib/extension-release.d/extension-release.foo");
    expect(textOf(bytes).split("\n")).toEqual([
      "ID=debian",
      "VERSION_ID=13",
      "SYSEXT_LEVEL=2",
      'SYSEXT_SCOPE="system initrd"',
      "ARCHITECTURE=x86-64",
      "EXTENSION_RELOAD_MANAGER=1",
      'EXTENSION_RESTART_UNITS="a.service b@1.service"',
      "EXTENSION_RELOAD_OR_RESTART_UNITS=c.socket",
      'A="say \\"\\$HOME\\" \\`x\\` \\\\"',
      'IMAGE_VERSION="1.2~rc"',
      "Z=",
      "",
    ]);
    expect([...parseReleaseFile(bytes)]).toEqual([...fields]);
    expect(findings).toEqual([]);
  });

  it("writes the keys of the class", () => {
    const { path, bytes } = writeRelease({ ...spec, kind: "confext", level: "1", scope: ["initrd"] });
    expect(path).toBe("etc/extension-release.d/extension-release.foo");
    expect(textOf(bytes)).toBe("ID=debian\nVERSION_ID=13\nCONFEXT_LEVEL=1\nCONFEXT_SCOPE=initrd\n");
  });

  it("leaves out what is not asked for, also empty lists of units", () => {
    const { bytes } = writeRelease({ kind: "sysext", name: "foo", id: "_any", restartUnits: [], reloadManager: false });
    expect(textOf(bytes)).toBe("ID=_any\nEXTENSION_RELOAD_MANAGER=0\n");
  });

  it.each<[Partial<ReleaseSpec>, readonly string[]]>([
    [{ id: "_any" }, ["any-gates-nothing"]],
    [{ id: "_any", versionId: undefined }, []],
    [{ versionId: undefined }, ["no-version"]],
    [{ name: "foo bar" }, ["name-unusual"]],
    [{ id: "Debian" }, ["id-unusual"]],
    [{ extra: { ID_LIKE: "x" } }, ["key-not-read"]],
    [{ extra: { CONFEXT_SCOPE: "system" } }, ["key-of-other-class"]],
  ])("warns about %j: %j", (more, rules) => {
    const { findings } = writeRelease({ ...spec, ...more });
    expect(findings.map(({ rule, severity }) => (severity === "warning" ? rule : severity))).toEqual(rules);
  });

  it.each<[Partial<ReleaseSpec>, ReleaseErrorCode, string, string]>([
    [{ id: "" }, "MALFORMED_ID", "ID", "ID is empty, and no host takes an extension without an ID"],
    [
      { id: "debian ubuntu" },
      "MALFORMED_ID",
      "ID",
      'ID is one word, not "debian ubuntu"; several systems need several images, or ID=_any',
    ],
    [
      { id: " debian" },
      "MALFORMED_ID",
      "ID",
      'ID is one word, not " debian"; several systems need several images, or ID=_any',
    ],
    [
      { id: "debian\n" },
      "MALFORMED_ID",
      "ID",
      'ID is one word, not "debian\\n"; several systems need several images, or ID=_any',
    ],
    [{ id: "deb\0ian" }, "MALFORMED_VALUE", "ID", 'ID has a control character in "deb\\u0000ian"'],
    [{ versionId: "" }, "MALFORMED_VALUE", "VERSION_ID", "VERSION_ID is empty, which counts as absent; leave it out"],
    [{ versionId: "13\nID=_any" }, "MALFORMED_VALUE", "VERSION_ID", 'VERSION_ID has a line break in "13\\nID=_any"'],
    [
      { versionId: "1\ud800" },
      "MALFORMED_VALUE",
      "VERSION_ID",
      'VERSION_ID has characters in "1\\ud800" that UTF-8 doesn\'t have',
    ],
    [
      { versionId: "1\ufdd0" },
      "MALFORMED_VALUE",
      "VERSION_ID",
      'VERSION_ID has characters in "1\\u{fdd0}" that UTF-8 doesn\'t have',
    ],
    [{ level: "" }, "MALFORMED_VALUE", "SYSEXT_LEVEL", "SYSEXT_LEVEL is empty, which counts as absent; leave it out"],
    [
      { architecture: "x86_64" },
      "UNSUPPORTED_ARCHITECTURE",
      "ARCHITECTURE",
      "systemd knows no architecture x86_64; systemd spells it x86-64",
    ],
    [
      { architecture: "amd64" },
      "UNSUPPORTED_ARCHITECTURE",
      "ARCHITECTURE",
      "systemd knows no architecture amd64; systemd spells it x86-64",
    ],
    [
      { architecture: "aarch64" },
      "UNSUPPORTED_ARCHITECTURE",
      "ARCHITECTURE",
      "systemd knows no architecture aarch64; systemd spells it arm64",
    ],
    [{ architecture: "z80" }, "UNSUPPORTED_ARCHITECTURE", "ARCHITECTURE", "systemd knows no architecture z80"],
    [{ scope: [] }, "MALFORMED_SCOPE", "SYSEXT_SCOPE", "SYSEXT_SCOPE without a word allows no host at all"],
    [
      { scope: ["system", "host"] },
      "MALFORMED_SCOPE",
      "SYSEXT_SCOPE",
      "SYSEXT_SCOPE has the words system, initrd, portable, not host",
    ],
    [
      { restartUnits: ["foo"] },
      "MALFORMED_UNIT",
      "EXTENSION_RESTART_UNITS",
      "foo in EXTENSION_RESTART_UNITS is not the name of a unit",
    ],
    [
      { reloadOrRestartUnits: ["a@.service"] },
      "MALFORMED_UNIT",
      "EXTENSION_RELOAD_OR_RESTART_UNITS",
      "a@.service in EXTENSION_RELOAD_OR_RESTART_UNITS is not the name of a unit",
    ],
    [{ name: "a/b" }, "MALFORMED_NAME", "name", "no image can be called a/b: the name contains a slash"],
    [
      { name: "a:b" },
      "MALFORMED_NAME",
      "name",
      `the image name a:b has one of , : \\ " ' in it, which makes the merge of all images fail`,
    ],
    [
      { name: "f".repeat(238) },
      "MALFORMED_NAME",
      "name",
      "the image name has 238 bytes, its release file's name would not fit beyond 237",
    ],
    [{ extra: { ID: "x" } }, "MALFORMED_KEY", "ID", "ID has an option of its own and cannot be an extra field"],
    [{ extra: { "A B": "x" } }, "MALFORMED_KEY", "A B", 'a key has capital letters, digits and _, not "A B"'],
    [{ extra: { A: "x\ry" } }, "MALFORMED_VALUE", "A", 'A has a line break in "x\\ry"'],
  ])("refuses %j: %s", (more, code, path, message) => {
    expect.assertions(2);
    try {
      writeRelease({ ...spec, ...more });
    } catch (error) {
      expect(error).toBeInstanceOf(ReleaseError);
      const { code: actual, context, message: said } = error as ReleaseError;
      expect([actual, context.path, said]).toEqual([code, path, message]);
    }
  });

  it("refuses another class", () => {
    expect(() => writeRelease({ ...spec, kind: "portable" as "sysext" })).toThrow(RangeError);
  });
});

describe("what is written comes back", () => {
  const key = fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,8}$/);
  const value = fc
    .oneof(
      fc.string({ unit: fc.constantFrom(..."ab1 \"'\\$`#;=~é☃\u00a0\u2028"), maxLength: 12 }),
      fc.string({ unit: "grapheme", maxLength: 12 }),
    )
    .filter((text) => !/[\0-\x1f\x7f\p{Surrogate}\p{Noncharacter_Code_Point}]/u.test(text));

  it("from any fields", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(key, value)), (pairs) => {
        const fields = new Map(pairs);
        expect([...parseReleaseFile(encodeReleaseFields(fields))]).toEqual([...fields]);
      }),
      { seed: 262, numRuns: 3000 },
    );
  });

  it("from any spec", () => {
    const word = fc.stringMatching(/^[a-z0-9._-]{1,8}$/);
    const unit = word.map((name) => `${name}.service`);
    const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
    const specs: fc.Arbitrary<ReleaseSpec> = fc.record({
      kind: fc.constantFrom(...extensionKinds),
      name: fc.stringMatching(/^[a-z][a-z0-9._-]{0,8}$/),
      id: fc.oneof(word, fc.constant("_any")),
      versionId: optional(fc.oneof(word, fc.constant("13 (trixie)"))),
      level: optional(word),
      scope: optional(fc.array(fc.constantFrom(...scopes), { minLength: 1 })),
      architecture: optional(fc.constantFrom("_any", ...architectures)),
      reloadManager: optional(fc.boolean()),
      restartUnits: optional(fc.array(unit)),
      reloadOrRestartUnits: optional(fc.array(unit)),
      extra: optional(
        fc.dictionary(
          key.map((name) => `X_${name}`),
          value,
        ),
      ),
    });
    fc.assert(
      fc.property(specs, (one) => {
        const { bytes, fields, findings } = writeRelease(one);
        expect([...parseReleaseFile(bytes)]).toEqual([...fields]);
        expect(fields.get("ID")).toBe(one.id);
        expect(fields.get("VERSION_ID")).toBe(one.versionId);
        expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
      }),
      { seed: 262, numRuns: 1000 },
    );
  });
});
