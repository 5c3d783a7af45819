import {
  type ExtensionKind,
  isUnitName,
  lintImageName,
  lintRelease,
  parseReleaseDocument,
  parseReleaseFile,
  type ReleaseFinding,
} from "@sextant/extension-release";
import { describe, expect, it } from "vitest";
import { utf8 } from "./oracle.js";

const brief = (findings: readonly ReleaseFinding[]) =>
  findings.map(({ rule, severity, key, fix }) =>
    [severity, rule, key, fix].filter((part) => part !== undefined).join(" "),
  );

describe("lintRelease", () => {
  const lint = (text: string, kind: ExtensionKind = "sysext") => brief(lintRelease(parseReleaseFile(utf8(text)), kind));

  it.each<[string, readonly string[]]>([
    ["ID=debian\nVERSION_ID=13\n", []],
    ["ID=debian\nSYSEXT_LEVEL=1\nSYSEXT_SCOPE=initrd system\nARCHITECTURE=x86-64\nIMAGE_VERSION=3\nX=a # b\n", []],
    ["ID=_any\nARCHITECTURE=_any\n", []],
    ["", ["error no-release-data"]],
    ["VERSION_ID=1\n", ["error id-missing ID"]],
    [
      "ID=_any\nVERSION_ID=13\n",
      ["warning any-gates-nothing VERSION_ID name the system in ID, or leave VERSION_ID out"],
    ],
    [
      "ID=_any\nSYSEXT_LEVEL=1\n",
      ["warning any-gates-nothing SYSEXT_LEVEL name the system in ID, or leave SYSEXT_LEVEL out"],
    ],
    ["ID=debian\n", ["warning no-version set VERSION_ID or SYSEXT_LEVEL, or ID=_any"]],
    ['ID="debian ubuntu"\nVERSION_ID=1\n', ["error id-several-words ID build one image for each ID"]],
    ["ID=Debian\nVERSION_ID=A1\n", ["warning id-unusual ID", "warning version-id-unusual VERSION_ID"]],
    [
      "ID=_any\nSYSEXT_SCOPE=\n",
      ["error scope-empty SYSEXT_SCOPE leave SYSEXT_SCOPE out, or use system, initrd, portable, separated by blanks"],
    ],
    [
      "ID=_any\nSYSEXT_SCOPE=system,initrd\n",
      ["error scope-matches-nothing SYSEXT_SCOPE use system, initrd, portable, separated by blanks"],
    ],
    [
      "ID=_any\nSYSEXT_SCOPE=System initrd\n",
      ["warning scope-unknown-word SYSEXT_SCOPE use system, initrd, portable, separated by blanks"],
    ],
    ["ID=_any\nARCHITECTURE=x86_64\n", ["error architecture-unknown ARCHITECTURE ARCHITECTURE=x86-64"]],
    ["ID=_any\nARCHITECTURE=x86-64 arm64\n", ["error architecture-unknown ARCHITECTURE"]],
    [
      "ID=_any\nCONFEXT_SCOPE=initrd\nCONFEXT_LEVEL=2\n",
      [
        "warning key-of-other-class CONFEXT_SCOPE SYSEXT_SCOPE",
        "warning key-of-other-class CONFEXT_LEVEL SYSEXT_LEVEL",
      ],
    ],
    ["ID=_any\nID_LIKE=debian\nSYSEXT_ID=x\n", ["warning key-not-read ID_LIKE"]],
    ["ID=_any\nexport VERSION_ID=13\n", ["warning key-misspelt export VERSION_ID VERSION_ID"]],
    ["ID=_any\nversion_id=13\n", ["warning key-misspelt version_id VERSION_ID"]],
    ["\ufeffID=debian\nVERSION_ID=1", ["error id-missing ID", "warning key-misspelt \ufeffID ID"]],
    [`ID=deb"ian"\nVERSION_ID=1\n`, ["warning id-unusual ID", "warning value-looks-quoted ID"]],
    [
      "ID=debian # stable\nVERSION_ID=1\n",
      ["error id-several-words ID build one image for each ID", "warning value-looks-commented ID"],
    ],
    [
      "ID=_any\nEXTENSION_RELOAD_MANAGER=maybe\n",
      ["warning reload-manager-not-boolean EXTENSION_RELOAD_MANAGER EXTENSION_RELOAD_MANAGER=1"],
    ],
    ["ID=_any\nEXTENSION_RESTART_UNITS=a.service b\n", ["warning unit-name-invalid EXTENSION_RESTART_UNITS"]],
    [
      "ID=_any\nEXTENSION_RESTART_UNITS=a.service\nEXTENSION_RELOAD_OR_RESTART_UNITS=b.service a.service\n",
      ["warning unit-in-both-lists EXTENSION_RELOAD_OR_RESTART_UNITS"],
    ],
  ])("%j: %j", (text, findings) => {
    expect(lint(text)).toEqual(findings);
  });

  it("speaks of the keys of the class", () => {
    expect(lint("ID=debian\nSYSEXT_LEVEL=1\n", "confext")).toEqual([
      "warning no-version set VERSION_ID or CONFEXT_LEVEL, or ID=_any",
      "warning key-of-other-class SYSEXT_LEVEL CONFEXT_LEVEL",
    ]);
    expect(() => lint("ID=a", "portable" as ExtensionKind)).toThrow(RangeError);
  });

  it("says what gates nothing in a sentence", () => {
    const [finding] = lintRelease(parseReleaseFile(utf8("ID=_any\nVERSION_ID=13\n")), "sysext");
    expect(finding?.message).toBe("VERSION_ID=13 gates nothing: ID=_any fits every host, whatever its version");
  });

  it("knows the lines where it is told of them", () => {
    const { fields, assignments } = parseReleaseDocument(utf8("ID=_any\n\nVERSION_ID=1\nVERSION_ID=2\nX=1\nX=1\n"));
    const findings = lintRelease(fields, "sysext", { assignments });
    expect(findings.map(({ rule, line }) => [rule, line])).toEqual([
      ["any-gates-nothing", 4],
      ["key-twice", 4],
    ]);
    expect(findings[1]?.message).toBe("VERSION_ID stands in line 3 and again in line 4, where the last one counts");
  });
});

