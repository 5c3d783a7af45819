import { concatBytes, fromBytes, viewOf } from "@sextant/bytes";
import type { Name } from "@sextant/tree";
import { describe, expect, test } from "vitest";
import { zstdWindow } from "../src/compressed/configs.js";
import { advise, lz4ConfigRecord, lzmaConfigRecord, zstdConfigRecord } from "../src/compressed/layout.js";
import { featureIncompat } from "../src/features.js";
import { check, type ErofsError, type FindingCode, open } from "../src/index.js";
import { superblockRecord, superOffset } from "../src/layout.js";
import { type Crafted, craft, full, header, type Index, lz4Run, pack, padded, records, run } from "./craft.js";
import { readAll } from "./damage.js";
import { zstdRun } from "./forms.js";

const lz4 = (letter: string, count: number) => padded(lz4Run(letter.charCodeAt(0), count));
const { bigCluster1, bigCluster2, extents, fragment, inlineCluster } = advise;
const lz4Format = 2 ** 28;
const recordSize = (bytes: number) => extents | ((Math.log2(bytes) - 2) << 1);

/** An image with full indexes and a cluster of 8000 bytes in block 1. */
const indexed = (
  indexes: readonly Index[],
  fields: Parameters<typeof header>[0] = {},
  more: Partial<Crafted> = {},
) => ({
  layout: "compressedFull" as const,
  size: 8000,
  map: full(header(fields), indexes),
  blocks: [lz4("a", 8000)],
  ...more,
});
const good: readonly Index[] = [
  { head: "head1", block: 1 },
  { back: 1, ahead: 1 },
];
const recorded = (
  bytes: number,
  list: Parameters<typeof records>[2],
  fields: Parameters<typeof header>[0] = {},
  more: Partial<Crafted> = {},
) => ({
  layout: "compressedFull" as const,
  size: 8000,
  map: records(header({ ...fields, advise: recordSize(bytes) | (fields?.advise ?? 0) }), bytes, list),
  blocks: [lz4("a", 8000)],
  features: featureIncompat.layout48,
  ...more,
});

type Row = readonly [what: string, crafted: Crafted, code: FindingCode, path: string, message: RegExp];

