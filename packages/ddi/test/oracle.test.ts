import { equalBytes, fromBytes, toHex } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import { describe, expect, test } from "vitest";
import {
  attachSignature,
  check,
  fromSeed,
  open,
  type PartitionKind,
  partitionType,
  plan,
  readSignature,
} from "../src/index.js";
import {
  build,
  filesystemOf,
  type ImageName,
  imageNames,
  oracleCertificates,
  oracleFile,
  oracleImage,
  oracleSigner,
  seed,
} from "./oracle.js";

/** Partition sizes of an image, as its own table has them. */
async function sizesOf(image: Uint8Array): Promise<Partial<Record<PartitionKind, number>>> {
  const { partitions } = await open(fromBytes(image));
  return Object.fromEntries(partitions.map(({ kind, size }) => [kind, size]));
}

async function rebuild(name: ImageName, verity: "signed" | "deferred", signatureUuid?: string): Promise<Uint8Array> {
  const image = oracleImage(name);
  const made = await plan(await filesystemOf(image), {
    seed,
    architecture: "x86-64",
    verity,
    sectorBytes: name === "p4k" ? 4096 : 512,
    partitionBytes: await sizesOf(image),
    hasher: nodeHasher,
    ...(signatureUuid === undefined ? {} : { signatureUuid }),
    ...(verity === "signed" ? { signer: await oracleSigner() } : {}),
  });
  return await build(made);
}

describe("the images of systemd-repart, bit for bit", () => {
  test.each([
    ["probe-sysext", "signed"],
    ["probe-confext", "signed"],
    ["deferred", "deferred"],
    ["p4k", "signed"],
  ] as const)("%s", async (name, mode) => {
    expect(equalBytes(await rebuild(name, mode), oracleImage(name))).toBe(true);
  });

  // Joining a signature made systemd-repart take a random UUID for the new partition.
  test("joined", async () => {
    const uuid = "2b6a4616-1c04-45bc-998b-af4e901d71c8";
    expect(equalBytes(await rebuild("joined", "signed", uuid), oracleImage("joined"))).toBe(true);
  });

  test("joined, from the deferred plan and the signature that openssl made", async () => {
    const image = oracleImage("joined");
    const signed = (await open(fromBytes(image))).partitions.find(({ kind }) => kind === "verity-sig");
    const filesystem = await filesystemOf(image);
    const options = { seed, architecture: "x86-64", partitionBytes: await sizesOf(image), hasher: nodeHasher } as const;
    const deferred = await plan(filesystem, { ...options, verity: "deferred" });
    expect(toHex(deferred.rootHash ?? new Uint8Array())).toBe(new TextDecoder().decode(oracleFile("rh.txt")));
    const signature = {
      rootHash: deferred.rootHash ?? new Uint8Array(),
      certificateFingerprint: oracleCertificates[0]?.fingerprint,
      signature: oracleFile("rh.p7s"),
    };
    const joined = attachSignature(deferred, signature, signed?.uuid);
    expect(equalBytes(await build(joined), image)).toBe(true);
  });

  test.each(imageNames)("%s passes our check", async (name) => {
    const allowUnsigned = name === "deferred";
    const report = await check(fromBytes(oracleImage(name)), {
      certificates: oracleCertificates,
      allowUnsigned,
      hasher: nodeHasher,
    });
    expect(report).toMatchObject({
      ok: true,
      findings: [],
      sets: [{ verity: "verified", signature: allowUnsigned ? "absent" : "valid" }],
    });
  });
});

describe("what they say", () => {
  const table = JSON.parse(new TextDecoder().decode(oracleFile("gpt.json"))) as Record<string, OracleTable>;
  interface OracleTable {
    sector_size: number;
    disk_guid: string;
    alternate: number;
    first_usable: number;
    last_usable: number;
    parts: {
      n: number;
      type: string;
      uuid: string;
      start: number;
      size: number;
      attrs: string;
      name: string;
      sig_json?: string;
    }[];
  }
  test.each(Object.entries(table))("%s", async (file, expected) => {
    const ddi = await open(fromBytes(oracleImage(file.replace(".raw", "") as ImageName)));
    expect({
      sector_size: ddi.sectorBytes,
      disk_guid: ddi.diskGuid,
      alternate: Number(ddi.header.alternateLba),
      first_usable: Number(ddi.header.firstUsableLba),
      last_usable: Number(ddi.header.lastUsableLba),
    }).toMatchObject({
      sector_size: expected.sector_size,
      disk_guid: expected.disk_guid,
      alternate: expected.alternate,
      first_usable: expected.first_usable,
      last_usable: expected.last_usable,
    });
    expect(
      ddi.partitions.map(({ index, type, uuid, start, size, attributes, label, designator, readOnly }) => [
        index + 1,
        type,
        uuid,
        start,
        size,
        `0x${attributes.toString(16)}`,
        label,
        designator,
        readOnly,
      ]),
    ).toEqual(
      expected.parts.map(({ n, type, uuid, start, size, attrs, name }) => [
        n,
        type,
        uuid,
        start,
        size,
        attrs,
        name,
        name,
        true,
      ]),
    );
    const signature = ddi.partitions.find(({ kind }) => kind === "verity-sig");
    const text = expected.parts.find(({ sig_json }) => sig_json !== undefined)?.sig_json;
    expect(signature === undefined).toBe(text === undefined);
    if (!signature || text === undefined) return;
    const read = await readSignature(signature);
    const json = JSON.parse(text) as { rootHash: string; certificateFingerprint: string };
    expect(toHex(read.rootHash)).toBe(json.rootHash);
    expect(read.certificateFingerprint).toBe(json.certificateFingerprint);
  });

  test("the seed decides what the images have", () => {
    const derived = fromSeed(seed);
    const root = partitionType("root", "x86-64", "data").guid;
    expect(derived.diskGuid()).toBe("6913f4b6-6690-4a57-a202-f1b53c56dbdf");
    expect(derived.filesystemUuid(root)).toBe("e23fa935-5911-428c-b168-a4b761ee82bd");
    expect(derived.partitionUuid(partitionType("root", "x86-64", "verity-sig").guid)).toBe(
      "ca977224-9a98-40c9-bef7-eae884d35446",
    );
    expect(toHex(derived.veritySalt())).toBe("c65b6ab68edf421fcc0cb48ba60f7f14f5186b4d003d21ab3b334b91de16759c");
    expect(toHex(derived.verityUuid())).toBe("898929e67747423e85933659ba461e7c");
  });
});
