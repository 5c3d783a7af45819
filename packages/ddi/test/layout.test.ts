import { fromHex, toHex } from "@sextant/bytes";
import { describe, expect, test } from "vitest";
import {
  architectureAliases,
  designatorOf,
  formatGuid,
  fromSeed,
  parseGuid,
  partitionArchitecture,
  partitionArchitectures,
  partitionType,
  partitionTypes,
  typeOfGuid,
} from "../src/index.js";
import { gptEntry, gptHeader, mbrPartition, protectiveMbr } from "../src/layout.js";
import { seed } from "./oracle.js";

test("records have the sizes that UEFI gives", () => {
  expect([protectiveMbr.size, mbrPartition.size, gptHeader.size, gptEntry.size]).toEqual([512, 16, 92, 128]);
  expect(protectiveMbr.offsets).toMatchObject({ diskSignature: 440, partition1: 446, signature: 510 });
  expect(gptHeader.offsets).toMatchObject({
    headerCrc: 16,
    currentLba: 24,
    diskGuid: 56,
    entriesLba: 72,
    entriesCrc: 88,
  });
  expect(gptEntry.offsets).toMatchObject({ uuid: 16, firstLba: 32, attributes: 48, label: 56 });
});

describe("GUIDs", () => {
  const type = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709";
  const entry = { type, uuid: type, firstLba: 40n, lastLba: 41n, attributes: 1n << 60n, label: "ro\ud800t" };

  test("are mixed-endian on disk and plain elsewhere", () => {
    expect(toHex(gptEntry.encode(entry)).slice(0, 32)).toBe("e3bc684fcde8b14d96e7fbcaf984b709");
    expect(toHex(parseGuid(type))).toBe("4f68bce3e8cd4db196e7fbcaf984b709");
    expect(formatGuid(parseGuid(type))).toBe(type);
  });

  test("entries survive writing and reading, also with labels that are not well-formed", () => {
    expect(gptEntry.decode(gptEntry.encode(entry))).toEqual(entry);
  });

  test.each(["", "4f68bce3", type.toUpperCase(), `${type} `, `{${type}}`])("%j is not one", (text) => {
    expect(() => parseGuid(text)).toThrow(TypeError);
  });

  test("a label has 36 units, and no more", () => {
    const long = { ...entry, label: "x".repeat(36) };
    expect(gptEntry.decode(gptEntry.encode(long)).label).toBe(long.label);
    expect(() => gptEntry.encode({ ...entry, label: "x".repeat(37) })).toThrow(RangeError);
  });
});

describe("partition types", () => {
  test("21 architectures have 6 each, no two alike", () => {
    expect(partitionArchitectures.length).toBe(21);
    expect(partitionTypes.length).toBe(126);
    expect(new Set(partitionTypes.map(({ guid }) => guid)).size).toBe(126);
    expect(new Set(partitionTypes.map(({ designator }) => designator)).size).toBe(126);
    for (const { guid } of partitionTypes) expect(formatGuid(parseGuid(guid))).toBe(guid);
  });

  // One of each column, from sd-gpt.h.
  test.each([
    ["root", "arm64", "data", "b921b045-1df0-41c3-af44-4c6f280d3fae", "root-arm64"],
    ["root", "riscv64", "verity", "b6ed5582-440b-4209-b8da-5ff7c419ea3d", "root-riscv64-verity"],
    ["root", "x86", "verity-sig", "5996fc05-109c-48de-808b-23fa0830b676", "root-x86-verity-sig"],
    ["usr", "s390x", "data", "8a4f5770-50aa-4ed3-874a-99b710db6fea", "usr-s390x"],
    ["usr", "ppc64-le", "verity", "ee2b9983-21e8-4153-86d9-b6901a54d1ce", "usr-ppc64-le-verity"],
    ["usr", "mips64-le", "verity-sig", "f2c2c7ee-adcc-4351-b5c6-ee9816b66e16", "usr-mips64-le-verity-sig"],
  ] as const)("%s %s %s", (role, architecture, kind, guid, designator) => {
    const type = partitionType(role, architecture, kind);
    expect(type).toEqual({ guid, designator, role, architecture, kind });
    expect(typeOfGuid(guid)).toBe(type);
    expect(designatorOf(guid)).toBe(designator);
  });

  test("other types have a name or none", () => {
    expect(designatorOf("0fc63daf-8483-4772-8e79-3d69d8477de4")).toBe("linux-generic");
    expect(designatorOf("00000000-0000-0000-0000-000000000001")).toBeUndefined();
    expect(typeOfGuid("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")).toBeUndefined();
  });

  test("names and aliases", () => {
    for (const architecture of partitionArchitectures) expect(partitionArchitecture(architecture)).toBe(architecture);
    expect(architectureAliases.size).toBe(14);
    expect(partitionArchitecture("amd64")).toBe("x86-64");
    expect(partitionArchitecture("aarch64")).toBe("arm64");
    expect(partitionArchitecture("toString")).toBeUndefined();
  });
});

describe("seeds", () => {
  test("a later partition of the same type gets another UUID", () => {
    const { partitionUuid } = fromSeed(seed);
    const type = partitionType("root", "x86-64", "data").guid;
    expect(partitionUuid(type, 0)).toBe(partitionUuid(type));
    expect(new Set([0, 1, 2, 2 ** 33].map((instance) => partitionUuid(type, instance))).size).toBe(4);
    // HMAC-SHA256 by Python's hmac module.
    expect(partitionUuid(partitionType("root", "x86-64", "verity-sig").guid, 1)).toBe(
      "b74dbe6b-d724-4c16-b513-58f7ed74a222",
    );
  });

  test("a seed has 16 bytes", () => {
    expect(() => fromSeed(fromHex("00"))).toThrow(RangeError);
  });
});
