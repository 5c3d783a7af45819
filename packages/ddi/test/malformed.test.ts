import { type ByteSource, fromBytes, viewOf } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import { describe, expect, test } from "vitest";
import { check, DdiError, open } from "../src/index.js";
import { gptHeader } from "../src/layout.js";
import { makeImage } from "./oracle.js";
import { flipBit, patchTable, type TablePatch } from "./patch.js";

/** What `open` throws, in three words. */
async function refused(image: Uint8Array): Promise<readonly unknown[]> {
  try {
    await open(fromBytes(image, "x.raw"));
  } catch (error) {
    if (!(error instanceof DdiError)) throw error;
    expect(error.context.source).toBe("x.raw");
    return [error.code, error.context.path, error.context.offset];
  }
  return ["opened"];
}

const uuid = (last: number) => `00000000-0000-4000-8000-00000000000${last}`;

describe("tables that both say the same wrong thing", () => {
  // Two partitions: data in sectors 40 to 119, verity in 120 to 135; usable are 34 to 135.
  const rows: readonly [string, TablePatch, string, string, number][] = [
    [
      "ends before it begins",
      { entries: { 0: { lastLba: 39n } } },
      "MALFORMED_PARTITION_RANGE",
      "entries[0].lastLba",
      1064,
    ],
    [
      "begins among the tables",
      { entries: { 0: { firstLba: 33n } } },
      "MALFORMED_PARTITION_RANGE",
      "entries[0].firstLba",
      1056,
    ],
    ["begins at 0", { entries: { 0: { firstLba: 0n } } }, "MALFORMED_PARTITION_RANGE", "entries[0].firstLba", 1056],
    [
      "ends in the backup",
      { entries: { 1: { lastLba: 136n } } },
      "MALFORMED_PARTITION_RANGE",
      "entries[1].lastLba",
      1192,
    ],
    [
      "ends at 2^60",
      { entries: { 1: { lastLba: 1n << 60n } } },
      "MALFORMED_PARTITION_RANGE",
      "entries[1].lastLba",
      1192,
    ],
    [
      "ends at the last number there is",
      { entries: { 1: { lastLba: (1n << 64n) - 1n } } },
      "MALFORMED_PARTITION_RANGE",
      "entries[1].lastLba",
      1192,
    ],
    [
      "overlaps by a sector",
      { entries: { 1: { firstLba: 119n } } },
      "MALFORMED_PARTITION_OVERLAP",
      "entries[1].firstLba",
      1184,
    ],
    [
      "lies inside of another",
      { entries: { 1: { firstLba: 50n, lastLba: 60n } } },
      "MALFORMED_PARTITION_OVERLAP",
      "entries[1].firstLba",
      1184,
    ],
    [
      "lies inside of another, listed before it",
      { entries: { 0: { firstLba: 122n, lastLba: 123n } } },
      "MALFORMED_PARTITION_OVERLAP",
      "entries[0].firstLba",
      1056,
    ],
    [
      "is another under the same UUID",
      { entries: { 0: { uuid: uuid(1) }, 1: { uuid: uuid(1) } } },
      "MALFORMED_DUPLICATE_PARTITION",
      "entries[1].uuid",
      1168,
    ],
    [
      "is another of the same designator",
      { entries: { 0: { lastLba: 50n }, 5: { uuid: uuid(5), firstLba: 51n, lastLba: 52n } } },
      "MALFORMED_DUPLICATE_PARTITION",
      "entries[5].type",
      1664,
    ],
  ];
  test.each(rows)("a partition that %s", async (_, patch, code, path, offset) => {
    expect(await refused(patchTable(await makeImage(), patch))).toEqual([code, path, offset]);
  });

  test.each<[string, NonNullable<TablePatch["header"]>, string, string, number]>([
    ["another revision", { revision: 0x10001 }, "MALFORMED_HEADER", "header", 512],
    ["a size of 91", { headerBytes: 91 }, "MALFORMED_HEADER", "header", 512],
    ["a size above the sector", { headerBytes: 513 }, "MALFORMED_HEADER", "header.headerBytes", 524],
    ["another place", { currentLba: 2n }, "MALFORMED_HEADER", "header", 512],
    ["no usable sector", { firstUsableLba: 200n }, "MALFORMED_HEADER", "header.lastUsableLba", 560],
    ["usable sectors beyond the end", { lastUsableLba: 1n << 60n }, "MALFORMED_HEADER", "header.lastUsableLba", 560],
    [
      "usable sectors over both tables",
      { firstUsableLba: 0n, lastUsableLba: 168n },
      "MALFORMED_HEADER",
      "header.firstUsableLba",
      552,
    ],
    ["entries of 256 bytes", { entryBytes: 256 }, "UNSUPPORTED_ENTRY_SIZE", "header.entryBytes", 596],
    ["entries of no bytes", { entryBytes: 0 }, "UNSUPPORTED_ENTRY_SIZE", "header.entryBytes", 596],
    ["no entries", { entryCount: 0 }, "MALFORMED_HEADER", "header.entryCount", 592],
    ["4 billion entries", { entryCount: 0xffffffff }, "LIMIT_ENTRIES", "header.entryCount", 592],
    ["entries over the header", { entriesLba: 1n }, "MALFORMED_HEADER", "header.entriesLba", 584],
    ["entries over the MBR", { entriesLba: 0n }, "MALFORMED_HEADER", "header.entriesLba", 584],
    ["entries at 2^63", { entriesLba: 1n << 63n }, "MALFORMED_HEADER", "header.entriesLba", 584],
    ["entries among the partitions", { entriesLba: 40n }, "MALFORMED_HEADER", "header.entriesLba", 584],
  ])("a header with %s", async (_, header, code, path, offset) => {
    expect(await refused(patchTable(await makeImage(), { header }))).toEqual([code, path, offset]);
  });
});

