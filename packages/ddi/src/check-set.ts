// What vouches for one filesystem of an image, verified to the last block.
import { type Hasher, portableHasher } from "@sextant/bytes";
import { type Certificate, verifyDetached } from "@sextant/signing";
import { checkVerity, openHashArea, type VerityHashArea, type VerityReport } from "@sextant/verity";
import type { Findings } from "./finding.js";
import type { Partition } from "./read.js";
import type { PartitionSet } from "./sets.js";
import { type RootHashSignature, readSignature, signedContent } from "./signature.js";
import { misnamed, rootHashOf } from "./trust.js";

/** What was found out about one filesystem of an image. */
export interface SetReport {
  readonly set: PartitionSet;
  readonly rootHash: Uint8Array | undefined;
  /** Whether every block of the filesystem has the digest that the root hash vouches for. */
  readonly verity: "absent" | "verified" | "damaged";
  readonly verityReport: VerityReport | undefined;
  readonly signature: "absent" | "unchecked" | "valid" | "invalid";
  /** Whose signature it is. */
  readonly signer: Certificate | undefined;
}

/** What `check` is given besides the image. */
export interface CheckOptions {
  /** Whose signatures count. Without any a signed image is an error, `unchecked-signature`. */
  readonly certificates?: readonly Certificate[];
  /** Take images without a signature, or without verity. Default false: then they are an error, `unsigned`. */
  readonly allowUnsigned?: boolean;
  /** Default `portableHasher`. */
  readonly hasher?: Hasher;
  /** How to verify a filesystem. Default `checkVerity`; for files `checkFile` of `@sextant/verity/node` is faster. */
  readonly checkTree?: (data: Partition, area: VerityHashArea, rootHash: Uint8Array) => Promise<VerityReport>;
}

/** Verifies one set; what is wrong goes into `findings`. */
export async function checkSet(set: PartitionSet, options: CheckOptions, findings: Findings): Promise<SetReport> {
  const { data, verity, signature } = set;
  if (!verity) {
    const name = data.designator ?? "filesystem";
    if (signature) findings.about(signature, "orphan", `the ${name} partition has a signature but no verity hashes`);
    if (!options.allowUnsigned) findings.about(data, "unsigned", `nothing vouches for the ${name} partition`);
    const absent = { verity: "absent", signature: "absent" } as const;
    return { set, rootHash: undefined, verityReport: undefined, signer: undefined, ...absent };
  }
  const signed = signature && (await findings.attempt(() => readSignature(signature)));
  const rootHash = rootHashOf(data, verity, signed);
  for (const { partition, message } of misnamed(data, verity, rootHash)) {
    findings.about(partition, "MISMATCH_ROOT_HASH", message);
  }
  const verityReport = await checkTree(data, verity, rootHash, options, findings);
  return {
    set,
    rootHash,
    verity: verityReport?.ok ? "verified" : "damaged",
    verityReport,
    ...(await checkSignature(set, signed, options, findings)),
  };
}

async function checkTree(
  data: Partition,
  verity: Partition,
  rootHash: Uint8Array,
  options: CheckOptions,
  findings: Findings,
): Promise<VerityReport | undefined> {
  const inVerity = (offset: number) => verity.start + offset;
  const area = await findings.attempt(() => openHashArea(verity.source), inVerity);
  if (!area) return undefined;
  const { hasher = portableHasher } = options;
  const verify = options.checkTree ?? ((_, tree, hash) => checkVerity(data.source, tree, hash, { hasher }));
  const report = await findings.attempt(
    () => verify(data, area, rootHash),
    () => data.start,
  );
  for (const { area: where, level, block, offset, certain } of report?.damage ?? []) {
    const isData = where === "data";
    const what = isData ? `data block ${block}` : `block ${block} of level ${level} of the verity tree`;
    const message = certain ? `${what} does not have its digest` : `${what} differs from a digest that is not proven`;
    const code = isData ? "MISMATCH_DATA_BLOCK" : "MISMATCH_TREE_BLOCK";
    findings.about(isData ? data : verity, code, message, offset);
  }
  return report;
}

async function checkSignature(
  { data, signature }: PartitionSet,
  signed: RootHashSignature | undefined,
  options: CheckOptions,
  findings: Findings,
): Promise<Pick<SetReport, "signature" | "signer">> {
  const { certificates = [] } = options;
  if (!signature) {
    if (!options.allowUnsigned) findings.about(data, "unsigned", "the root hash is not signed");
    return { signature: "absent", signer: undefined };
  }
  if (!signed) return { signature: "invalid", signer: undefined };
  if (certificates.length === 0) {
    findings.about(signature, "unchecked-signature", "there is a signature, and no certificate to check it with");
    return { signature: "unchecked", signer: undefined };
  }
  const verdict = await findings.attempt(
    () => verifyDetached(signed.signature, signedContent(signed.rootHash), certificates),
    // Offsets inside of the message, which stands there as base64, would lead nowhere.
    () => signature.start,
  );
  if (verdict?.valid) return { signature: "valid", signer: verdict.certificate };
  if (verdict) findings.about(signature, verdict.reason, verdict.message);
  return { signature: "invalid", signer: undefined };
}
