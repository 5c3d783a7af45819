import {
  type ByteSource,
  collectChunks,
  concatBytes,
  counted,
  equalBytes,
  fromBytes,
  fromHex,
  toHex,
} from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import { buildVerity } from "@sextant/verity";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  attachSignature,
  check,
  emit,
  emitPartition,
  emitTables,
  encodeTables,
  layoutDdi,
  open,
  partitionArchitectures,
  plan,
  planDdi,
  signRootHash,
} from "../src/index.js";
import {
  anyFilesystem,
  build,
  makeImage,
  makeSigned,
  oracleCertificates,
  oracleSigner,
  seed,
  someOptions,
} from "./oracle.js";

describe("layouts", () => {
  const shape = (bytes: number, options: Partial<Parameters<typeof layoutDdi>[1]> = {}) => {
    const { slots, sizeBytes } = layoutDdi(bytes, { ...someOptions, ...options });
    return [...slots.map(({ kind, start, size }) => `${kind} ${start}+${size}`), sizeBytes];
  };

  test.each([
    ["none", { verity: "none" }, 1, ["data 20480+4096", 24576 + 33 * 512]],
    ["one block, whose digest is the root hash", {}, 4096, ["data 20480+4096", "verity 24576+4096", 28672 + 33 * 512]],
    ["one byte more", {}, 4097, ["data 20480+8192", "verity 28672+8192", 36864 + 33 * 512]],
    ["128 blocks under one", {}, 128 * 4096, ["data 20480+524288", "verity 544768+8192", 552960 + 33 * 512]],
    ["129 blocks under three", {}, 129 * 4096, ["data 20480+528384", "verity 548864+16384", 565248 + 33 * 512]],
    [
      "a signature",
      { verity: "signed" },
      4096,
      ["data 20480+4096", "verity 24576+4096", "verity-sig 28672+16384", 45056 + 33 * 512],
    ],
    [
      "room for one",
      { verity: "deferred" },
      4096,
      ["data 20480+4096", "verity 24576+4096", "verity-sig 28672+16384", 45056 + 33 * 512],
    ],
    [
      "small verity blocks",
      { verityBlockBytes: 512 },
      4097,
      ["data 20480+8192", "verity 28672+4096", 32768 + 33 * 512],
    ],
    [
      "large verity blocks",
      { verityBlockBytes: 65536 },
      4097,
      ["data 20480+65536", "verity 86016+65536", 151552 + 33 * 512],
    ],
    ["large sectors", { sectorBytes: 4096 }, 4096, ["data 24576+4096", "verity 28672+4096", 32768 + 5 * 4096]],
    [
      "given sizes",
      { partitionBytes: { data: 1 << 20, verity: 65536 } },
      4096,
      ["data 20480+1048576", "verity 1069056+65536", 1134592 + 33 * 512],
    ],
  ] as const)("%s", (_, options, bytes, expected) => {
    expect(shape(bytes, options)).toEqual(expected);
  });

  test("a TiB is laid out without reading a byte of it", () => {
    const { sizeBytes, verity } = layoutDdi(2 ** 40, someOptions);
    expect(verity?.params.dataBlocks).toBe(2 ** 28);
    expect(sizeBytes).toBeGreaterThan(2 ** 40 + 2 ** 33);
  });

  test.each([
    ["a seed of 15 bytes", 4096, { seed: new Uint8Array(15) }],
    ["no filesystem", 0, {}],
    ["half a byte", 0.5, {}],
    ["a data partition that is too small", 8192, { partitionBytes: { data: 4096 } }],
    ["a verity partition that is too small", 8192, { partitionBytes: { verity: 4096 } }],
    ["a partition that is not a multiple of 4096", 4096, { partitionBytes: { data: 4608 } }],
    ["an empty signature partition", 4096, { verity: "signed", partitionBytes: { "verity-sig": 0 } }],
    ["verity blocks of 1000 bytes", 4096, { verityBlockBytes: 1000 }],
    ["a label of 37 units", 4096, { labels: { data: "x".repeat(37) } }],
    ["more than can be addressed", Number.MAX_SAFE_INTEGER, { verity: "none" }],
  ] as const)("%s is the caller's error", (_, bytes, options) => {
    expect(() => layoutDdi(bytes, { ...someOptions, ...options })).toThrow(RangeError);
  });
});

