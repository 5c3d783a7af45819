import { type ByteSource, CodedError, concatBytes, type Hasher, portableHasher, slice } from "@sextant/bytes";
import { type Certificate, verifyDetached } from "@sextant/signing";
import { checkVerity, openHashArea, type VerityHashArea, type VerityReport } from "@sextant/verity";
import type { Table } from "./gpt.js";
import { parseGuid } from "./guid.js";
import { type GptHeader, gptHeader } from "./layout.js";
import { rootHashUuid } from "./plan.js";
import { type Ddi, open, type Partition, readBackupTable } from "./read.js";
import { type PartitionSet, partitionSets } from "./sets.js";
import { type RootHashSignature, readSignature, signedContent } from "./signature.js";

/** One thing that is wrong or odd. */
export interface DdiFinding {
  /** `error`: the image is not what it claims, or cannot be trusted. `warning`: odd, but harmless. */
  readonly severity: "error" | "warning";
  /** Stable name: a code of an error class, a `WarningCode`, or one of the policy's `unsigned` and `unchecked-signature`. */
  readonly code: string;
  readonly message: string;
  readonly path?: string | undefined;
  /** Absolute offset in the image, in bytes. */
  readonly offset?: number | undefined;
}

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

/** What `check` has found. `ok` means no error: nothing that was claimed is untrue, and nothing was left unverified. */
export interface DdiReport {
  readonly ok: boolean;
  readonly findings: readonly DdiFinding[];
  /** Undefined where there is no readable table. */
  readonly ddi: Ddi | undefined;
  readonly sets: readonly SetReport[];
}

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

/**
 * Verifies all that an image claims: both partition tables and that they agree, every verity block, that the root hash is
 * that of the partition UUIDs, and the signature. It fails closed: what cannot be verified is an error.
 *
 * Damage is reported, not thrown. Throws `BytesError` where the source fails.
 */
export async function check(source: ByteSource, options: CheckOptions = {}): Promise<DdiReport> {
  const findings: DdiFinding[] = [];
  const ddi = await guarded(findings, () => open(source));
  if (!ddi) return { ok: false, findings, ddi, sets: [] };
  for (const { code, message, path, offset } of ddi.warnings) {
    const severity = code === "used-backup" || code === "no-backup" ? "error" : "warning";
    findings.push({ severity, code, message, path, offset });
  }
  if (!ddi.usedBackup) await guarded(findings, () => checkBackup(source, ddi, findings));
  const sets: SetReport[] = [];
  for (const set of partitionSets(ddi)) sets.push(await checkSet(set, options, findings));
  for (const orphan of orphans(ddi)) {
    const message = `there is a ${orphan.designator} partition without the filesystem that it belongs to`;
    findings.push({
      severity: "error",
      code: "orphan",
      message,
      path: `partitions[${orphan.index}]`,
      offset: orphan.start,
    });
  }
  if (sets.length === 0) {
    findings.push({ severity: "error", code: "no-filesystem", message: "there is no root or /usr partition" });
  }
  return { ok: findings.every(({ severity }) => severity !== "error"), findings, ddi, sets };
}

/** Runs a step; what it throws about the image becomes a finding. `place` tells where in the image an error's offset is. */
async function guarded<T>(
  findings: DdiFinding[],
  step: () => Promise<T>,
  place = (offset: number) => offset,
): Promise<T | undefined> {
  try {
    return await step();
  } catch (error) {
    if (!(error instanceof CodedError) || isSourceFailure(error)) throw error;
    const { path, offset } = error.context;
    const at = offset === undefined ? undefined : place(Number(offset));
    findings.push({ severity: "error", code: error.code, message: error.message, path, offset: at });
    return undefined;
  }
}

/** A source that cannot be read says nothing about the image. */
function isSourceFailure({ code }: CodedError): boolean {
  return code.startsWith("UNREADABLE_") || code === "MISMATCH_CHANGED" || code === "MISMATCH_SOURCE";
}

async function checkBackup(source: ByteSource, ddi: Ddi, findings: DdiFinding[]): Promise<void> {
  const end = (Number(ddi.header.alternateLba) + 1) * ddi.sectorBytes;
  if (end > source.size) return;
  const image = slice(source, 0, end);
  const { table } = await readBackupTable(image, ddi.sectorBytes);
  for (const [field, expected] of mirrored(ddi.header)) {
    const found = table.header[field];
    if (found === expected) continue;
    const message = `the backup header has ${found}, the primary wants ${expected}`;
    const offset = table.offset + gptHeader.offsets[field];
    findings.push({ severity: "error", code: "backup-differs", message, path: `backup.${field}`, offset });
  }
  reservedInBackup(table, findings);
}

/** What the backup header must say, given the primary one. */
function mirrored(primary: GptHeader): readonly (readonly [keyof GptHeader, GptHeader[keyof GptHeader]])[] {
  const same = ["firstUsableLba", "lastUsableLba", "diskGuid", "entryCount", "entryBytes", "entriesCrc"] as const;
  return [["alternateLba", primary.currentLba], ...same.map((field) => [field, primary[field]] as const)];
}