const rows: readonly Row[] = [
  [
    "an extent that begins behind the start of the data",
    indexed([
      { head: "head1", at: 5, block: 1 },
      { back: 1, ahead: 1 },
    ]),
    ...(["MALFORMED_INDEX", "inode 48.lcluster 0", /first extent/] as const),
  ],
  [
    "no head before the first lcluster",
    indexed([
      { back: 1, ahead: 1 },
      { head: "head1", block: 1 },
    ]),
    ...(["MALFORMED_INDEX", "inode 48.lcluster 0", /leads 1 lclusters back/] as const),
  ],
  [
    "an index that leads to itself",
    indexed([
      { head: "head1", block: 1 },
      { back: 0, ahead: 1 },
    ]),
    ...(["MALFORMED_INDEX", "inode 48.lcluster 1", /leads 0 lclusters back/] as const),
  ],
  [
    "an index that leads back past another extent",
    indexed(
      [...good, { head: "head1", at: 0, block: 1 }, { back: 3, ahead: 1 }],
      {},
      { size: 16_384, blocks: [lz4("a", 8192)], features: featureIncompat.fragments },
    ),
    ...(["MALFORMED_INDEX", "inode 48.lcluster 3", /3 lclusters back, the head is 1/] as const),
  ],
  [
    "an extent that would begin behind its lcluster",
    indexed([
      { head: "head1", block: 1 },
      { head: "head1", at: 5000, block: 1 },
    ]),
    ...(["MALFORMED_INDEX", "inode 48.lcluster 1", /byte 5000 of an lcluster/] as const),
  ],
  [
    "a big cluster without a size",
    indexed(good, { advise: bigCluster1 }, { algorithms: 1 }),
    ...(["MALFORMED_INDEX", "inode 48.lcluster 1", /size of the cluster is missing/] as const),
  ],
  [
    "a cluster of 2047 blocks",
    indexed(
      [
        { head: "head1", block: 1 },
        { blocks: 2047, ahead: 1 },
      ],
      { advise: bigCluster1 },
      { algorithms: 1 },
    ),
    ...(["MALFORMED_INDEX", "inode 48.lcluster 1", /2047 blocks is larger/] as const),
  ],
  [
    "a big cluster where there can be none",
    indexed([
      { head: "head1", block: 1 },
      { blocks: 1, ahead: 1 },
    ]),
    ...(["MALFORMED_INDEX", "inode 48.lcluster 1", /none can be big/] as const),
  ],
  [
    "a stored extent longer than its cluster",
    indexed([
      { head: "plain", block: 1 },
      { back: 1, ahead: 1 },
    ]),
    ...(["MALFORMED_INDEX", "inode 48.lcluster 0", /4096 stored bytes cannot be an extent of 8000/] as const),
  ],
  [
    "an algorithm of tomorrow",
    indexed(good, { algorithms: 7 }),
    ...(["UNSUPPORTED_COMPRESSION", "inode 48.lcluster 0", /algorithm 7/] as const),
  ],
  [
    "an algorithm that the superblock does not name",
    indexed(good, { algorithms: 3 }),
    ...(["MALFORMED_INDEX", "inode 48.lcluster 0", /zstd, which the superblock/] as const),
  ],
  [
    "an advise of tomorrow",
    indexed(good, { advise: 0x40 }),
    ...(["UNSUPPORTED_COMPRESSION", "inode 48.map", /0x40/] as const),
  ],
  [
    "compact indexes that disagree about big clusters",
    {
      layout: "compressedCompact",
      size: 8000,
      map: concatBytes([
        header({ advise: bigCluster2 }),
        pack(
          [
            ["head1", 0],
            ["nonhead", 1],
          ],
          0,
        ),
      ]),
    },
    ...(["MALFORMED_INDEX", "inode 48.map", /both heads/] as const),
  ],
  [
    "compact indexes of lclusters that are too large",
    {
      layout: "compressedCompact",
      size: 8000,
      map: concatBytes([
        header({ clusterBits: 3 }),
        pack(
          [
            ["head1", 0],
            ["nonhead", 1],
          ],
          0,
        ),
      ]),
    },
    ...(["UNSUPPORTED_COMPRESSION", "inode 48.lcluster", /lclusters of 32768 bytes/] as const),
  ],
  [
    "more steps back than a writer makes",
    indexed(
      [{ head: "head1", block: 1 }, ...Array.from({ length: 3999 }, () => ({ back: 1, ahead: 1 }))],
      {},
      { size: 4000 * 4096 },
    ),
    ...(["LIMIT_CLUSTER", "inode 48.(lcluster \\d+|data)", /indexes lead|larger than 12582912/] as const),
  ],
  [
    "a cluster behind the image",
    indexed([
      { head: "head1", block: 1000 },
      { back: 1, ahead: 1 },
    ]),
    ...(["MALFORMED_DATA", "inode 48.data", /ends at byte 4100096/] as const),
  ],
  [
    "a cluster that holds more",
    indexed(good, {}, { blocks: [lz4("a", 8001)] }),
    ...(["MALFORMED_CLUSTER", "inode 48.data", /does not decompress/] as const),
  ],
  [
    "a cluster that holds less",
    indexed(good, {}, { blocks: [lz4("a", 7999)] }),
    ...(["MALFORMED_CLUSTER", "inode 48.data", /holds 7999 bytes, expected 8000/] as const),
  ],
  [
    "a shared cluster that holds less",
    indexed(
      [
        { head: "head1", block: 1, partial: true },
        { back: 1, ahead: 1 },
      ],
      {},
      { blocks: [lz4("a", 7999)] },
    ),
    ...(["MALFORMED_CLUSTER", "inode 48.data", /holds 7999 bytes, expected 8000/] as const),
  ],
  [
    "a cluster of noise",
    indexed(good, {}, { blocks: [run("?", 4096)] }),
    ...(["MALFORMED_CLUSTER", "inode 48.data", /does not decompress/] as const),
  ],
  [
    "a cluster of zeros",
    indexed(good, {}, { blocks: [new Uint8Array(4096)] }),
    ...(["MALFORMED_CLUSTER", "inode 48.data", /4096 zeros/] as const),
  ],
  ...(["lzma", "deflate", "zstd"] as const).map(
    (name, index): Row => [
      `a cluster of noise for ${name}`,
      indexed(good, { algorithms: index + 1 }, { blocks: [run("?", 4096)], algorithms: 15 }),
      "MALFORMED_CLUSTER",
      "inode 48.data",
      /does not decompress/,
    ],
  ),
  [
    "an extent behind the indexes that crosses a block",
    indexed(good, { advise: inlineCluster, low: 4000 * 65536 }, { features: featureIncompat.ztailpacking }),
    ...(["MALFORMED_INDEX", "inode 48.lcluster 0", /cross a block/] as const),
  ],
  [
    "a fragment without a packed inode",
    indexed(
      [
        { head: "head1", block: 0 },
        { back: 1, ahead: 1 },
      ],
      { advise: fragment },
    ),
    ...(["MALFORMED_FRAGMENT", "superblock", /missing/] as const),
  ],
  [
    "a fragment behind the packed inode",
    indexed(
      [
        { head: "head1", block: 0 },
        { back: 1, ahead: 1 },
      ],
      { advise: fragment, low: 1 },
      {
        packed: { block: 1, size: 8000 },
        blocks: [run("a", 8192)],
      },
    ),
    ...(["MALFORMED_FRAGMENT", "inode 48.data", /8001 of 8000 of the packed/] as const),
  ],
  [
    "a fragment far behind the packed inode",
    indexed(
      [
        { head: "head1", block: 0xffffffff },
        { back: 1, ahead: 1 },
      ],
      { advise: fragment },
      {
        packed: { block: 1, size: 8000 },
        blocks: [run("a", 8192)],
      },
    ),
    ...(["MALFORMED_FRAGMENT", "inode 48.data", /of 8000 of the packed/] as const),
  ],
  [
    "a whole file that is farther than numbers go",
    { layout: "compressedFull", size: 100, map: header({ advise: 0xffff, clusterBits: 0xff }) },
    ...(["LIMIT_RANGE", "inode 48.map.fragment", /more than this program/] as const),
  ],
  [
    "more records than there is room for",
    recorded(16, [{ length: lz4Format + 4096, at: 4096 }], { low: 0xffffffff, algorithms: 0xff }),
    ...(["MALFORMED_INDEX", "inode 48.extent", /would end at byte/] as const),
  ],
  [
    "a record behind the data",
    recorded(
      16,
      [
        { length: lz4Format + 4096, at: 4096, start: 0 },
        { length: lz4Format + 4096, at: 4096, start: 9000 },
      ],
      { low: 2 },
    ),
    ...(["MALFORMED_INDEX", "inode 48.extent \\d", /not where it should be|of 8000/] as const),
  ],
  [
    "an extent of 13 MiB",
    recorded(16, [{ length: lz4Format + 4096, at: 4096 }], { low: 1 }, { size: 13 * 2 ** 20 }),
    ...(["LIMIT_CLUSTER", "inode 48.data", /13631488 bytes is larger/] as const),
  ],
  [
    "a record with an algorithm of tomorrow",
    recorded(16, [{ length: 6 * lz4Format + 4096, at: 4096 }], { low: 1 }),
    ...(["UNSUPPORTED_COMPRESSION", "inode 48.extent 0", /algorithm 5/] as const),
  ],
  [
    "a stored record shorter than its extent",
    recorded(8, [{ length: 4096, at: 4096 }], { clusterBits: 1 }),
    ...(["MALFORMED_INDEX", "inode 48.extent 0", /4096 stored bytes/] as const),
  ],
  [
    "an address beyond 2^53",
    recorded(16, [{ length: lz4Format + 4096, at: 2 ** 63 }], { low: 1 }),
    ...(["MALFORMED_DATA", "inode 48.data", /ends at byte/] as const),
  ],
];