describe("plans", () => {
  const filesystem = anyFilesystem(40960);
  const layout = layoutDdi(filesystem.size, { ...someOptions, verity: "signed" });
  const tree = () => buildVerity(filesystem, { ...layout.verity?.params, hasher: nodeHasher });

  test("data and verity partition are named by the root hash, the rest by the seed", async () => {
    const { partitions, rootHash } = await plan(filesystem, {
      ...someOptions,
      verity: "signed",
      signer: await oracleSigner(),
    });
    const uuids = partitions.map(({ uuid }) => uuid.replaceAll("-", ""));
    expect(uuids[0]).toBe(toHex(rootHash ?? new Uint8Array()).slice(0, 32));
    expect(uuids[1]).toBe(toHex(rootHash ?? new Uint8Array()).slice(32));
    expect(partitions[2]?.uuid).toBe("ca977224-9a98-40c9-bef7-eae884d35446");
    const bare = await plan(filesystem, { ...someOptions, verity: "none" });
    expect(bare).toMatchObject({
      rootHash: undefined,
      partitions: [{ kind: "data", uuid: layout.slots[0]?.seedUuid }],
    });
  });

  test("what does not go together is the caller's error", async () => {
    const signature = await signRootHash(await oracleSigner(), (await tree()).rootHash);
    const other = await signRootHash(await oracleSigner(), new Uint8Array(32));
    const unsalted = await buildVerity(filesystem, { hasher: nodeHasher });
    const cases = [
      { filesystem: anyFilesystem(8192), tree: await tree(), signature },
      { filesystem, signature },
      { filesystem, tree: await tree() },
      { filesystem, tree: await tree(), signature: other },
      { filesystem, tree: unsalted, signature: await signRootHash(await oracleSigner(), unsalted.rootHash) },
    ];
    for (const content of cases) expect(() => planDdi(layout, content)).toThrow(RangeError);
    expect(() => planDdi(layout, { filesystem })).toThrow("a verity tree does not go with mode signed");
    await expect(plan(filesystem, { ...someOptions, verity: "signed" })).rejects.toThrow("no signer for mode signed");
    await expect(plan(filesystem, { ...someOptions, signer: await oracleSigner() })).rejects.toThrow(
      "a signer for mode unsigned",
    );
  });

  test("a signature that does not fit its partition is refused before anything is written", async () => {
    const signer = await oracleSigner();
    const options = { ...someOptions, verity: "signed", partitionBytes: { "verity-sig": 4096 }, signer } as const;
    expect((await plan(filesystem, options)).partitions.length).toBe(3);
    const content = {
      filesystem,
      tree: await tree(),
      signature: { rootHash: (await tree()).rootHash, signature: new Uint8Array(12289) },
    };
    expect(() => planDdi(layout, content)).toThrow(expect.objectContaining({ code: "LIMIT_SIGNATURE" }));
  });

  test("signed now or later, the bytes are the same", async () => {
    const signer = await oracleSigner();
    const deferred = await plan(filesystem, { ...someOptions, verity: "deferred" });
    const signature = await signRootHash(signer, deferred.rootHash ?? new Uint8Array());
    const later = await build(attachSignature(deferred, signature));
    expect(equalBytes(later, await build(await plan(filesystem, { ...someOptions, verity: "signed", signer })))).toBe(
      true,
    );
    // Between the two steps only the tables change, and the signature comes.
    const before = await build(deferred);
    const start = deferred.layout.slots.at(-1)?.start ?? 0;
    expect(equalBytes(before.subarray(17408, start), later.subarray(17408, start))).toBe(true);
    expect(before.subarray(start, start + 16384).every((byte) => byte === 0)).toBe(true);
  });

  test("the hasher and who hashes make no difference", async () => {
    const { hasher: _, ...portable } = someOptions;
    const hashTree = (data: ByteSource, params: Parameters<typeof buildVerity>[1]) => buildVerity(data, params);
    const images = await Promise.all(
      [plan(filesystem, portable), plan(filesystem, someOptions), plan(filesystem, { ...someOptions, hashTree })].map(
        async (made) => build(await made),
      ),
    );
    for (const image of images) expect(equalBytes(image, images[0] ?? image)).toBe(true);
  });
});