describe("lintImageName", () => {
  it.each<[string | Uint8Array, readonly string[]]>([
    ["foo-1.2_3~4^5+6", []],
    ["foo bar", ["warning name-unusual use letters, digits and ._~^+-"]],
    ["fo\u00f6", ["warning name-unusual use letters, digits and ._~^+-"]],
    ["a,b", ["error name-breaks-merge use letters, digits and ._~^+-"]],
    ["a:b", ["error name-breaks-merge use letters, digits and ._~^+-"]],
    ["a\\b", ["error name-breaks-merge use letters, digits and ._~^+-"]],
    ['a"b', ["error name-breaks-merge use letters, digits and ._~^+-"]],
    ["a'b", ["error name-breaks-merge use letters, digits and ._~^+-"]],
    ["a/b", ["error name-invalid"]],
    ["", ["error name-invalid"]],
    [Uint8Array.of(0xff), ["error name-invalid"]],
    ["f".repeat(237), []],
    ["f".repeat(238), ["error name-too-long"]],
  ])("%j: %j", (name, findings) => {
    expect(brief(lintImageName(name))).toEqual(findings);
  });
});

describe("isUnitName", () => {
  it.each([
    ["foo.service", true],
    ["foo.bar-1:2_3\\x2d.socket", true],
    ["foo@bar.service", true],
    ["foo@b@r.timer", true],
    ["foo@.service", false],
    ["@bar.service", false],
    [".service", false],
    ["foo", false],
    ["foo.txt", false],
    ["foo bar.service", false],
    ["f\u00f6.service", false],
    ["a/b.mount", false],
    [`${"f".repeat(247)}.service`, true],
    [`${"f".repeat(248)}.service`, false],
  ])("%s: %s", (name, valid) => {
    expect(isUnitName(name)).toBe(valid);
  });
});
