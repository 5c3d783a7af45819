import { type ByteSource, equalBytes, type Hasher, toHex } from "@sextant/bytes";
import { type PartitionSet, parseGuid, readSignature, rootHashUuid, signedContent } from "@sextant/ddi";
import { type Certificate, verifyDetached } from "@sextant/signing";
import { openHashArea, verifiedSource } from "@sextant/verity";
import { TrustError } from "./errors.js";

/** Who vouches for a file system. */
export interface Verified {
  readonly rootHash: Uint8Array;
  readonly signer: Certificate;
}

export interface Trust {
  readonly verified: Verified;
  /** The file system; reads of a block that the root hash does not vouch for throw `VerityError`. */
  readonly source: ByteSource;
}

/**
 * Checks the signature over the root hash, that the partitions are those it names, and that the tree covers the whole file
 * system as far as systemd would use it. Costs the signature partition and the verity superblock; the blocks are checked
 * when they are read.
 *
 * Throws `TrustError`, and `DdiError`, `SigningError` and `VerityError` for parts that are malformed.
 */
export async function establishTrust(
  set: PartitionSet,
  certificates: readonly Certificate[],
  hasher: Hasher,
): Promise<Trust> {
  const { data, verity, signature } = set;
  const at = { path: data.designator, offset: data.start, source: data.source.name };
  if (!verity || !signature) {
    const missing = verity ? "signature" : "verity";
    throw new TrustError(
      "MISMATCH_UNSIGNED",
      `there is no ${missing} partition for ${data.designator ?? set.role}`,
      at,
    );
  }
  const signed = await readSignature(signature);
  const verdict = await verifyDetached(signed.signature, signedContent(signed.rootHash), certificates);
  if (!verdict.valid) {
    throw new TrustError("MISMATCH_SIGNATURE", `the signature does not hold: ${verdict.message}`, {
      ...at,
      path: signature.designator,
      offset: signature.start,
      reason: verdict.reason,
    });
  }
  for (const [partition, kind] of [
    [data, "data"],
    [verity, "verity"],
  ] as const) {
    const wanted = rootHashUuid(signed.rootHash, kind);
    if (equalBytes(parseGuid(partition.uuid), parseGuid(wanted))) continue;
    const message = `the partition's UUID is ${partition.uuid}, the signed root hash ${toHex(signed.rootHash)} wants ${wanted}`;
    throw new TrustError("MISMATCH_ROOT_HASH", message, { ...at, path: partition.designator, offset: partition.start });
  }
  const area = await openHashArea(verity.source);
  const source = verifiedSource(data.source, area, signed.rootHash, { hasher });
  return { verified: { rootHash: signed.rootHash, signer: verdict.certificate }, source };
}