describe("images that are hardly any", () => {
  test.each([
    ["nothing", 0],
    ["one byte", 1],
    ["half a sector", 256],
    ["an MBR", 512],
    ["8 KiB", 8192],
  ])("%s of zeros", async (_, size) => {
    expect(await refused(new Uint8Array(size))).toEqual(["UNSUPPORTED_NOT_GPT", "protectiveMbr", 0]);
  });

  test.each([
    ["the MBR alone", 512, ["MALFORMED_HEADER", "header", 512]],
    ["the MBR and half a header", 600, ["MALFORMED_HEADER", "header", 512]],
    ["the primary table alone", 17408, ["MALFORMED_HEADER", "header.lastUsableLba", 560]],
    ["half the primary table", 4096, ["MALFORMED_HEADER", "header.lastUsableLba", 560]],
  ])("%s", async (_, size, expected) => {
    expect(await refused((await makeImage()).subarray(0, size))).toEqual(expected);
  });

  test("both tables damaged: the primary's error, and the backup's as its cause", async () => {
    const image = await makeImage();
    const damaged = flipBit(flipBit(image, 8 * 560), 8 * (image.length - 500));
    const error = await open(fromBytes(damaged)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "MISMATCH_HEADER_CHECKSUM",
      context: { path: "header.headerCrc", offset: 528 },
    });
    expect(error).toMatchObject({ cause: { code: expect.stringMatching(/_/) } });
    expect(String(error)).toMatch(/nor can the backup be used: .* at offset/);
  });

  test("no protective MBR", async () => {
    const image = await makeImage();
    image[450] = 0x83;
    expect(await refused(image)).toEqual(["MALFORMED_PROTECTIVE_MBR", "protectiveMbr", 0]);
  });

  test("headers for two sector sizes", async () => {
    const image = await makeImage();
    // The second one lies among the entries, as an attacker would have it.
    image.set(image.subarray(512, 512 + gptHeader.size), 1024);
    expect(await refused(image)).toEqual(["MALFORMED_SECTOR_SIZE", "header", 512]);
  });

  test("a 4 KiB image that claims 2^60 bytes asks for nothing but its own", async () => {
    const image = (await makeImage()).slice(0, 4096);
    const view = viewOf(image);
    for (const field of ["alternateLba", "lastUsableLba", "entriesLba"] as const) {
      view.setBigUint64(512 + gptHeader.offsets[field], 1n << 60n, true);
    }
    view.setUint32(512 + gptHeader.offsets.entryCount, 0xffffffff, true);
    const asked: number[] = [];
    const plain = fromBytes(image);
    const source: ByteSource = {
      size: plain.size,
      read(start, end) {
        asked.push(end - start);
        return plain.read(start, end);
      },
    };
    await expect(open(source)).rejects.toThrow(DdiError);
    expect(Math.max(...asked)).toBeLessThanOrEqual(4096);
  });
});

describe("any flipped bit of a table is an error or a warning", () => {
  const warned = async (image: Uint8Array) => {
    const outcome = await open(fromBytes(image)).then(
      ({ warnings }) => (warnings.length > 0 ? "warned" : "unnoticed"),
      (error: unknown) => (error instanceof DdiError ? "refused" : String(error)),
    );
    return outcome;
  };
  test.each([512, 4096] as const)("primary, sectors of %i bytes", async (sectorBytes) => {
    const image = await makeImage({ sectorBytes });
    // Every bit of what has fields; less often where every bit is treated alike.
    const ranges = [
      { from: 0, to: 440, step: 29 },
      { from: 440, to: 512, step: 1 },
      { from: 512, to: sectorBytes, step: 203 },
      { from: sectorBytes, to: sectorBytes + 92, step: 1 },
      { from: sectorBytes + 92, to: 2 * sectorBytes, step: 203 },
      { from: 2 * sectorBytes, to: 2 * sectorBytes + 16384, step: 509 },
    ];
    const seen = new Set<string>();
    for (const { from, to, step } of ranges) {
      for (let bit = 8 * from; bit < 8 * to; bit += step) seen.add(await warned(flipBit(image, bit)));
    }
    expect([...seen].sort()).toEqual(["refused", "warned"]);
  });

  test("backup: check finds it", async () => {
    const image = await makeImage();
    const expected = await check(fromBytes(image), { allowUnsigned: true, hasher: nodeHasher });
    expect(expected.findings).toEqual([]);
    for (let bit = 8 * (image.length - 16384 - 512); bit < 8 * (image.length - 512 + 92); bit += 509) {
      const report = await check(fromBytes(flipBit(image, bit)), { allowUnsigned: true, hasher: nodeHasher });
      expect({ bit, ok: report.ok }).toEqual({ bit, ok: false });
    }
  });
});
