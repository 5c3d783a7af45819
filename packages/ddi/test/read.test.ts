import { type ByteSource, counted, equalBytes, fromBytes, slice, zeros } from "@sextant/bytes";
import { describe, expect, test } from "vitest";
import {
  chooseSets,
  defaultHeadBytes,
  looksLikeDdi,
  open,
  type PartitionArchitecture,
  type PartitionRole,
  partitionSets,
  partitionType,
  readSignature,
} from "../src/index.js";
import { anyFilesystem, imageNames, makeImage, makeSigned, oracleImage } from "./oracle.js";
import { flipBit, patchTable } from "./patch.js";

describe("requests", () => {
  test.each([512, 4096] as const)("opening costs one of 32 KiB, with sectors of %i bytes", async (sectorBytes) => {
    const source = counted(fromBytes(await makeImage({ sectorBytes })));
    const ddi = await open(source);
    expect(source.count).toEqual({ requests: 1, bytes: defaultHeadBytes });
    // The first blocks of the filesystem have come along.
    const [data] = ddi.partitions;
    await data?.source.read(0, 4096);
    await data?.source.read(1024, 8192);
    expect(source.count.requests).toBe(1);
    await data?.source.read(8192, 16384);
    expect(source.count).toEqual({ requests: 2, bytes: defaultHeadBytes + 8192 });
  });

  test("size does not matter: 200 MB", async () => {
    const small = await makeImage();
    const middle = 200_000_256;
    const huge: ByteSource = {
      size: middle,
      read: (start, end) =>
        start < small.length
          ? fromBytes(small).read(start, Math.min(end, small.length))
          : zeros(middle).read(start, end),
    };
    const source = counted(huge);
    const { warnings } = await open(source);
    expect(warnings.map(({ code }) => code)).toEqual(["trailing-data"]);
    expect(source.count).toEqual({ requests: 1, bytes: defaultHeadBytes });
  });

  test("a signature costs one more, of its partition's size", async () => {
    const source = counted(fromBytes(await makeSigned()));
    const signature = (await open(source)).partitions.find(({ kind }) => kind === "verity-sig");
    if (signature) await readSignature(signature);
    expect(source.count).toEqual({ requests: 2, bytes: defaultHeadBytes + 16384 });
  });

  test("a damaged primary table costs one more, of 20 KiB", async () => {
    const source = counted(fromBytes(flipBit(await makeImage(), 8 * 600)));
    expect((await open(source)).usedBackup).toBe(true);
    expect(source.count).toEqual({ requests: 2, bytes: defaultHeadBytes + 20480 });
  });

  test("a smaller head is made up to what tells the sector size", async () => {
    const source = counted(fromBytes(await makeImage()));
    await open(source, { headBytes: 0 });
    // Only the entries lie beyond 8 KiB.
    expect(source.count).toEqual({ requests: 2, bytes: 8192 + 16384 });
  });
});

describe("damaged primary tables", () => {
  test.each(imageNames)("%s reads the same from its backup", async (name) => {
    const image = oracleImage(name);
    const good = await open(fromBytes(image));
    for (const at of [0, 40, 1].map((byte) => good.sectorBytes + byte).concat(2 * good.sectorBytes + 60)) {
      const { partitions, usedBackup, warnings, diskGuid } = await open(fromBytes(flipBit(image, 8 * at)));
      expect(usedBackup).toBe(true);
      expect(warnings[0]).toMatchObject({ code: "used-backup" });
      expect(diskGuid).toBe(good.diskGuid);
      const facts = (list: typeof partitions) => list.map(({ source: _, ...facts }) => facts);
      expect(facts(partitions)).toEqual(facts(good.partitions));
    }
  });

  test("the warning says what is wrong and where", async () => {
    const { warnings } = await open(fromBytes(flipBit(await makeImage(), 8 * (1024 + 3))));
    expect(warnings).toEqual([
      {
        code: "used-backup",
        message: expect.stringMatching(
          /^the primary partition table is damaged, the backup is used: the checksum of the partition entries is 0x/,
        ),
        path: "entries",
        offset: 1024,
      },
    ]);
  });

  test.each([512, 4096] as const)("a primary header of zeros, with sectors of %i bytes", async (sectorBytes) => {
    const image = await makeImage({ sectorBytes });
    image.fill(0, sectorBytes, 2 * sectorBytes);
    expect(await open(fromBytes(image))).toMatchObject({ usedBackup: true, sectorBytes, partitions: { length: 2 } });
  });
});

describe("partitions", () => {
  test("attributes are told apart", async () => {
    const image = await makeImage({ verity: "none" });
    const attributes = (1n << 63n) | (1n << 59n) | 1n;
    const { partitions } = await open(fromBytes(patchTable(image, { entries: { 0: { attributes } } })));
    expect(partitions).toMatchObject([
      { attributes, noAuto: true, growFileSystem: true, readOnly: false, ignored: true, start: 20480, size: 40960 },
    ]);
  });

  test("holes in the table keep their numbers", async () => {
    const uuid = "11111111-2222-4333-8444-555555555555";
    const image = patchTable(await makeImage({ verity: "none", partitionBytes: { data: 1 << 20 } }), {
      entries: {
        0: { lastLba: 1000n },
        127: {
          type: "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
          uuid,
          firstLba: 1001n,
          lastLba: 1001n,
          label: "ESP",
          attributes: 0n,
        },
      },
    });
    const { partitions } = await open(fromBytes(image));
    expect(partitions.map(({ index, designator, role, size }) => [index, designator, role, size])).toEqual([
      [0, "root-x86-64", "root", 961 * 512],
      [127, "esp", undefined, 512],
    ]);
  });

  test("each is a source of its own", async () => {
    const image = oracleImage("probe-sysext");
    for (const { source, start, size } of (await open(fromBytes(image))).partitions) {
      expect(source.size).toBe(size);
      expect(equalBytes(await source.read(0, size), image.subarray(start, start + size))).toBe(true);
    }
  });
});

