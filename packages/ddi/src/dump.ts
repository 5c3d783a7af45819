import { type ByteSource, type Span, toHex } from "@sextant/bytes";
import { dumpHashArea, superblock, VerityError } from "@sextant/verity";
import { DdiError } from "./errors.js";
import { readTable } from "./gpt.js";
import { gptEntry, gptHeader, protectiveMbr } from "./layout.js";
import { type Ddi, open, type Partition } from "./read.js";
import { readSignature } from "./signature.js";

/** One field of a dump, its path put under `prefix` in place of the record's own name. */
const renamed = (prefix: string, spans: readonly Span[]): Span[] =>
  spans.map((span) => ({ ...span, path: `${prefix}${span.path.slice(span.path.indexOf("."))}` }));

/**
 * Every field of an image outside of its filesystems, with absolute offsets and in their order: protective MBR, both
 * headers, used entries, verity superblocks with the places of their trees, and what the signature partitions say. Damaged
 * parts are shown as far as they go. Throws what `open` throws.
 */
export async function dump(source: ByteSource): Promise<readonly Span[]> {
  const ddi = await open(source);
  const lastLba = Math.floor(source.size / ddi.sectorBytes) - 1;
  const spans = [
    ...(await dumpMbr(source)),
    ...(await dumpTable(source, ddi, "primary", 1)),
    ...(await dumpTable(source, ddi, "backup", Math.min(lastLba, lastLbaOf(ddi)))),
  ];
  for (const partition of ddi.partitions) {
    if (partition.kind === "verity") spans.push(...(await dumpVerity(partition)));
    if (partition.kind === "verity-sig") spans.push(...(await dumpSignature(partition)));
  }
  return spans.sort((a, b) => a.start - b.start || a.end - b.end);
}

const lastLbaOf = ({ header }: Ddi) => Number(header.currentLba === 1n ? header.alternateLba : header.currentLba);

async function dumpMbr(source: ByteSource): Promise<Span[]> {
  const bytes = await source.read(0, protectiveMbr.size);
  return protectiveMbr.spans(bytes).map((span) => {
    const isEmpty = bytes.subarray(span.start, span.end).every((byte) => byte === 0);
    return span.path === "protectiveMbr.bootCode" && isEmpty ? { ...span, value: "none" } : span;
  });
}

async function dumpTable(source: ByteSource, { sectorBytes }: Ddi, name: string, lba: number): Promise<Span[]> {
  const offset = lba * sectorBytes;
  const bytes = await source.read(offset, offset + gptHeader.size);
  const spans = renamed(`${name}.header`, gptHeader.spans(bytes, 0, offset));
  try {
    const { entries, entryArray, entriesOffset } = await readTable(source, sectorBytes, lba);
    for (const { index } of entries) {
      spans.push(
        ...renamed(`${name}.entries[${index}]`, gptEntry.spans(entryArray, index * gptEntry.size, entriesOffset)),
      );
    }
  } catch (error) {
    if (!(error instanceof DdiError)) throw error;
  }
  return spans;
}

async function dumpVerity({ source, start, index }: Partition): Promise<Span[]> {
  const bytes = await source.read(0, Math.min(source.size, superblock.size));
  try {
    return dumpHashArea(bytes, start).map((span) => ({ ...span, path: `partitions[${index}].${span.path}` }));
  } catch (error) {
    if (error instanceof VerityError && bytes.length === superblock.size) {
      return renamed(`partitions[${index}].superblock`, superblock.spans(bytes, 0, start));
    }
    throw error;
  }
}

async function dumpSignature(partition: Partition): Promise<Span[]> {
  const { start, source, index } = partition;
  const path = `partitions[${index}].signature`;
  try {
    const { rootHash, certificateFingerprint, signature } = await readSignature(partition);
    const whole = { start, end: start + source.size };
    return [
      { ...whole, path: `${path}.rootHash`, value: toHex(rootHash) },
      { ...whole, path: `${path}.certificateFingerprint`, value: certificateFingerprint ?? "none" },
      { ...whole, path: `${path}.signature`, value: `${signature.length} bytes` },
    ];
  } catch (error) {
    if (!(error instanceof DdiError)) throw error;
    return [{ start, end: start + source.size, path, value: error.message }];
  }
}
