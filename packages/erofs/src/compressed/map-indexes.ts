import type { ByteSource } from "@sextant/bytes";
import { ErofsError } from "../errors.js";
import { nidText } from "../inode.js";
import { readBytes } from "../volume.js";
import type { DataExtent } from "./extents.js";
import { type IndexMap, indexOffset, namedAlgorithm } from "./index-map.js";
import { type IndexRun, newRun } from "./index-run.js";
import { checkedHead, type Found, findEnd, findHead, indexAt, isHead, nonheadProblem, offsetOf } from "./index-walk.js";
import { type AlgorithmName, advise, clusterType, maxClusterBytes } from "./layout.js";

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
      if (run.type[at] === clusterType.nonhead) {
        const problem = head && nonheadProblem(map, run, at, lcluster - head.lcluster);
        if (problem !== undefined) throw map.fail(problem, lcluster);
        continue;
      }
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

/** The inline extent follows the last index, or the pack that it is in. */
function inlineOffset(map: IndexMap): number {
  const section = map.sections.findLast(({ first, count }) => first < map.count && count > 0);
  return section === undefined ? 0 : (indexOffset(map.sections, map.count - 1) ?? 0) + section.packBytes;
}
