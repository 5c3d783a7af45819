import { type ByteSource, toSafeNumber, viewOf } from "@sextant/bytes";
import { ErofsError } from "../errors.js";
import { bodyOffset, type Inode, metadataOf, nidText } from "../inode.js";
import { readBytes, type Volume } from "../volume.js";
import type { DataExtent } from "./extents.js";
import type { ExtentMap } from "./header.js";
import { namedAlgorithm } from "./index-map.js";
import { advise, extentLength, extentRecord, extentRecordBytes, extentsOffset, firstExtentAddress } from "./layout.js";

/** An inode's extent records and what is needed to follow them. */
export interface RecordMap {
  readonly inode: Inode;
  readonly header: ExtentMap;
  readonly area: ByteSource;
  /** Where the first record stands, in bytes. */
  readonly offset: number;
  readonly blockBytes: number;
  readonly algorithms: number;
  /** Of records of 4 bytes: the address of each extent at the start of a stretch, as far as it is known. */
  readonly addresses: number[];
  fail(message: string, number: number, code?: "MALFORMED_INDEX" | "UNSUPPORTED_COMPRESSION"): ErofsError;
}

/** What a record has, as it is; what it has no room for is 0. */
export interface StoredRecord {
  readonly length: number;
  readonly low: number;
  readonly high: number;
  readonly start: number;
}

/** Records of 4 bytes that are summed up at once. */
const recordsPerStretch = 1024;

export async function openRecords(volume: Volume, inode: Inode, header: ExtentMap): Promise<RecordMap> {
  const area = await metadataOf(volume, inode);
  const path = `inode ${nidText(inode.nid)}.extent`;
  let offset = extentsOffset(bodyOffset(inode), header.recordBytes);
  const addresses: number[] = [];
  if (header.recordBytes === extentRecordBytes.length) {
    const bytes = await readBytes(area, offset, offset + firstExtentAddress.size, path);
    addresses.push(toSafeNumber(firstExtentAddress.get(viewOf(bytes), 0), `${path} 0`, offset));
    offset += firstExtentAddress.size;
  }
  const end = offset + header.count * header.recordBytes;
  if (end > area.size) {
    const message = `${header.count} extents would end at byte ${end} of ${area.size}`;
    throw new ErofsError("MALFORMED_INDEX", message, { path, offset, nid: inode.nid });
  }
  const { blockBytes, algorithms } = volume.superblock;
  const fail: RecordMap["fail"] = (message, number, code = "MALFORMED_INDEX") =>
    new ErofsError(code, message, {
      path: `${path} ${number}`,
      offset: offset + number * header.recordBytes,
      nid: inode.nid,
    });
  return { inode, header, area, offset, blockBytes, algorithms, addresses, fail };
}

const { offsets } = extentRecord;

/** One record. */
export async function readRecord({ area, header, offset, fail }: RecordMap, number: number): Promise<StoredRecord> {
  const { recordBytes } = header;
  const at = offset + number * recordBytes;
  const view = viewOf(await readBytes(area, at, at + recordBytes, "extent"));
  const has = (bytes: number) => recordBytes >= bytes;
  const start = has(extentRecordBytes.logical)
    ? view.getUint32(offsets.logicalLow, true) +
      (has(extentRecordBytes.all) ? view.getUint32(offsets.logicalHigh, true) * 2 ** 32 : 0)
    : number * header.clusterBytes;
  if (!Number.isSafeInteger(start)) throw fail(`the extent would begin at byte ${start}`, number);
  return {
    length: view.getUint32(offsets.length, true),
    low: has(extentRecordBytes.address) ? view.getUint32(offsets.physicalLow, true) : 0,
    high: has(extentRecordBytes.logical) ? view.getUint32(offsets.physicalHigh, true) : 0,
    start,
  };
}

/** Where an extent begins in the data. */
export async function readStart(map: RecordMap, number: number): Promise<number> {
  return (await readRecord(map, number)).start;
}

/** The extent with byte `position`. */
export async function findRecorded(map: RecordMap, position: number): Promise<DataExtent> {
  const { header, inode } = map;
  const number =
    header.recordBytes >= extentRecordBytes.logical
      ? await searchRecord(map, position)
      : Math.floor(position / header.clusterBytes);
  // What comes before the first extent is a hole.
  const record = number < 0 ? undefined : await readRecord(map, number);
  const next = number + 1 < header.count ? await readRecord(map, number + 1) : undefined;
  const start = record?.start ?? 0;
  const end = next?.start ?? inode.size;
  if (!(start <= position && position < end && end <= inode.size)) {
    throw map.fail(`the extent from byte ${start} to ${end} is not where it should be`, Math.max(0, number));
  }
  if (record === undefined) return holeFrom(start, end);
  return extentOf(map, record, number, end);
}

/** The last record that begins at `position` or before; -1 if the first one begins behind it. */
async function searchRecord(map: RecordMap, position: number): Promise<number> {
  let low = 0;
  let high = map.header.count;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((await readRecord(map, middle)).start <= position) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function holeFrom(start: number, end: number): DataExtent {
  const where = { start, end, address: 0, storedBytes: 0, device: 0 };
  return { ...where, kind: "hole", algorithm: "stored", interlaced: false, partial: false };
}

async function extentOf(map: RecordMap, record: StoredRecord, number: number, end: number): Promise<DataExtent> {
  const { header, blockBytes, fail } = map;
  const { start } = record;
  if (number === header.count - 1 && (header.advise & advise.fragment) !== 0) {
    const address = record.length + record.low * 2 ** 32;
    return { ...holeFrom(start, end), kind: "fragment", address, storedBytes: end - start };
  }
  const stored = record.length & extentLength.mask;
  if (stored === 0) return holeFrom(start, end);
  const address = await addressOf(map, record, number);
  const format = record.length >>> extentLength.formatShift;
  const algorithm =
    format === 0
      ? "stored"
      : namedAlgorithm(map.algorithms, format - 1, (code, message) => fail(message, number, code));
  if (algorithm === "stored" && end - start > stored) {
    throw fail(`${stored} stored bytes cannot be an extent of ${end - start}`, number);
  }
  const isAligned = address % blockBytes === 0 && stored % blockBytes === 0;
  const interlaced = algorithm === "stored" && (header.advise & advise.interlaced) !== 0 && isAligned;
  const partial = (record.length & extentLength.partial) !== 0;
  return { start, end, kind: "cluster", address, storedBytes: stored, device: 0, algorithm, interlaced, partial };
}

async function addressOf(map: RecordMap, record: StoredRecord, number: number): Promise<number> {
  if (map.header.recordBytes !== extentRecordBytes.length) return record.high * 2 ** 32 + record.low;
  const stretch = Math.floor(number / recordsPerStretch);
  while (map.addresses.length <= stretch) {
    const at = map.addresses.length - 1;
    map.addresses.push((map.addresses[at] ?? 0) + (await sumLengths(map, at * recordsPerStretch, recordsPerStretch)));
  }
  const first = stretch * recordsPerStretch;
  return (map.addresses[stretch] ?? 0) + (await sumLengths(map, first, number - first));
}

async function sumLengths({ area, offset }: RecordMap, first: number, count: number): Promise<number> {
  const start = offset + first * extentRecordBytes.length;
  const view = viewOf(await readBytes(area, start, start + count * extentRecordBytes.length, "extent"));
  let sum = 0;
  for (let at = 0; at < view.byteLength; at += 4) sum += view.getUint32(at, true) & extentLength.mask;
  return sum;
}
