import { type ByteSource, concatBytes, fromBytes } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import { generateKeyPair, readCertificates } from "@sextant/signing";
import { describe, expect, test } from "vitest";
import { type CheckOptions, check, open } from "../src/index.js";
import { makeImage, makeSigned, oracleCertificates, oracleImage } from "./oracle.js";
import { flipBit, patchTable } from "./patch.js";

const trusting = { certificates: oracleCertificates, hasher: nodeHasher };
const lenient = { allowUnsigned: true, hasher: nodeHasher };

/** The findings of a check, in short; every one must be an error unless it says so. */
async function found(image: Uint8Array, options: CheckOptions = trusting): Promise<readonly string[]> {
  const { ok, findings } = await check(fromBytes(image), options);
  expect(ok).toBe(findings.every(({ severity }) => severity === "warning"));
  return findings.map(({ severity, code, path, offset }) => `${severity} ${code} ${path} ${offset}`);
}

// Signed images: data in 20480 to 61439, verity in 61440 to 69631, signature in 69632 to 86015.
const [dataStart, verityStart, signatureStart] = [20480, 61440, 69632];

describe("what is claimed is verified", () => {
  test("a signed image", async () => {
    const report = await check(fromBytes(await makeSigned()), trusting);
    expect(report).toMatchObject({
      ok: true,
      findings: [],
      sets: [
        {
          verity: "verified",
          signature: "valid",
          signer: { subject: { text: "CN=probe" } },
          verityReport: { dataBlocks: 10 },
        },
      ],
    });
  });

  test("without a certificate a signed image is not taken, nor an unsigned one without leave", async () => {
    expect(await found(await makeSigned(), { hasher: nodeHasher })).toEqual([
      `error unchecked-signature partitions[2] ${signatureStart}`,
    ]);
    expect(await found(await makeSigned(), lenient)).toEqual([
      `error unchecked-signature partitions[2] ${signatureStart}`,
    ]);
    expect(await found(await makeImage())).toEqual([`error unsigned partitions[0] ${dataStart}`]);
    expect(await found(await makeImage(), lenient)).toEqual([]);
    expect(await found(await makeImage({ verity: "none" }))).toEqual([`error unsigned partitions[0] ${dataStart}`]);
    expect(await found(await makeImage({ verity: "none" }), lenient)).toEqual([]);
  });

  test("somebody else's certificate", async () => {
    const { certificate } = await generateKeyPair("ecdsa-p256", { commonName: "other", notBefore: 0, notAfter: 1 });
    const options = { certificates: readCertificates(certificate), hasher: nodeHasher };
    expect(await found(await makeSigned(), options)).toEqual([`error unknown-signer partitions[2] ${signatureStart}`]);
  });

  test.each([
    ["the first data block", 8 * dataStart, [`error MISMATCH_DATA_BLOCK partitions[0] ${dataStart}`]],
    [
      "the last data block",
      8 * (dataStart + 40959) + 7,
      [`error MISMATCH_DATA_BLOCK partitions[0] ${dataStart + 36864}`],
    ],
    ["the tree", 8 * (verityStart + 4096 + 4095), [`error MISMATCH_TREE_BLOCK partitions[1] ${verityStart + 4096}`]],
    ["the salt", 8 * (verityStart + 90), undefined],
    ["the superblock", 8 * verityStart, [`error MALFORMED_SUPERBLOCK partitions[1] ${verityStart}`]],
    ["the signed root hash", 8 * (signatureStart + 13), undefined],
    ["the signature's JSON", 8 * signatureStart, [`error MALFORMED_SIGNATURE_PARTITION signature ${signatureStart}`]],
    [
      "behind the signature",
      8 * (signatureStart + 16000),
      [`error MALFORMED_SIGNATURE_PARTITION signature ${signatureStart + 16000}`],
    ],
  ])("a flipped bit in %s", async (_, bit, expected) => {
    const findings = await found(flipBit(await makeSigned(), bit));
    if (expected)
      expect(findings.map((line) => line.replace("superblock.signature", "partitions[1]"))).toEqual(expected);
    else expect(findings.length).toBeGreaterThan(0);
  });

  test("a signature over another root hash than the partitions'", async () => {
    const [one, two] = [await makeSigned(), await makeSigned({}, 40959)];
    one.set(two.subarray(signatureStart, signatureStart + 16384), signatureStart);
    const findings = await found(one);
    expect(findings.slice(0, 2)).toEqual([
      `error MISMATCH_ROOT_HASH partitions[0] ${dataStart}`,
      `error MISMATCH_ROOT_HASH partitions[1] ${verityStart}`,
    ]);
    expect(findings.some((line) => line.includes("MISMATCH_TREE_BLOCK"))).toBe(true);
  });

  test("a file's own way to verify is used, and believed", async () => {
    const image = fromBytes(await makeSigned());
    const asked: number[] = [];
    const plain = await check(image, trusting);
    const verityReport = plain.sets[0]?.verityReport;
    const report = await check(image, {
      ...trusting,
      checkTree: async ({ start, size }, { params }) => {
        asked.push(start, size, params.dataBlocks);
        if (!verityReport) throw new Error("no report");
        return {
          ...verityReport,
          ok: false,
          damagedDataBlocks: 1,
          damage: [
            {
              area: "data",
              level: undefined,
              block: 3,
              offset: 12288,
              bytes: 4096,
              firstDataBlock: 3,
              dataBlocks: 1,
              certain: true,
            },
          ],
        };
      },
    });
    expect(asked).toEqual([dataStart, 40960, 10]);
    expect(report).toMatchObject({
      ok: false,
      sets: [{ verity: "damaged" }],
      findings: [{ code: "MISMATCH_DATA_BLOCK", offset: dataStart + 12288 }],
    });
  });
});

