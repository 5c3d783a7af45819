import { fromBytes } from "@sextant/bytes";
import { mutations } from "@sextant/testkit";
import { describe, expect, it } from "vitest";
import { ElfError, readElf } from "../src/index.js";
import { layouts } from "../src/layout.js";
import { buildElf, forms, places } from "./build.js";

describe.each(forms)("$bits bits, little-endian $littleEndian", (form) => {
  it("reads what a library needs and provides", async () => {
    expect(await readElf(fromBytes(buildElf(form)))).toEqual({
      ...form,
      type: "shared",
      machine: 62,
      architecture: "x86-64",
      interpreter: "libm.so.6",
      dynamic: true,
      pie: true,
      soname: "libmine.so.1",
      needed: ["libc.so.6", "libm.so.6"],
      runpath: ["$ORIGIN/../lib", "/opt/lib"],
      neededVersions: [
        { soname: "libc.so.6", versions: ["GLIBC_2.38", "GLIBC_2.2"] },
        { soname: "libm.so.6", versions: [] },
      ],
      providedVersions: ["MINE_1.0"],
    });
  });
});

it.each([
  [62, 64, true, "x86-64"],
  [183, 64, true, "arm64"],
  [243, 64, true, "riscv64"],
  [243, 32, true, "riscv32"],
  [21, 64, true, "ppc64-le"],
  [21, 64, false, "ppc64"],
  [22, 64, false, "s390x"],
  [40, 32, true, "arm"],
  [8, 64, true, "mips64-le"],
  [258, 64, true, "loongarch64"],
  [9999, 64, true, undefined],
] as const)("machine %d of %d bits, little-endian %s, is %s", async (machine, bits, littleEndian, architecture) => {
  const elf = await readElf(fromBytes(buildElf({ bits, littleEndian }, machine)));
  expect(elf?.architecture).toBe(architecture);
});

it.each([["" as string], ["#!/bin/sh\necho a script is no program\n"], ["\x7fELF"]])(
  "%j is no ELF file",
  async (text) => {
    expect(await readElf(fromBytes(new TextEncoder().encode(text)))).toBeUndefined();
  },
);

const form = { bits: 64, littleEndian: true } as const;
const { header, segment } = layouts[64];
const damage: readonly (readonly [string, string, (view: DataView) => void])[] = [
  ["a class that is none", "MALFORMED_HEADER", (view) => view.setUint8(4, 3)],
  ["a byte order that is none", "MALFORMED_HEADER", (view) => view.setUint8(5, 0)],
  ["program headers behind the end", "MALFORMED_SEGMENT", (view) => view.setBigUint64(32, 1n << 63n, true)],
  ["program headers too small", "MALFORMED_HEADER", (view) => view.setUint16(54, 8, true)],
  ["too many program headers", "LIMIT_ENTRIES", (view) => view.setUint16(56, 0xffff, true)],
  [
    "a dynamic section behind the end",
    "MALFORMED_SEGMENT",
    (view) => view.setBigUint64(header.size + segment.size + 8, 1n << 40n, true),
  ],
  ["a string behind the table", "MALFORMED_DYNAMIC", (view) => view.setUint32(places.dynamic + 8, 5000, true)],
  ["no string table", "MALFORMED_DYNAMIC", (view) => view.setUint32(places.dynamic + 3 * 16 + 8, 1, true)],
  ["versions at no address", "MALFORMED_DYNAMIC", (view) => view.setUint32(places.dynamic + 7 * 16 + 8, 1, true)],
  ["versions without end", "LIMIT_ENTRIES", (view) => view.setUint32(places.dynamic + 8 * 16 + 8, 1 << 30, true)],
  [
    "a list of versions out of the file",
    "MALFORMED_DYNAMIC",
    (view) => view.setUint32(places.needs + 12, 1 << 24, true),
  ],
];

describe("damage", () => {
  it.each(damage)("%s", async (_, code, hurt) => {
    const bytes = buildElf(form);
    hurt(new DataView(bytes.buffer));
    await expect(readElf(fromBytes(bytes, "sample"))).rejects.toMatchObject({ code, context: { source: "sample" } });
  });

  it("of any other kind gives a file or a clear error", async () => {
    for (const each of forms) {
      for (const { bytes } of mutations(buildElf(each), { seed: 13, count: 300 })) {
        try {
          await readElf(fromBytes(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(ElfError);
        }
      }
    }
  });
});