describe("which filesystem an image is about", () => {
  type Entry = readonly [role: PartitionRole, architecture: PartitionArchitecture, label?: string];
  const table = async (...entries: readonly Entry[]) => {
    const image = await makeImage({ verity: "none", partitionBytes: { data: 1 << 20 } });
    const changes = entries.map(([role, architecture, label = "x"], index) => [
      index,
      {
        type: partitionType(role, architecture, "data").guid,
        uuid: `00000000-0000-4000-8000-00000000000${index}`,
        firstLba: BigInt(40 + 8 * index),
        lastLba: BigInt(47 + 8 * index),
        label,
      },
    ]);
    return await open(fromBytes(patchTable(image, { entries: Object.fromEntries(changes) })));
  };
  const chosen = async (entries: readonly Entry[], options: Parameters<typeof chooseSets>[1]) =>
    chooseSets(await table(...entries), options).map(({ data }) => data.designator);

  test.each([
    [
      "the machine's own",
      [
        ["root", "arm64"],
        ["root", "x86-64"],
      ],
      { architecture: "x86-64" },
      ["root-x86-64"],
    ],
    [
      "the second choice",
      [
        ["root", "arm64"],
        ["root", "x86"],
      ],
      { architecture: "x86-64", secondary: "x86" },
      ["root-x86"],
    ],
    [
      "any other, the first",
      [
        ["root", "arm64"],
        ["root", "s390x"],
      ],
      { architecture: "x86-64" },
      ["root-arm64"],
    ],
    [
      "root before /usr",
      [
        ["usr", "x86-64"],
        ["root", "arm64"],
      ],
      { architecture: "x86-64" },
      ["root-arm64", "usr-x86-64"],
    ],
    ["/usr alone", [["usr", "x86-64"]], {}, ["usr-x86-64"]],
    [
      "not what is marked empty",
      [
        ["root", "x86-64", "_empty"],
        ["root", "arm64"],
      ],
      { architecture: "x86-64" },
      ["root-arm64"],
    ],
  ] as const)("%s", async (_, entries, options, expected) => {
    expect(await chosen(entries, options)).toEqual(expected);
  });

  test("two of a kind are no ambiguity if one is marked empty", async () => {
    const ddi = await table(["root", "x86-64"], ["root", "x86-64", "_empty"]);
    expect(partitionSets(ddi).map(({ data }) => data.index)).toEqual([0]);
  });

  test("one generic partition counts, two do not", async () => {
    const image = await makeImage({ verity: "none", partitionBytes: { data: 1 << 20 } });
    const type = "0fc63daf-8483-4772-8e79-3d69d8477de4";
    const one = patchTable(image, { entries: { 0: { type, lastLba: 100n } } });
    expect(partitionSets(await open(fromBytes(one)))).toMatchObject([{ role: "root", data: { index: 0 } }]);
    const two = patchTable(one, {
      entries: { 1: { type, uuid: "00000000-0000-4000-8000-000000000001", firstLba: 200n, lastLba: 201n } },
    });
    expect(partitionSets(await open(fromBytes(two)))).toEqual([]);
  });

  test("verity and signature go with their filesystem", async () => {
    const [set, ...more] = partitionSets(await open(fromBytes(oracleImage("probe-sysext"))));
    expect(more).toEqual([]);
    expect([set?.data, set?.verity, set?.signature].map((one) => one?.designator)).toEqual([
      "root-x86-64",
      "root-x86-64-verity",
      "root-x86-64-verity-sig",
    ]);
  });
});

describe("what is none of our business", () => {
  test("is told apart by its first bytes", async () => {
    expect(looksLikeDdi((await makeImage()).subarray(0, 8192))).toBe(true);
    expect(looksLikeDdi((await makeImage({ sectorBytes: 4096 })).subarray(0, 8192))).toBe(true);
    expect(looksLikeDdi(new Uint8Array(8192))).toBe(false);
    expect(looksLikeDdi(new Uint8Array(0))).toBe(false);
    expect(looksLikeDdi(await anyFilesystem(8192).read(0, 8192))).toBe(false);
    const mbrLost = (await makeImage()).fill(0, 0, 512);
    expect(looksLikeDdi(mbrLost)).toBe(true);
  });

  test("a source that fails is not damage", async () => {
    const image = fromBytes(await makeImage());
    const failing: ByteSource = {
      size: image.size,
      read: async () => Promise.reject(new Error("the network is down")),
    };
    await expect(open(failing)).rejects.toThrow("the network is down");
    const ddi = await open(slice(image, 0));
    expect(ddi.usedBackup).toBe(false);
  });
});