describe("structure", () => {
  test("a damaged primary or backup table is an error, though the image can be read", async () => {
    const image = await makeImage();
    expect(await found(flipBit(image, 8 * 520), lenient)).toEqual(["error used-backup header 512"]);
    expect(await found(flipBit(image, 8 * (image.length - 500)), lenient)).toEqual([
      `error MISMATCH_HEADER_CHECKSUM header.headerCrc ${image.length - 496}`,
    ]);
    expect(await found(image.subarray(0, image.length - 512), lenient)).toEqual([
      "error no-backup header.alternateLba 544",
    ]);
  });

  test("a backup that says something else", async () => {
    const image = await makeImage();
    const at = image.length - 512;
    const label = patchTable(image, { which: "backup", entries: { 0: { label: "other" } } });
    expect(await found(label, lenient)).toEqual([`error backup-differs backup.entriesCrc ${at + 88}`]);
    const disk = patchTable(image, {
      which: "backup",
      header: { diskGuid: "00000000-0000-4000-8000-000000000001", alternateLba: 3n, reserved: 1 },
    });
    expect(await found(disk, lenient)).toEqual([
      `error backup-differs backup.alternateLba ${at + 32}`,
      `error backup-differs backup.diskGuid ${at + 56}`,
      `warning reserved-bytes backup.reserved ${at + 20}`,
    ]);
  });

  test("bytes behind the image are a warning, and the backup is still found", async () => {
    const image = await makeImage();
    const longer = concatBytes([image, new Uint8Array(5000)]);
    expect(await found(longer, lenient)).toEqual([`warning trailing-data image ${image.length}`]);
    expect((await found(flipBit(longer, 8 * (image.length - 500)), lenient)).length).toBe(2);
  });

  test("a table that cannot be read", async () => {
    const report = await check(fromBytes(new Uint8Array(100_000)), trusting);
    expect(report).toMatchObject({ ok: false, ddi: undefined, sets: [], findings: [{ code: "UNSUPPORTED_NOT_GPT" }] });
  });

  test("verity or a signature without the filesystem they belong to", async () => {
    const image = await makeSigned();
    const hidden = patchTable(image, { entries: { 0: { label: "_empty" } } });
    expect(await found(hidden)).toEqual([
      "error no-filesystem undefined undefined",
      `error orphan partitions[1] ${verityStart}`,
      `error orphan partitions[2] ${signatureStart}`,
    ]);
    const unhashed = patchTable(image, { entries: { 1: { label: "_empty" } } });
    expect(await found(unhashed)).toEqual([
      `error orphan partitions[2] ${signatureStart}`,
      `error unsigned partitions[0] ${dataStart}`,
    ]);
  });

  test("a signature that was taken away leaves an unsigned image, which is not taken", async () => {
    const stripped = patchTable(await makeSigned(), { entries: { 2: { attributes: 1n << 63n } } });
    expect(await found(stripped)).toEqual([`error unsigned partitions[0] ${dataStart}`]);
  });

  test("a partition that nothing covers is pointed out", async () => {
    const image = await makeImage({ partitionBytes: { data: 1 << 20 } });
    const esp = { type: "c12a7328-f81f-11d2-ba4b-00a0c93ec93b", uuid: "00000000-0000-4000-8000-000000000001" };
    const place = { firstLba: 2000n, lastLba: 2047n, attributes: 0n };
    const changed = patchTable(image, { entries: { 0: { lastLba: 1999n }, 5: { ...esp, ...place } } });
    expect(await found(changed, lenient)).toEqual(["warning not-covered partitions[5] 1024000"]);
  });

  test("data that are shorter than their tree", async () => {
    const image = patchTable(oracleImage("probe-sysext"), { entries: { 0: { lastLba: 47n } } });
    expect(await found(image)).toEqual(["error MISMATCH_DATA_SIZE data 20480"]);
    expect((await open(fromBytes(image))).partitions[0]?.size).toBe(4096);
  });
});

test("a source that fails is no finding", async () => {
  const image = await makeSigned();
  const plain = fromBytes(image);
  const failing: ByteSource = {
    size: plain.size,
    read: (start, end) => (start < 40000 ? plain.read(start, end) : Promise.reject(new Error("the network is down"))),
  };
  await expect(check(failing, trusting)).rejects.toThrow("the network is down");
});