describe("writing", () => {
  test("the filesystem is read once to hash it and once to write it", async () => {
    const source = counted(anyFilesystem(3 << 20));
    const made = await plan(source, someOptions);
    expect(source.count.bytes).toBe(3 << 20);
    await collectChunks(emit(made), made.layout.sizeBytes);
    expect(source.count.bytes).toBe(6 << 20);
  });

  test("the tables come last", async () => {
    const made = await plan(anyFilesystem(8192), someOptions);
    const offsets: number[] = [];
    for await (const { offset } of emit(made)) offsets.push(offset);
    const { primary, backup } = encodeTables(made);
    expect(offsets).toEqual([20480, 28672, 32768, 0, made.layout.sizeBytes - backup.length]);
    expect(primary.length).toBe(17408);
  });

  test("somebody else may write the filesystem", async () => {
    const filesystem = anyFilesystem(40960);
    const layout = layoutDdi(filesystem.size, someOptions);
    const tree = await buildVerity(filesystem, { ...layout.verity?.params, hasher: nodeHasher });
    const made = planDdi(layout, { tree });
    const image = new Uint8Array(layout.sizeBytes);
    image.set(await filesystem.read(0, filesystem.size), layout.slots[0]?.start);
    for (const { offset, bytes } of emitTables(made)) image.set(bytes, offset);
    for (const kind of ["data", "verity", "verity-sig"] as const) {
      for await (const { offset, bytes } of emitPartition(made, kind)) image.set(bytes, offset);
    }
    expect(equalBytes(image, await makeImage())).toBe(true);
  });

  test("a filesystem that ends within a block is filled up with zeros, which verity covers", async () => {
    const image = await makeImage({}, 40961);
    const filled = concatBytes([await anyFilesystem(40961).read(0, 40961), new Uint8Array(4095)]);
    const other = await build(await plan(fromBytes(filled), someOptions));
    expect(equalBytes(image, other)).toBe(true);
  });
});

describe("properties", () => {
  const options = fc.record({
    seed: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    architecture: fc.constantFrom(...partitionArchitectures),
    role: fc.constantFrom("root" as const, "usr" as const),
    sectorBytes: fc.constantFrom(512 as const, 4096 as const),
    verity: fc.constantFrom("none" as const, "unsigned" as const, "signed" as const, "deferred" as const),
    verityBlockBytes: fc.constantFrom(512, 4096, 65536),
    labels: fc.record(
      {
        data: fc.string({ maxLength: 36, minLength: 1, unit: "binary-ascii" }).filter((label) => !label.includes("\0")),
      },
      { requiredKeys: [] },
    ),
    partitionBytes: fc.record({ data: fc.constantFrom(1 << 20, (1 << 20) + 4096) }, { requiredKeys: [] }),
  });
  const sizes = fc.oneof(
    fc.constantFrom(1, 4095, 4096, 4097, 128 * 4096, 129 * 4096),
    fc.integer({ min: 1, max: 600_000 }),
  );

  test("what is planned is read back, and passes the check", async () => {
    const signer = await oracleSigner();
    await fc.assert(
      fc.asyncProperty(sizes, options, async (bytes, chosen) => {
        const made = await plan(anyFilesystem(bytes), {
          ...chosen,
          hasher: nodeHasher,
          ...(chosen.verity === "signed" ? { signer } : {}),
        });
        const image = await build(made);
        const ddi = await open(fromBytes(image));
        expect(ddi).toMatchObject({ sectorBytes: chosen.sectorBytes, diskGuid: made.layout.diskGuid, warnings: [] });
        expect(
          ddi.partitions.map(({ kind, type, uuid, label, attributes, start, size }) => ({
            kind,
            type,
            uuid,
            label,
            attributes,
            start,
            size,
          })),
        ).toEqual(made.partitions);
        const report = await check(fromBytes(image), {
          hasher: nodeHasher,
          certificates: oracleCertificates,
          allowUnsigned: chosen.verity !== "signed",
        });
        expect(report.findings).toEqual([]);
      }),
      { seed: 20261123, numRuns: 60 },
    );
  });

  test("another seed changes identifiers and salt, nothing else", async () => {
    const one = await open(fromBytes(await makeSigned()));
    const two = await open(fromBytes(await makeSigned({ seed: fromHex("00".repeat(16)) })));
    expect(two.diskGuid).not.toBe(one.diskGuid);
    expect(two.partitions.map(({ uuid }) => uuid)).not.toEqual(one.partitions.map(({ uuid }) => uuid));
    expect(two.partitions.map(({ start, size, label }) => [start, size, label])).toEqual(
      one.partitions.map(({ start, size, label }) => [start, size, label]),
    );
    expect(seed.length).toBe(16);
  });
});
