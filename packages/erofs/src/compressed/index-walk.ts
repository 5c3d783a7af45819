import { ErofsError } from "../errors.js";
import { nidText } from "../inode.js";
import { type IndexMap, indexOffset } from "./index-map.js";
import type { IndexRun } from "./index-run.js";
import { advise, clusterType, maxDecodedBytes } from "./layout.js";

/** The run with an lcluster, and its place there. */
export interface Found {
  readonly run: IndexRun;
  readonly at: number;
  readonly lcluster: number;
}

export async function indexAt({ reader }: IndexMap, lcluster: number): Promise<Found> {
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
export async function findHead(map: IndexMap, position: number): Promise<Found> {
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

export const isHead = ({ run, at }: Found) => run.type[at] !== clusterType.nonhead;
export const offsetOf = ({ run, at }: Found) => run.offset[at] ?? 0;

/** Whether any cluster of the inode can be of several blocks. */
export function mayBeBig({ header }: IndexMap): boolean {
  return (header.advise & (advise.bigCluster1 | advise.bigCluster2)) !== 0;
}

export function checkedHead(map: IndexMap, head: Found): Found {
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
export async function findEnd(map: IndexMap, head: Found): Promise<number> {
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
