import { type Chunk, concatBytes, crc32, readChunks, viewOf } from "@sextant/bytes";
import { emitHashArea } from "@sextant/verity";
import { headerChecksum } from "./gpt.js";
import {
  type GptHeader,
  gptEntry,
  gptHeader,
  headerRevision,
  headerSignature,
  protectiveMbr,
  standardEntryCount,
} from "./layout.js";
import { protectiveMbrFor } from "./mbr.js";
import type { PartitionKind } from "./partition-types.js";
import type { DdiPlan, PlannedPartition, TableLayout } from "./plan.js";
import { encodeSignature } from "./signature.js";

/** What is needed to write the tables of an image; a `DdiPlan` has it. */
export interface TableContent {
  readonly layout: TableLayout;
  readonly partitions: readonly Omit<PlannedPartition, "kind">[];
}

/** The tables at both ends of an image. */
export interface EncodedTables {
  /** Protective MBR, header and entries; goes to offset 0. */
  readonly primary: Uint8Array;
  /** Entries and header; ends with the image. */
  readonly backup: Uint8Array;
}

/** The bytes of both partition tables: of a plan, or of an image whose signature partition is replaced. */
export function encodeTables({ layout, partitions }: TableContent): EncodedTables {
  const { sectorBytes, sizeBytes, firstUsableLba, lastUsableLba, diskGuid } = layout;
  const lastLba = sizeBytes / sectorBytes - 1;
  const entries = encodeEntries(partitions, sectorBytes);
  const header = (currentLba: number, alternateLba: number, entriesLba: number) =>
    encodeHeader(
      {
        signature: headerSignature,
        revision: headerRevision,
        headerBytes: gptHeader.size,
        headerCrc: 0,
        reserved: 0,
        currentLba: BigInt(currentLba),
        alternateLba: BigInt(alternateLba),
        firstUsableLba: BigInt(firstUsableLba),
        lastUsableLba: BigInt(lastUsableLba),
        diskGuid,
        entriesLba: BigInt(entriesLba),
        entryCount: standardEntryCount,
        entryBytes: gptEntry.size,
        entriesCrc: crc32(entries),
      },
      sectorBytes,
    );
  const mbr = new Uint8Array(sectorBytes);
  mbr.set(protectiveMbr.encode(protectiveMbrFor(lastLba)));
  return {
    primary: concatBytes([mbr, header(1, lastLba, 2), entries]),
    backup: concatBytes([entries, header(lastLba, 1, lastUsableLba + 1)]),
  };
}

function encodeEntries(partitions: TableContent["partitions"], sectorBytes: number): Uint8Array {
  const array = new Uint8Array(standardEntryCount * gptEntry.size);
  for (const [index, { type, uuid, label, attributes, start, size }] of partitions.entries()) {
    const firstLba = BigInt(start / sectorBytes);
    const lastLba = BigInt((start + size) / sectorBytes - 1);
    array.set(gptEntry.encode({ type, uuid, firstLba, lastLba, attributes, label }), index * gptEntry.size);
  }
  return array;
}

function encodeHeader(header: GptHeader, sectorBytes: number): Uint8Array {
  const sector = new Uint8Array(sectorBytes);
  sector.set(gptHeader.encode(header));
  const crc = headerChecksum(sector, header.headerBytes);
  viewOf(sector).setUint32(gptHeader.offsets.headerCrc, crc, true);
  return sector;
}

/** Both partition tables as chunks, without the partitions' content. */
export function* emitTables(plan: DdiPlan): Generator<Chunk> {
  const { primary, backup } = encodeTables(plan);
  yield { offset: 0, bytes: primary };
  yield { offset: plan.layout.sizeBytes - backup.length, bytes: backup };
}

/** The content of one partition as chunks, at their places in the image; nothing where the plan has none. */
export async function* emitPartition(plan: DdiPlan, kind: PartitionKind): AsyncGenerator<Chunk> {
  const partition = plan.partitions.find((one) => one.kind === kind);
  if (!partition) return;
  const { start, size } = partition;
  const { filesystem, tree, signature } = plan.content;
  if (kind === "data" && filesystem) {
    let offset = start;
    for await (const bytes of readChunks(filesystem)) {
      yield { offset, bytes };
      offset += bytes.length;
    }
  }
  if (kind === "verity" && tree && plan.layout.verity) {
    for (const { offset, bytes } of emitHashArea(tree, plan.layout.verity)) yield { offset: start + offset, bytes };
  }
  if (kind === "verity-sig" && signature) yield { offset: start, bytes: encodeSignature(signature, size) };
}

/**
 * The whole image as chunks, in the order of the partitions and the tables last: an image that breaks off in the middle is
 * none. What lies between the chunks is zero; the image has `plan.layout.sizeBytes`.
 */
export async function* emit(plan: DdiPlan): AsyncGenerator<Chunk> {
  for (const { kind } of plan.partitions) yield* emitPartition(plan, kind);
  yield* emitTables(plan);
}
