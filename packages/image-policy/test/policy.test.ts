import { describe, expect, it } from "vitest";
import { allowedFor, defaultPolicies, formatPolicy, parsePolicy, policyFor, strictPolicies } from "../src/index.js";

describe("parsePolicy", () => {
  it.each([
    ["root", "MALFORMED_ENTRY", 0],
    ["root=open::usr=open", "MALFORMED_ENTRY", 10],
    ["boot=open", "MALFORMED_DESIGNATOR", 0],
    ["usr=open:root=signed+", "MALFORMED_FLAG", 14],
    ["root=open:root=absent", "MALFORMED_DUPLICATE", 10],
    ["=open:=absent", "MALFORMED_DUPLICATE", 6],
  ])("refuses %s", (text, code, offset) => {
    expect(() => parsePolicy(text)).toThrow(expect.objectContaining({ code, context: { path: "policy", offset } }));
  });
});

describe("policies that nobody gives", () => {
  it.each([
    ["sysext", "/var/lib/extensions/a.raw", true, defaultPolicies.sysext],
    ["sysext", "/.extra/sysext/a.raw", true, strictPolicies.sysext],
    ["sysext", "/.extra/global_sysext/a.raw", true, strictPolicies.sysext],
    ["confext", "/.extra/confext/a.raw", true, strictPolicies.confext],
    ["sysext", "/.extra/sysext/a.raw", false, defaultPolicies.sysext],
    ["sysext", "/.extra/other/a.raw", true, parsePolicy("~")],
  ] as const)("of a %s at %s, in an initrd: %s", (kind, path, inInitrd, policy) => {
    expect(formatPolicy(policyFor({ kind, path, inInitrd }))).toBe(formatPolicy(policy));
  });

  it("let a bare file system be a root unless they are strict", () => {
    expect(allowedFor(defaultPolicies.sysext, "root").uses).toContain("unprotected");
    expect(allowedFor(strictPolicies.sysext, "root").uses).toEqual(["signed", "absent"]);
    expect(allowedFor(defaultPolicies.confext, "usr").uses).toEqual(["unused", "absent"]);
  });
});