function reservedInBackup({ header, offset }: Table, findings: DdiFinding[]): void {
  if (header.reserved === 0) return;
  const at = offset + gptHeader.offsets.reserved;
  const message = "reserved bytes are not zero";
  findings.push({ severity: "warning", code: "reserved-bytes", message, path: "backup.reserved", offset: at });
}

function orphans(ddi: Ddi): readonly Partition[] {
  const taken = new Set(partitionSets(ddi).flatMap(({ data, verity, signature }) => [data, verity, signature]));
  return ddi.partitions.filter((one) => one.role !== undefined && !one.ignored && !taken.has(one));
}

async function checkSet(set: PartitionSet, options: CheckOptions, findings: DdiFinding[]): Promise<SetReport> {
  const { data, verity } = set;
  const name = data.designator ?? "filesystem";
  const error = (code: string, message: string, partition: Partition) =>
    findings.push({
      severity: "error",
      code,
      message,
      path: `partitions[${partition.index}]`,
      offset: partition.start,
    });
  if (!verity) {
    if (set.signature) error("orphan", `the ${name} partition has a signature but no verity hashes`, set.signature);
    if (!options.allowUnsigned) error("unsigned", `nothing vouches for the ${name} partition`, data);
    return {
      set,
      rootHash: undefined,
      verity: "absent",
      verityReport: undefined,
      signature: "absent",
      signer: undefined,
    };
  }
  const { signature } = set;
  const signed = signature && (await guarded(findings, () => readSignature(signature)));
  const rootHash = signed?.rootHash ?? concatBytes([parseGuid(data.uuid), parseGuid(verity.uuid)]);
  for (const [partition, kind] of [
    [data, "data"],
    [verity, "verity"],
  ] as const) {
    const wanted = rootHashUuid(rootHash, kind);
    if (partition.uuid === wanted) continue;
    error(
      "MISMATCH_ROOT_HASH",
      `the ${partition.designator} partition is ${partition.uuid}, the signed root hash makes it ${wanted}`,
      partition,
    );
  }
  const inVerity = (offset: number) => verity.start + offset;
  const area = await guarded(findings, () => openHashArea(verity.source), inVerity);
  const verityReport =
    area &&
    (await guarded(
      findings,
      () => checkTree(data, area, rootHash, options),
      () => data.start,
    ));
  if (verityReport) reportDamage(verityReport, set, verity, findings);
  const signer = await checkSignature(set, signed, options, findings);
  return {
    set,
    rootHash,
    verity: verityReport?.ok ? "verified" : "damaged",
    verityReport,
    ...signer,
  };
}

async function checkTree(
  data: Partition,
  area: VerityHashArea,
  rootHash: Uint8Array,
  options: CheckOptions,
): Promise<VerityReport> {
  if (options.checkTree) return await options.checkTree(data, area, rootHash);
  return await checkVerity(data.source, area, rootHash, { hasher: options.hasher ?? portableHasher });
}

function reportDamage(report: VerityReport, { data }: PartitionSet, verity: Partition, findings: DdiFinding[]): void {
  for (const { area, level, block, offset, certain } of report.damage) {
    const [partition, code] = area === "data" ? [data, "MISMATCH_DATA_BLOCK"] : [verity, "MISMATCH_TREE_BLOCK"];
    const what = area === "data" ? `data block ${block}` : `block ${block} of level ${level} of the verity tree`;
    const message = certain ? `${what} does not have its digest` : `${what} differs from a digest that is not proven`;
    findings.push({
      severity: "error",
      code,
      message,
      path: `partitions[${partition.index}]`,
      offset: partition.start + offset,
    });
  }
}

type SignatureOutcome = Pick<SetReport, "signature" | "signer">;

async function checkSignature(
  set: PartitionSet,
  signed: RootHashSignature | undefined,
  options: CheckOptions,
  findings: DdiFinding[],
): Promise<SignatureOutcome> {
  const { certificates = [] } = options;
  const partition = set.signature ?? set.data;
  const error = (code: string, message: string) =>
    findings.push({
      severity: "error",
      code,
      message,
      path: `partitions[${partition.index}]`,
      offset: partition.start,
    });
  if (!set.signature) {
    if (!options.allowUnsigned) error("unsigned", "the root hash is not signed");
    return { signature: "absent", signer: undefined };
  }
  if (!signed) return { signature: "invalid", signer: undefined };
  if (certificates.length === 0) {
    error("unchecked-signature", "there is a signature, and no certificate to check it with");
    return { signature: "unchecked", signer: undefined };
  }
  const verdict = await guarded(
    findings,
    () => verifyDetached(signed.signature, signedContent(signed.rootHash), certificates),
    // Offsets inside of the message, which stands there as base64, would lead nowhere.
    () => partition.start,
  );
  if (verdict?.valid) return { signature: "valid", signer: verdict.certificate };
  if (verdict) error(verdict.reason, verdict.message);
  return { signature: "invalid", signer: undefined };
}
