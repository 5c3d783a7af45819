import type { RecordType, Span } from "@sextant/bytes";
import { readConfigs } from "./compressed/configs.js";
import { type CompressedMap, type DataExtent, openMap } from "./compressed/extents.js";
import { type IndexMap, indexOffset } from "./compressed/index-map.js";
import type { IndexRun } from "./compressed/index-run.js";
import {
  type AlgorithmName,
  clusterType,
  configSize,
  deflateConfigRecord,
  extentRecordBytes,
  firstExtentAddress,
  lz4ConfigRecord,
  lzmaConfigRecord,
  mapHeaderOffset,
  mapHeaderRecord,
  zstdConfigRecord,
} from "./compressed/layout.js";
import { type RecordMap, readRecord } from "./compressed/map-records.js";
import { bodyOffset, type Inode, metadataOf } from "./inode.js";
import { readBytes, type Volume } from "./volume.js";

const configRecords: Readonly<Record<AlgorithmName, RecordType<unknown>>> = {
  lz4: lz4ConfigRecord,
  lzma: lzmaConfigRecord,
  deflate: deflateConfigRecord,
  zstd: zstdConfigRecord,
};

const place = (start: number, end: number, path: string, value: string): Span => ({ start, end, path, value });

/** What the image says of each algorithm, behind the superblock. */
export async function* dumpConfigs(volume: Volume): AsyncGenerator<Span> {
  for await (const { name, offset, bytes } of readConfigs(volume)) {
    const path = `compression ${name}`;
    const start = offset + configSize.size;
    yield place(offset, start, `${path}.size`, String(bytes.length));
    const type = configRecords[name];
    if (bytes.length < type.size) continue;
    for (const span of type.spans(bytes, 0, start))
      yield { ...span, path: `${path}${span.path.slice(type.name.length)}` };
  }
}

/** The map header of a compressed inode and all that follows it. */
export async function* dumpMap(volume: Volume, inode: Inode, prefix: string): AsyncGenerator<Span> {
  const offset = mapHeaderOffset(bodyOffset(inode));
  const area = await metadataOf(volume, inode);
  const bytes = await readBytes(area, offset, offset + mapHeaderRecord.size, prefix);
  for (const span of mapHeaderRecord.spans(bytes, 0, offset)) yield { ...span, path: `${prefix}.${span.path}` };
  const opened: CompressedMap = await openMap(volume, inode);
  if (opened.kind === "indexes") yield* dumpIndexes(opened.map, prefix);
  else if (opened.kind === "records") yield* dumpRecords(opened.map, prefix);
}

async function* dumpIndexes(map: IndexMap, prefix: string): AsyncGenerator<Span> {
  for (let lcluster = 0; lcluster < map.count; lcluster++) {
    const run = map.reader.peek(lcluster) ?? (await map.reader.load(lcluster));
    const section = map.sections.find(({ first, count }) => lcluster >= first && lcluster < first + count);
    const at = indexOffset(map.sections, lcluster) ?? 0;
    const path = `${prefix}.lcluster ${lcluster}`;
    yield place(at, at + (section?.packBytes ?? 0), path, describeIndex(run, lcluster - run.first));
  }
}

const headNames: Readonly<Record<number, string>> = {
  [clusterType.plain]: "PLAIN",
  [clusterType.head1]: "HEAD1",
  [clusterType.head2]: "HEAD2",
};

function describeIndex(run: IndexRun, at: number): string {
  const head = headNames[run.type[at] ?? 0];
  if (head !== undefined) {
    return `${head} from byte ${run.offset[at]}, block ${run.block[at]}${run.partial[at] ? ", partial" : ""}`;
  }
  const parts = [run.blocks[at] ? `${run.blocks[at]} blocks` : `${run.back[at]} back`];
  if (run.ahead[at]) parts.push(`${run.ahead[at]} ahead`);
  return `NONHEAD, ${parts.join(", ")}`;
}

async function* dumpRecords(map: RecordMap, prefix: string): AsyncGenerator<Span> {
  const { recordBytes, count } = map.header;
  if (recordBytes === extentRecordBytes.length) {
    const start = map.offset - firstExtentAddress.size;
    yield place(start, map.offset, `${prefix}.extents`, `from byte ${map.addresses[0]} on`);
  }
  for (let number = 0; number < count; number++) {
    const at = map.offset + number * recordBytes;
    const { length, low, high, start } = await readRecord(map, number);
    const value = [`0x${length.toString(16)}`];
    if (recordBytes > extentRecordBytes.length) value.push(`from byte ${high * 2 ** 32 + low}`);
    if (recordBytes >= extentRecordBytes.logical) value.push(`data from byte ${start}`);
    yield place(at, at + recordBytes, `${prefix}.extent ${number}`, value.join(", "));
  }
}

/** An extent in words. */
export function describeExtent({ start, end, kind, device, algorithm, partial, interlaced }: DataExtent): string {
  const where = {
    blocks: device > 0 ? `on device ${device}` : "in blocks",
    inline: "inline",
    cluster: "in a cluster",
    fragment: "in the packed inode",
    hole: "a hole",
  }[kind];
  const how = [where];
  if (algorithm !== "stored") how.push(algorithm);
  if (partial) how.push("partial");
  if (interlaced) how.push("interlaced");
  return `bytes ${start}…${end}, ${how.join(", ")}`;
}