describe("damage to compressed data", () => {
  test.each(rows)("%s", async (_, crafted, code, path, message) => {
    const image = craft(crafted);
    const error = await readAll(fromBytes(image)).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect((error as ErofsError).context.path).toMatch(new RegExp(`^${path}$`));
    expect(Number((error as ErofsError).context.offset)).toBeGreaterThan(0);
    const { findings } = await check(fromBytes(image));
    expect(findings.map((finding) => finding.code)).toContain(code);
    expect(findings.find((finding) => finding.code === code)?.path).toMatch(/^\/f$|^superblock/);
  });
});

describe("what only a check finds in compressed data", () => {
  test.each<Row>([
    [
      "an index that leads past the next head",
      indexed(
        [
          { head: "head1", block: 1 },
          { back: 1, ahead: 2 },
          { head: "head1", block: 1 },
        ],
        {},
        { size: 9000 },
      ),
      ...(["MALFORMED_INDEX", "/f", /leads to 3, past the head/] as const),
    ],
    [
      "records in the wrong order",
      recorded(
        16,
        [
          { length: lz4Format + 4096, at: 4096, start: 0 },
          { length: lz4Format + 4096, at: 4096, start: 7000 },
          { length: lz4Format + 4096, at: 4096, start: 3000 },
        ],
        { low: 3 },
        { blocks: [lz4("a", 7000)] },
      ),
      ...(["MALFORMED_INDEX", "/f", /the one before it at 7000/] as const),
    ],
    [
      "an index that leads behind the last",
      indexed([
        { head: "head1", block: 1 },
        { back: 1, ahead: 9 },
      ]),
      ...(["MALFORMED_INDEX", "/f", /leads 9 lclusters on, behind/] as const),
    ],
    [
      "a size amid an extent",
      indexed(
        [
          { head: "head1", block: 1 },
          { blocks: 1, ahead: 2 },
          { blocks: 1, ahead: 1 },
        ],
        { advise: bigCluster1 },
        { size: 12_000, blocks: [lz4("a", 12_000)], algorithms: 1 },
      ),
      ...(["MALFORMED_INDEX", "/f", /size of a cluster stands 2/] as const),
    ],
    [
      "clusters that are shared without the feature for it",
      indexed([
        { head: "head1", block: 1, partial: true },
        { head: "head1", block: 1, partial: true },
      ]),
      ...(["MALFORMED_OVERLAP", "/f", /is shared/] as const),
    ],
    [
      "extents that have all of a cluster, and not as much",
      indexed(
        [
          { head: "head1", block: 1 },
          { head: "head1", block: 1 },
        ],
        {},
        { features: featureIncompat.fragments },
      ),
      ...(["MALFORMED_CLUSTER", "/f", /3904 bytes of a cluster of 4096|4096 bytes of a cluster of 3904/] as const),
    ],
    [
      "a cluster that is stored for one and compressed for another",
      indexed(
        [
          { head: "plain", block: 1 },
          { head: "head1", block: 1, partial: true },
        ],
        {},
        {
          features: featureIncompat.fragments,
        },
      ),
      ...(["MALFORMED_CLUSTER", "/f", /in two ways/] as const),
    ],
    [
      "clusters that begin inside of others",
      recorded(
        16,
        [
          { length: lz4Format + 4096, at: 4096, start: 0 },
          { length: 100, at: 4196, start: 7900 },
        ],
        { low: 2 },
        { blocks: [lz4("a", 7900)] },
      ),
      ...(["MALFORMED_OVERLAP", "/f", /begins inside of/] as const),
    ],
    [
      "a cluster in the metadata",
      recorded(16, [{ length: 2560, at: 1536 }], { low: 1 }, { size: 2000 }),
      ...(["MALFORMED_OVERLAP", "/f?", /begins inside of/] as const),
    ],
  ])("%s", async (_, crafted, code, path, message) => {
    const { findings } = await check(fromBytes(craft(crafted)));
    const found = findings.filter((finding) => finding.code === code && message.test(finding.message));
    expect(found.map((finding) => finding.path)[0]).toMatch(new RegExp(`^${path}$`));
  });

  test("indexes that are not there are found where they are wanted", async () => {
    const image = fromBytes(craft(indexed(good, {}, { size: 0xffffffff })));
    const opened = await open(image);
    const content = (await (await opened.root()).lookup("f" as Name))?.content();
    const last = content?.open().read(content.size - 1, content.size);
    await expect(last).rejects.toMatchObject({ code: "MALFORMED_TRUNCATED", context: { path: "inode 48.lcluster" } });
    expect((await check(image)).findings.map(({ code }) => code)).toContain("MALFORMED_TRUNCATED");
  });

  test("what decompresses to more than a check will do is counted", async () => {
    const image = fromBytes(craft(indexed(good)));
    const report = await check(image, { maxDecodedBytes: 7999 });
    expect(report).toMatchObject({ clusters: 0, decodedBytes: 0, compressed: 1 });
    expect(report.findings).toMatchObject([{ code: "LIMIT_CLUSTER", message: /^1 clusters hold more/ }]);
    expect(await check(image)).toMatchObject({ clusters: 1, decodedBytes: 8000, findings: [] });
  });
});

