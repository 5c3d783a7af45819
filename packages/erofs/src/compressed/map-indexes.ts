import type { ByteSource } from "@sextant/bytes";
import { ErofsError } from "../errors.js";
import { bodyOffset, type Inode, metadataOf, nidText } from "../inode.js";
import { readBytes, type Volume } from "../volume.js";
import type { DataExtent } from "./extents.js";
import type { IndexedMap } from "./header.js";
import { type IndexReader, indexReader } from "./index-reader.js";
import { type IndexRun, type IndexSection, newRun } from "./index-run.js";
import {
  type AlgorithmName,
  advise,
  algorithmNames,
  clusterType,
  compactClusterLog2,
  maxClusterBytes,
  maxDecodedBytes,
} from "./layout.js";
import { compactSections } from "./map-compact.js";
import { fullSections } from "./map-full.js";

/** What leads from a place in the data to its extent, one at a time. */
export interface ExtentFinder {
  /** The extent with byte `position`, which is within the data. */
  find(position: number): Promise<DataExtent>;
}

/** An inode's indexes and what is needed to follow them. */
export interface IndexMap {
  readonly inode: Inode;
  readonly header: IndexedMap;
  readonly reader: IndexReader;
  readonly sections: readonly IndexSection[];
  /** Where the first index stands, in bytes. */
  readonly offset: number;
  readonly blockBytes: number;
  /** lclusters in all. */
  readonly count: number;
  /** Numbers of the algorithms that the superblock allows, as bits. */
  readonly algorithms: number;
  fail(message: string, lcluster: number): ErofsError;
}

export async function openIndexes(volume: Volume, inode: Inode, header: IndexedMap): Promise<IndexMap> {
  const { blockBytes, algorithms } = volume.superblock;
  const clusterLog2 = Math.log2(header.clusterBytes);
  const count = Math.ceil(inode.size / header.clusterBytes);
  const path = `inode ${nidText(inode.nid)}.lcluster`;
  const narrow = header.kind === "compact" && (header.advise & advise.compacted2b) !== 0;
  if (header.kind === "compact" && clusterLog2 > compactClusterLog2[narrow ? "narrow" : "wide"]) {
    const what = `compact indexes${narrow ? " of 2 bytes" : ""} for lclusters of ${header.clusterBytes} bytes`;
    throw new ErofsError("UNSUPPORTED_COMPRESSION", `there are no ${what}`, { path, offset: inode.offset });
  }
  const big = (header.advise & advise.bigCluster1) !== 0;
  // Kernels count compact indexes in blocks, whatever the size of lclusters.
  const indexes = header.kind === "compact" ? Math.ceil(inode.size / blockBytes) : count;
  const sections =
    header.kind === "full"
      ? fullSections(bodyOffset(inode), count)
      : compactSections(bodyOffset(inode), indexes, { clusterLog2, narrow, big });
  return {
    inode,
    header,
    reader: indexReader(await metadataOf(volume, inode), sections, path),
    sections,
    offset: sections[0]?.offset ?? 0,
    blockBytes,
    count,
    algorithms,
    fail: (message, lcluster) =>
      new ErofsError("MALFORMED_INDEX", message, {
        path: `${path} ${lcluster}`,
        offset: indexOffset(sections, lcluster),
        nid: inode.nid,
      }),
  };
}

/** Where the pack with an lcluster's index stands. */
export function indexOffset(sections: readonly IndexSection[], lcluster: number): number | undefined {
  const section = sections.find(({ first, count }) => lcluster >= first && lcluster < first + count);
  if (section === undefined) return undefined;
  return section.offset + Math.floor((lcluster - section.first) / section.packIndexes) * section.packBytes;
}

/** The run with an lcluster, and its place there. */
interface Found {
  readonly run: IndexRun;
  readonly at: number;
  readonly lcluster: number;
}

