import type { ByteSource } from "@sextant/bytes";
import { readBytes } from "../volume.js";
import { type IndexRun, type IndexSection, newRun } from "./index-run.js";

/** Gives decoded indexes by the number of their lcluster; reads and keeps few of them at a time. */
export interface IndexReader {
  /** The run with that lcluster, where it has been read lately. */
  peek(lcluster: number): IndexRun | undefined;
  load(lcluster: number): Promise<IndexRun>;
}

/** Indexes are read and decoded as they stand together in stretches of so many bytes: that of a page of the metadata cache. */
const stretchBytes = 4096;
/** Runs kept: the one at work, and those that it leads back and on to. */
const runsKept = 4;

export function indexReader(area: ByteSource, sections: readonly IndexSection[], path: string): IndexReader {
  const runs: IndexRun[] = [];
  return {
    peek(lcluster) {
      return runs.find(({ first, count }) => lcluster >= first && lcluster < first + count);
    },
    async load(lcluster) {
      const section = sections.find(({ first, count }) => lcluster >= first && lcluster < first + count);
      if (section === undefined) throw new RangeError(`there is no lcluster ${lcluster}`);
      const run = await readRun(area, section, lcluster, path);
      if (runs.unshift(run) > runsKept) runs.pop();
      return run;
    },
  };
}

async function readRun(area: ByteSource, section: IndexSection, lcluster: number, path: string): Promise<IndexRun> {
  const { first, count, offset, packIndexes, packBytes } = section;
  const packs = Math.ceil(count / packIndexes);
  const packAt = (position: number) => Math.ceil((position - offset) / packBytes);
  const position = offset + Math.floor((lcluster - first) / packIndexes) * packBytes;
  const stretch = Math.floor(position / stretchBytes) * stretchBytes;
  const from = Math.max(0, packAt(stretch));
  const to = Math.min(packs, packAt(stretch + stretchBytes));
  const run = newRun(first + from * packIndexes, Math.min(count, to * packIndexes) - from * packIndexes);
  section.decode(await readBytes(area, offset + from * packBytes, offset + to * packBytes, path), run);
  return run;
}
