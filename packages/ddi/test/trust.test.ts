import { counted, equalBytes, fromBytes } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import { generateKeyPair, readCertificates } from "@sextant/signing";
import { describe, expect, test } from "vitest";
import { open, openTrusted, partitionSets } from "../src/index.js";
import { anyFilesystem, makeImage, makeSigned, oracleCertificates } from "./oracle.js";
import { flipBit, patchTable } from "./patch.js";

const options = { hasher: nodeHasher };

async function trusted(image: Uint8Array, certificates = oracleCertificates) {
  const source = counted(fromBytes(image, "x.raw"));
  const [set] = partitionSets(await open(source));
  if (!set) throw new Error("there is no filesystem");
  const opened = await openTrusted(set, certificates, options);
  return { ...opened, count: source.count };
}

describe("a filesystem that somebody vouches for", () => {
  test("is read block by block, each verified", async () => {
    const { source, signer, count } = await trusted(await makeSigned({}, 600_000));
    expect(signer.subject.text).toBe("CN=probe");
    // The table, the signature, the superblock.
    expect(count).toEqual({ requests: 3, bytes: 32768 + 16384 + 512 });
    expect(source.size).toBe(147 * 4096);
    const expected = await anyFilesystem(600_000).read(0, 600_000);
    expect(equalBytes(await source.read(0, 600_000), expected)).toBe(true);
  });

  test("a changed block is found when it is read, and only then", async () => {
    const { source } = await trusted(flipBit(await makeSigned(), 8 * (20480 + 5 * 4096)));
    expect((await source.read(0, 4096)).length).toBe(4096);
    await expect(source.read(5 * 4096, 5 * 4096 + 1)).rejects.toMatchObject({ code: "MISMATCH_DATA_BLOCK" });
  });
});

describe("a filesystem that nobody vouches for", () => {
  test.each([
    ["no verity", () => makeImage({ verity: "none" }), "UNTRUSTED_UNSIGNED", "partitions[0]"],
    ["no signature", () => makeImage(), "UNTRUSTED_UNSIGNED", "partitions[0]"],
    ["a deferred signature", () => makeImage({ verity: "deferred" }), "UNTRUSTED_UNSIGNED", "partitions[0]"],
  ])("%s", async (_, make, code, path) => {
    await expect(trusted(await make())).rejects.toMatchObject({
      name: "TrustError",
      code,
      context: { path, source: "x.raw" },
    });
  });

  test("another signer", async () => {
    const { certificate } = await generateKeyPair("ecdsa-p256", { commonName: "other", notBefore: 0, notAfter: 1 });
    const rejected = { name: "TrustError", code: "UNTRUSTED_SIGNATURE", context: { path: "partitions[2]" } };
    await expect(trusted(await makeSigned(), readCertificates(certificate))).rejects.toMatchObject(rejected);
    await expect(trusted(await makeSigned(), [])).rejects.toMatchObject(rejected);
  });

  test("partitions that are not named after the signed root hash", async () => {
    const image = patchTable(await makeSigned(), { entries: { 1: { uuid: "00000000-0000-4000-8000-000000000001" } } });
    await expect(trusted(image)).rejects.toMatchObject({
      code: "MISMATCH_ROOT_HASH",
      context: { path: "partitions[1]" },
    });
  });
});
