import { BytesError, fromBytes } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import { SigningError } from "@sextant/signing";
import { mutations } from "@sextant/testkit";
import { VerityError } from "@sextant/verity";
import { describe, expect, test } from "vitest";
import { check, DdiError, dump, open } from "../src/index.js";
import { gptHeader } from "../src/layout.js";
import { makeSigned, oracleCertificates, oracleImage } from "./oracle.js";
import { flipBit, patchTable } from "./patch.js";

describe("fuzz", () => {
  const known = [DdiError, VerityError, SigningError, BytesError];
  /** Anything but a result or an error with a code fails. */
  const survives = async (what: string, run: () => Promise<unknown>) => {
    try {
      await run();
    } catch (error) {
      if (!known.some((kind) => error instanceof kind)) throw new Error(`${what}: ${String(error)}`, { cause: error });
    }
  };

  test("damaged images", async () => {
    const image = await makeSigned();
    for (const { bytes, what } of mutations(image, { seed: 11, count: 300, headBytes: 1536 })) {
      const source = fromBytes(bytes);
      await survives(what, () => open(source));
      await survives(what, () => dump(source));
      await survives(what, () => check(source, { certificates: oracleCertificates, hasher: nodeHasher }));
    }
  });

  test("damaged numbers under right checksums", async () => {
    const image = await makeSigned();
    for (const { bytes, what } of mutations(image.subarray(512, 1500), { seed: 12, count: 300, headBytes: 92 })) {
      const copy = image.slice();
      copy.set(bytes.subarray(0, 988), 512);
      const fixed = await fixChecksums(copy);
      await survives(what, () => check(fromBytes(fixed), { certificates: oracleCertificates, hasher: nodeHasher }));
    }
  });

  test("no damage to a signed image passes the check", async () => {
    const image = oracleImage("probe-confext").slice();
    const options = { certificates: oracleCertificates, hasher: nodeHasher };
    const bounds = { data: 20480 + 4096, verity: 0, signature: 0 };
    const { partitions } = await open(fromBytes(image));
    bounds.verity = partitions.find(({ kind }) => kind === "verity")?.start ?? 0;
    bounds.signature = partitions.find(({ kind }) => kind === "verity-sig")?.start ?? 0;
    for (const at of [20480, bounds.verity + 12, bounds.verity + 88, bounds.signature + 20, bounds.signature + 1600]) {
      const report = await check(fromBytes(flipBit(image, 8 * at + 1)), options);
      expect({ at, ok: report.ok }).toEqual({ at, ok: false });
    }
  });
});

/** Makes both checksums of the primary table right, where its numbers still allow to say what they cover. */
async function fixChecksums(image: Uint8Array): Promise<Uint8Array> {
  const { entriesLba, entryCount, entryBytes, headerBytes } = gptHeader.decode(image, 512);
  const fits = entriesLba * 512n + BigInt(entryCount) * BigInt(entryBytes) <= BigInt(image.length);
  return fits && headerBytes >= 92 && headerBytes <= 512 ? patchTable(image, { which: "primary" }) : image;
}
