import type { ErofsError } from "../errors.js";
import { bodyOffset, type Inode } from "../inode.js";
import type { Volume } from "../volume.js";
import { type CompressedMap, openMap } from "./extents.js";
import { type IndexMap, indexOffset } from "./index-map.js";
import type { IndexRun } from "./index-run.js";
import { nonheadProblem } from "./index-walk.js";
import { clusterType } from "./layout.js";
import { type RecordMap, readStart } from "./map-records.js";

/** A compressed inode's indexes that are to be verified. */
export interface OpenedMap {
  /** Where they begin and end, inline data left out. */
  readonly start: number;
  readonly end: number;
  verify(): Promise<readonly ErofsError[]>;
}

/** Problems of one inode that are told apart; one broken index often breaks those behind it. */
const maxProblems = 16;

/**
 * Looks at every index of a compressed inode, also those that no read happens on: that each leads back to the head of
 * its extent and on to the next one, and no farther. Throws what opening them throws.
 */
export async function openForVerifying(volume: Volume, inode: Inode): Promise<OpenedMap> {
  const opened = await openMap(volume, inode);
  return {
    start: bodyOffset(inode),
    end: endOf(opened, inode),
    async verify() {
      const problems: ErofsError[] = [];
      if (inode.size === 0) return problems;
      for await (const problem of problemsOf(opened)) {
        problems.push(problem);
        if (problems.length === maxProblems) break;
      }
      return problems;
    },
  };
}

async function* problemsOf(opened: CompressedMap): AsyncGenerator<ErofsError> {
  if (opened.kind === "indexes") yield* verifyIndexes(opened.map);
  else if (opened.kind === "records") yield* verifyRecords(opened.map);
}

function endOf(opened: CompressedMap, inode: Inode): number {
  switch (opened.kind) {
    case "fragment":
      return opened.end;
    case "records":
      return opened.map.offset + opened.map.header.count * opened.map.header.recordBytes;
    case "indexes": {
      const { sections, count } = opened.map;
      const section = sections.findLast((one) => one.first < count && one.count > 0);
      if (section === undefined || inode.size === 0) return opened.map.offset;
      return (indexOffset(sections, count - 1) ?? 0) + section.packBytes;
    }
  }
}

/** Where the walk over the indexes is. */
interface Walk {
  /** The head of the extent at hand. */
  head: number;
  /** The farthest that an index so far leads on, and which one. */
  ahead: number;
  aheadFrom: number;
}

async function* verifyIndexes(map: IndexMap): AsyncGenerator<ErofsError> {
  const walk: Walk = { head: -1, ahead: 0, aheadFrom: 0 };
  for (let lcluster = 0; lcluster < map.count; ) {
    const run = map.reader.peek(lcluster) ?? (await map.reader.load(lcluster));
    const end = Math.min(map.count, run.first + run.count);
    for (; lcluster < end; lcluster++) {
      const at = lcluster - run.first;
      const message =
        run.type[at] === clusterType.nonhead
          ? followNonhead(map, walk, run, at)
          : followHead(walk, lcluster, run.offset[at] ?? 0, map.header.clusterBytes);
      if (message !== undefined) yield map.fail(message, lcluster);
    }
  }
  if (walk.ahead > map.count) {
    yield map.fail(`the index leads ${walk.ahead - walk.aheadFrom} lclusters on, behind the last`, walk.aheadFrom);
  }
}

function followNonhead(map: IndexMap, walk: Walk, run: IndexRun, at: number): string | undefined {
  const lcluster = run.first + at;
  if (walk.head < 0) return "no extent begins before this lcluster";
  const ahead = lcluster + (run.ahead[at] ?? 0);
  if (ahead > walk.ahead) {
    walk.ahead = ahead;
    walk.aheadFrom = lcluster;
  }
  return nonheadProblem(map, run, at, lcluster - walk.head);
}

function followHead(walk: Walk, lcluster: number, offset: number, clusterBytes: number): string | undefined {
  const tooFar = walk.ahead > lcluster;
  const { aheadFrom, ahead } = walk;
  walk.head = lcluster;
  walk.ahead = 0;
  if (tooFar) return `lcluster ${aheadFrom} leads to ${ahead}, past the head here`;
  if (offset >= clusterBytes) return `the extent would begin at byte ${offset} of an lcluster of ${clusterBytes}`;
  return lcluster === 0 && offset !== 0 ? `the first extent begins at byte ${offset}` : undefined;
}

async function* verifyRecords(map: RecordMap): AsyncGenerator<ErofsError> {
  let previous = -1;
  for (let number = 0; number < map.header.count; number++) {
    const start = await readStart(map, number);
    if (start <= previous)
      yield map.fail(`the extent begins at byte ${start}, the one before it at ${previous}`, number);
    else if (start >= map.inode.size) yield map.fail(`the extent begins at byte ${start} of ${map.inode.size}`, number);
    previous = start;
  }
}
