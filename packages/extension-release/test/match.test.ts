import { judgeHost, type MatchInput, matchExtension, type Scope } from "@sextant/extension-release";
import { describe, expect, it } from "vitest";

type Fields = Readonly<Record<string, string>>;
const mapOf = (fields: Fields) => new Map(Object.entries(fields));

const debian: Fields = { ID: "debian", VERSION_ID: "13" };

function match(host: Fields, extension: Fields, more: Partial<MatchInput> = {}) {
  return matchExtension({
    host: mapOf(host),
    extension: mapOf(extension),
    kind: "sysext",
    scope: "system",
    architecture: "x86-64",
    ...more,
  });
}

describe("the sentence of a verdict", () => {
  it.each<[Fields, Fields, Scope, string, string, string | undefined, string | undefined, string | undefined, string]>([
    [
      debian,
      { ID: "debian", VERSION_ID: "12" },
      "system",
      "reject:version-id",
      "version-id",
      "VERSION_ID",
      "13",
      "12",
      "host has VERSION_ID=13, extension wants 12",
    ],
    [
      debian,
      debian,
      "system",
      "accept:version-or-level",
      "version-id",
      "VERSION_ID",
      "13",
      "13",
      "host and extension have VERSION_ID=13",
    ],
    [
      debian,
      { ID: "debian" },
      "system",
      "reject:version-id-missing",
      "version-id",
      "VERSION_ID",
      "13",
      undefined,
      "host has VERSION_ID=13, extension names no VERSION_ID",
    ],
    [
      debian,
      { ID: "fedora" },
      "system",
      "reject:id",
      "id",
      "ID",
      "debian",
      "fedora",
      "host has ID=debian, extension wants fedora",
    ],
    [
      { ...debian, ID: "mint", ID_LIKE: "ubuntu debian" },
      { ID: "fedora" },
      "system",
      "reject:id",
      "id",
      "ID",
      "mint",
      "fedora",
      'host has ID=mint (like "ubuntu debian"), extension wants fedora',
    ],
    [
      { ...debian, ID: "mint", ID_LIKE: "ubuntu\tdebian" },
      debian,
      "system",
      "accept:version-or-level",
      "version-id",
      "VERSION_ID",
      "13",
      "13",
      "host and extension have VERSION_ID=13",
    ],
    [
      debian,
      { VERSION_ID: "13" },
      "system",
      "reject:id-missing",
      "id-present",
      "ID",
      "debian",
      undefined,
      "extension has no ID, host has ID=debian",
    ],
    [
      debian,
      { ID: "_any" },
      "system",
      "accept:any",
      "id-any",
      "ID",
      "debian",
      "_any",
      "extension has ID=_any and fits any host",
    ],
    [
      { ID: "arch" },
      { ID: "arch", VERSION_ID: "1" },
      "system",
      "accept:rolling-host",
      "rolling-host",
      undefined,
      undefined,
      undefined,
      "host has ID=arch and neither VERSION_ID nor SYSEXT_LEVEL, so no version is compared",
    ],
    [
      { ...debian, SYSEXT_LEVEL: "2" },
      { ID: "debian", SYSEXT_LEVEL: "1", VERSION_ID: "13" },
      "system",
      "reject:level",
      "level",
      "SYSEXT_LEVEL",
      "2",
      "1",
      "host has SYSEXT_LEVEL=2, extension wants 1",
    ],
    [
      { ...debian, SYSEXT_LEVEL: "2" },
      { ID: "debian", SYSEXT_LEVEL: "2", VERSION_ID: "1" },
      "system",
      "accept:version-or-level",
      "level",
      "SYSEXT_LEVEL",
      "2",
      "2",
      "host and extension have SYSEXT_LEVEL=2",
    ],
    [
      { ID: "a", SYSEXT_LEVEL: "2" },
      { ID: "a", VERSION_ID: "9" },
      "system",
      "accept:version-or-level",
      "host-level-only",
      "SYSEXT_LEVEL",
      "2",
      undefined,
      "host has only SYSEXT_LEVEL=2, extension has none, so no version is compared",
    ],
    [
      debian,
      debian,
      "initrd",
      "reject:scope",
      "scope",
      "SYSEXT_SCOPE",
      "initrd",
      undefined,
      "host needs the scope initrd, extension has no SYSEXT_SCOPE and so allows only system and portable",
    ],
    [
      debian,
      { ...debian, SYSEXT_SCOPE: "initrd" },
      "system",
      "reject:scope",
      "scope",
      "SYSEXT_SCOPE",
      "system",
      "initrd",
      "host needs the scope system, extension has SYSEXT_SCOPE=initrd",
    ],
    [
      debian,
      { ...debian, SYSEXT_SCOPE: "" },
      "system",
      "reject:scope",
      "scope",
      "SYSEXT_SCOPE",
      "system",
      "",
      "host needs the scope system, extension has an empty SYSEXT_SCOPE, which allows none",
    ],
    [
      debian,
      debian,
      "portable",
      "accept:version-or-level",
      "version-id",
      "VERSION_ID",
      "13",
      "13",
      "host and extension have VERSION_ID=13",
    ],
    [
      debian,
      { ...debian, ARCHITECTURE: "arm64" },
      "system",
      "reject:architecture",
      "architecture",
      "ARCHITECTURE",
      "x86-64",
      "arm64",
      "host has the architecture x86-64, extension wants arm64",
    ],
    [
      debian,
      { ID: "_any", ARCHITECTURE: "x86_64" },
      "system",
      "reject:architecture",
      "architecture",
      "ARCHITECTURE",
      "x86-64",
      "x86_64",
      "host has the architecture x86-64, extension wants x86_64 (systemd spells it x86-64)",
    ],
    [
      debian,
      {},
      "system",
      "reject:no-release-data",
      "release-data",
      undefined,
      undefined,
      undefined,
      "extension has no release data",
    ],
    [
      { VERSION_ID: "13" },
      debian,
      "system",
      "fatal:host-id-missing",
      "host",
      "ID",
      undefined,
      undefined,
      "host has no ID in its os-release",
    ],
    [
      debian,
      { ID: "deb\u001b[31m ian" },
      "system",
      "reject:id",
      "id",
      "ID",
      "debian",
      "deb\u001b[31m ian",
      'host has ID=debian, extension wants "deb\\u001b[31m ian"',
    ],
    [
      debian,
      { ID: "\u009b31m" },
      "system",
      "reject:id",
      "id",
      "ID",
      "debian",
      "\u009b31m",
      'host has ID=debian, extension wants "\\u{9b}31m"',
    ],
    [
      debian,
      { ID: "x".repeat(1000) },
      "system",
      "reject:id",
      "id",
      "ID",
      "debian",
      "x".repeat(1000),
      `host has ID=debian, extension wants ${"x".repeat(80)}\u2026`,
    ],
  ])("on %j of %j in the %s", (host, extension, scope, reason, rule, key, hostValue, extensionValue, message) => {
    expect(match(host, extension, { scope })).toEqual({
      accepted: reason.startsWith("accept:"),
      reason,
      rule,
      key,
      hostValue,
      extensionValue,
      message,
    });
  });
});

