import { type ByteSource, slice } from "@sextant/bytes";
import { type CheckOptions, checkSet, type SetReport } from "./check-set.js";
import { type DdiFinding, type Findings, newFindings } from "./finding.js";
import type { Table } from "./gpt.js";
import { type GptHeader, gptHeader } from "./layout.js";
import { type Ddi, open, readBackupTable } from "./read.js";
import { type PartitionSet, partitionSets } from "./sets.js";

/** What `check` has found. `ok` means no error: nothing that was claimed is untrue, and nothing was left unverified. */
export interface DdiReport {
  readonly ok: boolean;
  readonly findings: readonly DdiFinding[];
  /** Undefined where there is no readable table. */
  readonly ddi: Ddi | undefined;
  /** One report a filesystem. */
  readonly sets: readonly SetReport[];
}

/**
 * Verifies all that an image claims: both partition tables and that they agree, every verity block, that the root hash is
 * that of the partition UUIDs, and the signature. It fails closed: what cannot be verified is an error.
 *
 * Damage is reported, not thrown. Throws `BytesError` where the source fails.
 */
export async function check(source: ByteSource, options: CheckOptions = {}): Promise<DdiReport> {
  const findings = newFindings();
  const ddi = await findings.attempt(() => open(source));
  if (!ddi) return { ok: false, findings: findings.list, ddi, sets: [] };
  for (const warning of ddi.warnings) {
    const isDamage = warning.code === "used-backup" || warning.code === "no-backup";
    findings.add({ severity: isDamage ? "error" : "warning", ...warning });
  }
  if (!ddi.usedBackup) await findings.attempt(() => checkBackup(source, ddi, findings));
  const sets = partitionSets(ddi);
  const reports: SetReport[] = [];
  for (const set of sets) reports.push(await checkSet(set, options, findings));
  checkRest(ddi, sets, findings);
  const ok = findings.list.every(({ severity }) => severity !== "error");
  return { ok, findings: findings.list, ddi, sets: reports };
}

async function checkBackup(source: ByteSource, { header, sectorBytes }: Ddi, findings: Findings): Promise<void> {
  const end = (Number(header.alternateLba) + 1) * sectorBytes;
  // Then `open` has warned already.
  if (end > source.size) return;
  const { table } = await readBackupTable(slice(source, 0, end), sectorBytes);
  const same = ["firstUsableLba", "lastUsableLba", "diskGuid", "entryCount", "entryBytes", "entriesCrc"] as const;
  compare(table, "alternateLba", header.currentLba, findings);
  for (const field of same) compare(table, field, header[field], findings);
  if (table.header.reserved === 0) return;
  const offset = table.offset + gptHeader.offsets.reserved;
  const message = "reserved bytes are not zero";
  findings.add({ severity: "warning", code: "reserved-bytes", message, path: "backup.reserved", offset });
}

function compare<K extends keyof GptHeader>(backup: Table, field: K, expected: GptHeader[K], findings: Findings): void {
  const found = backup.header[field];
  if (found === expected) return;
  const message = `the backup header has ${found}, the primary wants ${expected}`;
  const offset = backup.offset + gptHeader.offsets[field];
  findings.add({ severity: "error", code: "backup-differs", message, path: `backup.${field}`, offset });
}

/** Partitions that belong to no filesystem which was checked. */
function checkRest(ddi: Ddi, sets: readonly PartitionSet[], findings: Findings): void {
  if (sets.length === 0) {
    const message = "there is no root or /usr partition";
    findings.add({ severity: "error", code: "no-filesystem", message });
  }
  const taken = new Set(sets.flatMap(({ data, verity, signature }) => [data, verity, signature]));
  for (const partition of ddi.partitions) {
    if (partition.ignored || taken.has(partition)) continue;
    const { designator = partition.type, role, index, start } = partition;
    if (role !== undefined) {
      const message = `there is a ${designator} partition without the filesystem that it belongs to`;
      findings.about(partition, "orphan", message);
    } else {
      const message = `nothing vouches for the ${designator} partition, which no extension uses`;
      findings.add({ severity: "warning", code: "not-covered", message, path: `partitions[${index}]`, offset: start });
    }
  }
}