describe("what the superblock says of algorithms", () => {
  const size = (count: number) => Uint8Array.of(count, 0);
  const lz4Configs = (maxClusterBlocks: number) =>
    concatBytes([size(14), lz4ConfigRecord.encode({ maxDistance: 0, maxClusterBlocks, reserved: new Uint8Array(10) })]);
  const zstdConfigs = (windowLog2: number, format = 0) =>
    concatBytes([size(6), zstdConfigRecord.encode({ format, windowLog2, reserved: new Uint8Array(4) })]);
  const lzmaConfigs = (dictionaryBytes: number, format = 0) =>
    concatBytes([size(14), lzmaConfigRecord.encode({ dictionaryBytes, format, reserved: new Uint8Array(8) })]);
  const zstd = { map: full(header({ algorithms: 3 }), good), blocks: [padded(zstdRun("a", 8000))] };

  test.each<readonly [string, Partial<Crafted>, FindingCode, string, RegExp]>([
    [
      "LZ4 in clusters of 2 MiB",
      { algorithms: 1, configs: lz4Configs(512) },
      "MALFORMED_SUPERBLOCK",
      "superblock",
      /2097152/,
    ],
    ["half of a configuration", { algorithms: 1, configs: size(13) }, "MALFORMED_SUPERBLOCK", "superblock", /13 bytes/],
    [
      "zstd with a window of 2 MiB",
      { algorithms: 9, configs: concatBytes([lz4Configs(1), zstdConfigs(11)]) },
      "MALFORMED_SUPERBLOCK",
      "superblock",
      /2097152/,
    ],
    [
      "zstd in a new format",
      { algorithms: 8, configs: zstdConfigs(0, 1), ...zstd },
      "UNSUPPORTED_COMPRESSION",
      "superblock",
      /zstd has the unknown format 1/,
    ],
    [
      "lzma in a new format",
      { algorithms: 3, configs: concatBytes([lz4Configs(1), lzmaConfigs(4096, 1)]) },
      "UNSUPPORTED_COMPRESSION",
      "superblock",
      /lzma has the unknown format 1/,
    ],
    [
      "lzma with a dictionary of 16 MiB",
      { algorithms: 3, configs: concatBytes([lz4Configs(1), lzmaConfigs(2 ** 24)]) },
      "MALFORMED_SUPERBLOCK",
      "superblock",
      /16777216/,
    ],
    [
      "deflate with a window of 64 KiB",
      { algorithms: 5, configs: concatBytes([lz4Configs(1), size(6), Uint8Array.of(16, 0, 0, 0, 0, 0)]) },
      "MALFORMED_SUPERBLOCK",
      "superblock",
      /65536/,
    ],
    [
      "a frame that needs more than the window",
      { algorithms: 8, configs: zstdConfigs(0), ...zstd, size: 8000 },
      "MALFORMED_CLUSTER",
      "/f",
      /window of 8000 bytes, the superblock says 1024/,
    ],
    [
      "a cluster of two blocks where there are none",
      {
        map: full(header({ advise: bigCluster1 }), [
          { head: "head1", block: 1 },
          { blocks: 2, ahead: 1 },
        ]),
        blocks: [padded(lz4Run(97, 8000, 4097), 2)],
        algorithms: 1,
        configs: lz4Configs(1),
      },
      ...(["MALFORMED_CLUSTER", "/f", /larger than the superblock says, 4096/] as const),
    ],
  ])("%s is refused by a check", async (_, change, code, path, message) => {
    const { findings } = await check(fromBytes(craft(indexed(good, {}, change))));
    expect(findings).toMatchObject([{ code, path, message: expect.stringMatching(message) }]);
  });

  test("what they say is taken", async () => {
    const enough = { algorithms: 8, configs: zstdConfigs(3), ...zstd };
    expect((await check(fromBytes(craft(indexed(good, {}, enough))))).findings).toEqual([]);
  });

  test.each<readonly [string, readonly number[], number | undefined]>([
    ["a single segment, its size in a byte", [0x20, 200], 200],
    ["in two", [0x60, 0, 1], 512],
    ["in four, behind a dictionary's id", [0xa1, 9, 0, 0, 1, 0], 65536],
    ["in eight", [0xe0, 0, 0, 0, 0, 1, 0, 0, 0], 2 ** 32],
    ["a window of its own", [0x00, (5 << 3) | 3], 32768 + 3 * 4096],
    ["half a header", [0x60, 0], undefined],
    ["nothing", [], undefined],
  ])("zstd's windows: %s", (_, bytes, expected) => {
    expect(zstdWindow(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, ...bytes))).toBe(expected);
  });
});

