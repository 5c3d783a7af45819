import { type ByteSource, BytesError, fromBytes } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import { mutations } from "@sextant/testkit";
import { checkVerity, decodeSuperblock, openHashArea, superblock, VerityError, verifiedSource } from "@sextant/verity";
import { describe, expect, test } from "vitest";
import { type Sealed, sealed } from "./sealed.js";

const small = { dataBlockBytes: 512, hashBlockBytes: 512, salt: Uint8Array.of(1, 2, 3) } as const;

/** A good hash area with some bytes replaced. */
function changed({ area }: Sealed, field: keyof typeof superblock.offsets, bytes: readonly number[]): Uint8Array {
  const copy = area.slice();
  copy.set(bytes, superblock.offsets[field]);
  return copy;
}

async function openError(area: Uint8Array | ByteSource): Promise<unknown> {
  try {
    await openHashArea(area instanceof Uint8Array ? fromBytes(area, "hash") : area);
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

describe("a superblock that is refused", () => {
  const le64 = (value: bigint) => Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
  type Row = [field: keyof typeof superblock.offsets, bytes: number[], code: string, message: RegExp];
  test.each<Row>([
    ["signature", [0x56], "MALFORMED_SUPERBLOCK", /not a verity superblock/],
    ["signature", [0x76, 0x65, 0x72, 0x69, 0x74, 0x79, 0, 1], "MALFORMED_SUPERBLOCK", /not a verity superblock/],
    ["version", [0], "UNSUPPORTED_VERSION", /version 0 is not 1/],
    ["version", [1, 0, 0, 1], "UNSUPPORTED_VERSION", /version 16777217 is not 1/],
    ["hashType", [2], "UNSUPPORTED_HASH_TYPE", /hash type 2/],
    ["hashType", [255, 255, 255, 255], "UNSUPPORTED_HASH_TYPE", /hash type 4294967295/],
    ["algorithm", [0], "UNSUPPORTED_ALGORITHM", /hash algorithm "" is/],
    ["algorithm", [0x73, 0x68, 0x61, 0x31, 0], "UNSUPPORTED_ALGORITHM", /hash algorithm "sha1" is not/],
    ["algorithm", Array(32).fill(0x78), "UNSUPPORTED_ALGORITHM", /hash algorithm "x{32}" is/],
    ["algorithm", [0x76, 0x61, 0x6c, 0x75, 0x65, 0x4f, 0x66, 0], "UNSUPPORTED_ALGORITHM", /"valueOf"/],
    ["dataBlockBytes", [0, 1], "UNSUPPORTED_BLOCK_SIZE", /block size of 256/],
    ["dataBlockBytes", [0, 0, 2], "UNSUPPORTED_BLOCK_SIZE", /block size of 131072/],
    ["dataBlockBytes", [0, 3], "UNSUPPORTED_BLOCK_SIZE", /block size of 768/],
    ["hashBlockBytes", [0, 0], "UNSUPPORTED_BLOCK_SIZE", /block size of 0/],
    ["hashBlockBytes", [0, 0, 0, 128], "UNSUPPORTED_BLOCK_SIZE", /block size of 2147483648/],
    ["saltBytes", [1, 1], "MALFORMED_SUPERBLOCK", /salt of 257 bytes/],
    ["dataBlocks", le64(0n), "MALFORMED_SUPERBLOCK", /no data blocks/],
    ["dataBlocks", le64(1n << 53n), "LIMIT_RANGE", /superblock.dataBlocks is 9007199254740992/],
    ["dataBlocks", le64((1n << 64n) - 1n), "LIMIT_RANGE", /superblock.dataBlocks/],
    ["dataBlocks", le64((1n << 53n) - 1n), "LIMIT_TREE_BYTES", /9007199254740991 data blocks are more/],
    ["dataBlocks", le64(1n << 43n), "MALFORMED_HASH_AREA", /\d+ bytes, 11264 are left/],
    ["dataBlocks", le64(305n), "MALFORMED_HASH_AREA", /has 11776 bytes, 11264 are left/],
  ])("for %s %j", async (field, bytes, code, message) => {
    const error = await openError(changed(await sealed(300, small), field, bytes));
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect((error as VerityError).context.path).toMatch(
      code === "MALFORMED_HASH_AREA" ? "tree" : `superblock.${field}`,
    );
  });

  test("tells where it stands", async () => {
    const { area } = await sealed(3, small);
    area[superblock.offsets.version] = 9;
    const error = new VerityError("UNSUPPORTED_VERSION", "superblock version 9 is not 1", {
      path: "superblock.version",
      offset: 4096 + 8,
      source: "image",
    });
    expect(() => decodeSuperblock(area.subarray(0, 512), 4096, "image")).toThrow(error);
  });
});

test("a hash area that ends anywhere too early is refused where it is opened", async () => {
  const { area } = await sealed(300, small);
  for (const size of [0, 1, 511, 512, 513, 1024, area.length - 1]) {
    const expected = { code: "MALFORMED_HASH_AREA", context: { source: "hash" } };
    expect(await openError(area.subarray(0, size))).toMatchObject(expected);
  }
  const beyond = await openHashArea(fromBytes(area), { offset: 2 ** 40 }).catch((error: unknown) => error);
  expect(beyond).toMatchObject({ code: "MALFORMED_HASH_AREA", context: { path: "superblock", offset: 2 ** 40 } });
});

test("a superblock that claims four pebibytes costs nothing where the sources are as large, and reads only its path", async () => {
  const whole = await sealed(300, { hashBlockBytes: 4096 });
  // 2^40 blocks of 4096 bytes: a tree of six levels, on which only the two of the real tree fit.
  const area = changed(whole, "dataBlocks", [0, 0, 0, 0, 0, 1, 0, 0]);
  const asked: number[] = [];
  const endless = (bytes: Uint8Array): ByteSource => ({
    size: Number.MAX_SAFE_INTEGER,
    read: async (start, end) => {
      asked.push(end - start);
      const result = new Uint8Array(end - start);
      if (start < bytes.length) result.set(bytes.subarray(start, end));
      return result;
    },
  });
  const opened = await openHashArea(endless(area));
  const source = verifiedSource(endless(whole.data), opened, whole.tree.rootHash, { hasher: nodeHasher });
  await expect(source.read(0, 1)).rejects.toMatchObject({ code: "MISMATCH_TREE_BLOCK", context: { level: 3 } });
  // The superblock, one block of each level, one data block.
  expect(asked).toEqual([512, 4096, 4096, 4096, 4096, 4096, 4096, 4096]);
});

test("damaged hash areas are refused or reported, and pass only where nothing that is protected differs", async () => {
  const whole = await sealed(40, small);
  const data = fromBytes(whole.data);
  const protectedParts = (area: Uint8Array) => {
    const { uuid, padding1, padding2, ...fields } = superblock.decode(area);
    const salt = Buffer.from(fields.salt.subarray(0, fields.saltBytes)).toString("hex");
    return { ...fields, salt, tree: Buffer.from(area.subarray(512, whole.area.length)).toString("hex") };
  };
  const expected = protectedParts(whole.area);
  let passed = 0;
  for (const { bytes, what } of mutations(whole.area, { seed: 5, count: 1500, headBytes: 512 })) {
    try {
      const area = await openHashArea(fromBytes(bytes));
      const report = await checkVerity(data, area, whole.tree.rootHash, { hasher: nodeHasher });
      const read = verifiedSource(data, area, whole.tree.rootHash, { hasher: nodeHasher }).read(0, whole.data.length);
      const readable = await read.then(
        (all) => Buffer.compare(all, whole.data) === 0,
        (error: unknown) => {
          if (!(error instanceof VerityError) && !(error instanceof RangeError)) throw error;
          return false;
        },
      );
      if (!report.ok) continue;
      expect({ what, readable, ...protectedParts(bytes) }).toEqual({ what, readable: true, ...expected });
      passed += 1;
    } catch (error) {
      if (!(error instanceof VerityError) && !(error instanceof BytesError)) throw new Error(what, { cause: error });
    }
  }
  // Some damage hits the UUID and the padding, which nothing protects.
  expect(passed).toBeGreaterThan(50);
});