describe("matchExtension", () => {
  it("reads the keys of the class only", () => {
    const host = { ...debian, SYSEXT_LEVEL: "1", CONFEXT_LEVEL: "2" };
    const extension = {
      ...debian,
      SYSEXT_LEVEL: "1",
      CONFEXT_LEVEL: "3",
      SYSEXT_SCOPE: "system",
      CONFEXT_SCOPE: "initrd",
    };
    expect(match(host, extension).reason).toBe("accept:version-or-level");
    expect(match(host, extension, { kind: "confext" }).reason).toBe("reject:scope");
    expect(match(host, extension, { kind: "confext", scope: "initrd" }).reason).toBe("reject:level");
  });

  it("accepts everything by force but on a host that does not describe itself", () => {
    expect(match(debian, { ARCHITECTURE: "arm64" }, { force: true }).reason).toBe("accept:forced");
    expect(match(debian, {}, { force: true, extension: undefined }).reason).toBe("accept:forced");
    expect(match({}, debian, { force: true }).reason).toBe("fatal:host-id-missing");
    expect(match(debian, debian, { force: true, host: undefined }).reason).toBe("fatal:host-os-release-unreadable");
  });

  it("says the same of a host without an extension", () => {
    expect(judgeHost(mapOf(debian))).toBe(undefined);
    expect(judgeHost(undefined)?.reason).toBe("fatal:host-os-release-unreadable");
    expect(judgeHost(mapOf({ ID: "" }))?.reason).toBe("fatal:host-id-missing");
  });

  it.each<[Partial<Record<keyof MatchInput, string>>, string]>([
    [{ kind: "portable" }, "the class is sysext or confext, not portable"],
    [{ scope: "host" }, "the scope is system, initrd, portable, not host"],
    [{ architecture: "x64" }, "systemd knows no architecture x64; use x86-64"],
    [{ kind: "toString" }, "the class is sysext or confext, not toString"],
  ])("refuses %j", (more, message) => {
    expect(() => match(debian, debian, more as unknown as Partial<MatchInput>)).toThrow(new RangeError(message));
  });
});