describe("superblocks of compressed images", () => {
  const { offsets } = superblockRecord;
  const superblock = (change: (view: DataView) => void) => {
    const image = craft(indexed(good, {}, { algorithms: 1 }));
    change(viewOf(image.subarray(superOffset)));
    return open(fromBytes(image));
  };

  test("an algorithm of tomorrow is refused", async () => {
    await expect(superblock((view) => view.setUint16(offsets.compression, 0x11, true))).rejects.toMatchObject({
      code: "UNSUPPORTED_COMPRESSION",
      context: { path: "superblock.compression" },
    });
  });

  test("inodes that others depend on are not in the metabox", async () => {
    const boxed = (view: DataView, offset: number) => view.setBigUint64(offset, (1n << 63n) + 5n, true);
    await expect(superblock((view) => boxed(view, offsets.packedNid))).rejects.toMatchObject({
      code: "MALFORMED_SUPERBLOCK",
      context: { path: "superblock.packedNid" },
    });
    const metabox = superblock((view) => {
      view.setUint8(offsets.extensionSlots, 1);
      view.setUint32(offsets.featureIncompat, featureIncompat.metabox, true);
      boxed(view, superblockRecord.size);
    });
    await expect(metabox).rejects.toMatchObject({
      code: "MALFORMED_SUPERBLOCK",
      context: { path: "superblock.metaboxNid" },
    });
  });

  test("the packed inode cannot be a part of itself", async () => {
    const image = craft(
      indexed(
        [
          { head: "head1", block: 0 },
          { back: 1, ahead: 1 },
        ],
        { advise: fragment },
      ),
    );
    viewOf(image).setBigUint64(superOffset + offsets.packedNid, 48n, true);
    const error = await readAll(fromBytes(image)).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "MALFORMED_FRAGMENT", message: /in itself/ });
    expect((await check(fromBytes(image))).findings.map(({ code }) => code)).toContain("MALFORMED_FRAGMENT");
  });
});