async function indexAt({ reader }: IndexMap, lcluster: number): Promise<Found> {
  const run = reader.peek(lcluster) ?? (await reader.load(lcluster));
  return { run, at: lcluster - run.first, lcluster };
}

/**
 * Steps that may be taken from index to index. A writer's distances reach 2047 lclusters; those of old ones lead no
 * farther than to the next index, and then an extent has no more of them than kernels can decode at once.
 */
function stepLimit({ header, count }: IndexMap): number {
  return 64 + Math.ceil(count / 1024) + Math.ceil(maxDecodedBytes / header.clusterBytes);
}

/** The head of the extent with byte `position`. */
async function findHead(map: IndexMap, position: number): Promise<Found> {
  const { clusterBytes } = map.header;
  const lcluster = Math.floor(position / clusterBytes);
  let found = await indexAt(map, lcluster);
  if (isHead(found)) {
    if (position - lcluster * clusterBytes >= offsetOf(found)) return checkedHead(map, found);
    if (lcluster === 0) throw map.fail("the first extent does not begin with the data", 0);
    found = await indexAt(map, lcluster - 1);
  }
  for (let steps = stepLimit(map); !isHead(found); steps--) {
    if ((found.run.blocks[found.at] ?? 0) > 0 && !mayBeBig(map)) {
      throw map.fail("a cluster has a size where none can be big", found.lcluster);
    }
    const back = found.run.back[found.at] ?? 0;
    if (back === 0 || back > found.lcluster) {
      throw map.fail(`the index leads ${back} lclusters back from lcluster ${found.lcluster}`, found.lcluster);
    }
    if (steps === 0) throw tooManySteps(map, lcluster);
    found = await indexAt(map, found.lcluster - back);
  }
  return checkedHead(map, found);
}

const isHead = ({ run, at }: Found) => run.type[at] !== clusterType.nonhead;
const offsetOf = ({ run, at }: Found) => run.offset[at] ?? 0;

/** Whether any cluster of the inode can be of several blocks. */
export function mayBeBig({ header }: IndexMap): boolean {
  return (header.advise & (advise.bigCluster1 | advise.bigCluster2)) !== 0;
}

function checkedHead(map: IndexMap, head: Found): Found {
  if (offsetOf(head) < map.header.clusterBytes) return head;
  const message = `the extent would begin at byte ${offsetOf(head)} of an lcluster of ${map.header.clusterBytes}`;
  throw map.fail(message, head.lcluster);
}

function tooManySteps(map: IndexMap, lcluster: number): ErofsError {
  return new ErofsError("LIMIT_CLUSTER", `more than ${stepLimit(map)} indexes lead one to the other`, {
    path: `inode ${nidText(map.inode.nid)}.lcluster ${lcluster}`,
    offset: indexOffset(map.sections, lcluster),
    nid: map.inode.nid,
  });
}

/** Where the extent of a head ends: where the next one begins, or with the data. */
async function findEnd(map: IndexMap, head: Found): Promise<number> {
  const { size } = map.inode;
  let { run, lcluster: at } = head;
  for (let steps = stepLimit(map); ; steps--) {
    const end = run.first + run.count;
    let next = at + 1;
    for (; next < end && run.type[next - run.first] === clusterType.nonhead; next++) {
      const problem = nonheadProblem(map, run, next - run.first, next - head.lcluster);
      if (problem !== undefined) throw map.fail(problem, next);
    }
    if (next < end) return endAt(map, { run, at: next - run.first, lcluster: next });
    // Behind this run it goes on where its last index leads, so that the runs on the way need not be read.
    const last = run.count - 1;
    const ahead = run.type[last] === clusterType.nonhead ? (run.ahead[last] ?? 0) : 1;
    next = end - 1 + Math.max(1, ahead);
    if (next >= map.count) return size;
    if (steps === 0) throw tooManySteps(map, head.lcluster);
    const found = await indexAt(map, next);
    if (isHead(found)) return endAt(map, found);
    ({ run, lcluster: at } = found);
  }
}

