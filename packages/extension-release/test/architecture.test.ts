import {
  architectureFromNode,
  architectureFromUname,
  architectures,
  isArchitecture,
  nodeArchitectures,
  secondaryArchitectures,
  suggestArchitecture,
  unameArchitectures,
} from "@sextant/extension-release";
import { describe, expect, it } from "vitest";

describe("architectures", () => {
  it("are known by systemd's names only", () => {
    expect(architectures.length).toBe(33);
    expect([...architectures].sort()).toEqual([...architectures]);
    expect(["x86-64", "ppc64-le", "arm64"].every(isArchitecture)).toBe(true);
    expect(["x86_64", "amd64", "aarch64", "X86-64", "", "_any", "toString"].some(isArchitecture)).toBe(false);
  });

  it("are what every table leads to", () => {
    for (const table of [unameArchitectures, nodeArchitectures, secondaryArchitectures]) {
      expect(Object.values(table).filter((name) => name === undefined || !isArchitecture(name))).toEqual([]);
    }
    expect(Object.keys(secondaryArchitectures).every(isArchitecture)).toBe(true);
  });

  it.each([
    ["x86_64", "x86-64"],
    ["i686", "x86"],
    ["aarch64", "arm64"],
    ["armv7l", "arm"],
    ["ppc64le", "ppc64-le"],
    ["riscv64", "riscv64"],
    ["x86-64", undefined],
    ["constructor", undefined],
  ])("uname %s is %s", (machine, architecture) => {
    expect(architectureFromUname(machine)).toBe(architecture);
  });

  it.each([
    ["x64", "x86-64"],
    ["ia32", "x86"],
    ["arm64", "arm64"],
    ["loong64", "loongarch64"],
    ["amd64", undefined],
  ])("Node's %s is %s", (arch, architecture) => {
    expect(architectureFromNode(arch)).toBe(architecture);
  });

  it("covers the machine that runs this", () => {
    expect(architectureFromNode(process.arch)).toBeDefined();
  });

  it.each([
    ["x86_64", "x86-64"],
    ["AMD64", "x86-64"],
    ["aarch64", "arm64"],
    [" x64 ", "x86-64"],
    ["ppc64el", "ppc64-le"],
    ["ppc64", "ppc64"],
    ["armhf", "arm"],
    ["i386", "x86"],
    ["x86-64", "x86-64"],
    ["valueOf", undefined],
    ["z80", undefined],
  ])("%s is meant as %s", (spelling, architecture) => {
    expect(suggestArchitecture(spelling)).toBe(architecture);
  });
});