const endAt = (map: IndexMap, next: Found) =>
  Math.min(map.inode.size, next.lcluster * map.header.clusterBytes + offsetOf(checkedHead(map, next)));

/** What is wrong with an index so many lclusters behind the head of its extent, in words. */
export function nonheadProblem(map: IndexMap, run: IndexRun, at: number, distance: number): string | undefined {
  const [back = 0, blocks = 0] = [run.back[at], run.blocks[at]];
  if (back < 1 || back > distance) return `the index leads ${back} lclusters back, the head is ${distance} before it`;
  if (blocks === 0) return undefined;
  if (!mayBeBig(map)) return "a cluster has a size where none can be big";
  return distance === 1 ? undefined : `the size of a cluster stands ${distance} lclusters behind its head`;
}

/** Bytes of the cluster that a head leads to; undefined where only the next index knows. */
function knownBytes({ header, inode, blockBytes }: IndexMap, { run, at, lcluster }: Found): number | undefined {
  const bit = run.type[at] === clusterType.head1 ? advise.bigCluster1 : advise.bigCluster2;
  const isBig = (header.advise & bit) !== 0 && (lcluster + 1) * header.clusterBytes < inode.size;
  return isBig ? undefined : blockBytes;
}

/** The same, from the index behind the head. */
function bytesFrom(map: IndexMap, next: Found): number {
  const { blockBytes } = map;
  if (isHead(next)) return blockBytes;
  const blocks = next.run.blocks[next.at] ?? 0;
  if (blocks === 0) throw map.fail("the size of the cluster is missing", next.lcluster);
  if (blocks * blockBytes > maxClusterBytes) {
    throw map.fail(`a cluster of ${blocks} blocks is larger than ${maxClusterBytes} bytes`, next.lcluster);
  }
  return blocks * blockBytes;
}

/** The extent with byte `position`. */
export async function findIndexed(map: IndexMap, position: number): Promise<DataExtent> {
  const head = await findHead(map, position);
  const end = await findEnd(map, head);
  if (end <= position) throw map.fail(`the index leads back past the extent at byte ${end}`, head.lcluster);
  if (isElsewhere(map, end) || knownBytes(map, head) !== undefined) return extentOf(map, head, end, undefined);
  return extentOf(map, head, end, await indexAt(map, head.lcluster + 1));
}

/** Whether the extent up to `end` is in no cluster, but behind the indexes or a fragment. */
function isElsewhere({ header, inode }: IndexMap, end: number): boolean {
  return end === inode.size && (header.fragmentLow !== undefined || header.inlineBytes > 0);
}

/** The extent of a head that ends at `end`; `next` is the index behind it. */
function extentOf(map: IndexMap, head: Found, end: number, next: Found | undefined): DataExtent {
  const { header, inode, blockBytes } = map;
  const start = head.lcluster * header.clusterBytes + offsetOf(head);
  const block = head.run.block[head.at] ?? 0;
  const where = { start, end, device: 0, partial: head.run.partial[head.at] === 1 };
  const isLast = end === inode.size;
  if (isLast && header.fragmentLow !== undefined) {
    const address = header.fragmentLow + (header.kind === "full" ? block * 2 ** 32 : 0);
    return { ...where, kind: "fragment", address, storedBytes: end - start, algorithm: "stored", interlaced: false };
  }
  const algorithm = algorithmOf(map, head);
  const isInline = isLast && header.inlineBytes > 0;
  const stored = isInline ? header.inlineBytes : (knownBytes(map, head) ?? (next ? bytesFrom(map, next) : blockBytes));
  if (algorithm === "stored" && end - start > stored) {
    throw map.fail(`${stored} stored bytes cannot be an extent of ${end - start}`, head.lcluster);
  }
  const address = isInline ? inlineOffset(map) : block * blockBytes;
  if (isInline && (address % blockBytes) + stored > blockBytes) {
    throw map.fail(`${stored} bytes behind the indexes cross a block`, head.lcluster);
  }
  const interlaced = !isInline && algorithm === "stored" && (header.advise & advise.interlaced) !== 0;
  return {
    ...where,
    kind: isInline ? "inline" : "cluster",
    address,
    storedBytes: stored,
    algorithm,
    interlaced,
  };
}

/** Indexes that are read at once where all extents are wanted, in bytes. */
const wholeBytes = 128 * 1024;

/**
 * All extents in order, in one step that needs no more than one read: the same as `findIndexed` gives one by one, for half
 * the time and less. Undefined where there are too many indexes for that.
 */
export async function findAllIndexed(map: IndexMap, area: ByteSource): Promise<DataExtent[] | undefined> {
  const { sections, count, header, inode } = map;
  const runs: IndexRun[] = [];
  const last = sections.at(-1);
  if (last === undefined) return undefined;
  const end = last.offset + Math.ceil(last.count / last.packIndexes) * last.packBytes;
  if (end - map.offset > wholeBytes) return undefined;
  const bytes = await readBytes(area, map.offset, end, `inode ${nidText(inode.nid)}.lcluster`);
  for (const section of sections) {
    if (section.count === 0) continue;
    const run = newRun(section.first, section.count);
    const from = section.offset - map.offset;
    section.decode(
      bytes.subarray(from, from + Math.ceil(section.count / section.packIndexes) * section.packBytes),
      run,
    );
    runs.push(run);
  }
  const extents: DataExtent[] = [];
  let head: Found | undefined;
  let next: Found | undefined;
  for (const run of runs) {
    const runEnd = Math.min(run.count, count - run.first);
    for (let at = 0; at < runEnd; at++) {
      const lcluster = run.first + at;
      if (head !== undefined && lcluster === head.lcluster + 1) next = { run, at, lcluster };
      if (run.type[at] === clusterType.nonhead) continue;
      const start = lcluster * header.clusterBytes + (run.offset[at] ?? 0);
      // Behind the data there may be a head that nothing comes of.
      if (start >= inode.size) break;
      if (head !== undefined) extents.push(extentOf(map, head, start, next));
      else if (start > 0) throw map.fail("the first extent does not begin with the data", 0);
      head = checkedHead(map, { run, at, lcluster });
      next = undefined;
    }
  }
  if (head === undefined) throw map.fail("there is no extent", 0);
  extents.push(extentOf(map, head, inode.size, next));
  return extents;
}

function algorithmOf(map: IndexMap, { run, at, lcluster }: Found): AlgorithmName | "stored" {
  const type = run.type[at];
  if (type === clusterType.plain) return "stored";
  return namedAlgorithm(map.algorithms, map.header.algorithms[type === clusterType.head2 ? 1 : 0], (code, message) => {
    const { context } = map.fail(message, lcluster);
    return new ErofsError(code, message, context);
  });
}

/** The name of an algorithm. Throws what `fail` makes where it has none, or the superblock (`allowed`) does not have it. */
export function namedAlgorithm(
  allowed: number,
  number: number,
  fail: (code: "UNSUPPORTED_COMPRESSION" | "MALFORMED_INDEX", message: string) => ErofsError,
): AlgorithmName {
  const name = algorithmNames[number];
  if (name === undefined)
    throw fail("UNSUPPORTED_COMPRESSION", `the data is compressed with unknown algorithm ${number}`);
  if ((allowed & (1 << number)) === 0) {
    throw fail("MALFORMED_INDEX", `the data is compressed with ${name}, which the superblock does not name`);
  }
  return name;
}

/** The inline extent follows the last index, or the pack that it is in. */
function inlineOffset(map: IndexMap): number {
  const section = map.sections.findLast(({ first, count }) => first < map.count && count > 0);
  return section === undefined ? 0 : (indexOffset(map.sections, map.count - 1) ?? 0) + section.packBytes;
}
