import type { Name } from "@sextant/tree";
import { releaseDirectories } from "../plan-front.js";
import { blockBytes } from "../plan-slots.js";
import type { CompressOptions } from "./compress.js";
import { type Compression, checkCompression } from "./compression.js";
import type { ProfileEntry } from "./order.js";
import type { Content } from "./streams.js";

/** A file that is compressed, and how. */
export interface ChosenContent {
  readonly content: Content;
  readonly compression: Compression;
  /** Whether all of it goes into the packed inode. */
  readonly isFragment: boolean;
}

/** Bytes `[start, end)` of a file; both are block boundaries or the file's end. */
export interface ChosenRange {
  readonly chosen: ChosenContent;
  readonly start: number;
  readonly end: number;
  readonly isHot: boolean;
}

/** What is compressed: files that are larger than a block, or that share blocks with others. */
export function chooseContents(contents: readonly Content[], options: CompressOptions): ChosenContent[] {
  const { compression, choose, fragments = "none", tailPacking = false, front = releaseDirectories } = options;
  const checked = new Set([compression]);
  const isFront = ({ path, size }: Content) =>
    size <= blockBytes && front.some((at) => path === at || path.startsWith(`${at}/`));
  const chosen: ChosenContent[] = [];
  for (const content of contents) {
    const own = choose?.(content.path, content.file) ?? compression;
    const isTiny = content.size <= blockBytes && fragments === "none" && !tailPacking;
    if (own === "store" || isTiny || isFront(content)) continue;
    if (!checked.has(own)) checkCompression(own, blockBytes);
    checked.add(own);
    const isFragment = fragments === "all" || (fragments === "tails" && content.size <= own.clusterBytes);
    chosen.push({ content, compression: own, isFragment });
  }
  return chosen;
}

/**
 * All of the files' bytes in placement order: first what the profile names, in its order, then the rest, file by file. What
 * the profile names twice, or what is not there, counts for nothing.
 */
export function placeRanges(chosen: readonly ChosenContent[], profile: readonly ProfileEntry[]): ChosenRange[] {
  const byPath = new Map<Name, ChosenContent>(chosen.map((one) => [one.content.path, one]));
  const taken = new Map<ChosenContent, { start: number; end: number }[]>();
  const ranges: ChosenRange[] = [];
  const take = (one: ChosenContent, from: number, to: number, isHot: boolean) => {
    const list = taken.get(one) ?? [];
    taken.set(one, list);
    for (const { start, end } of gaps(list, from, to)) {
      const last = ranges.at(-1);
      if (last && last.chosen === one && last.end === start && last.isHot === isHot) {
        ranges[ranges.length - 1] = { ...last, end };
      } else ranges.push({ chosen: one, start, end, isHot });
      list.push({ start, end });
    }
    list.sort((a, b) => a.start - b.start);
  };
  for (const { path, start = 0, end = Number.POSITIVE_INFINITY } of profile) {
    const one = byPath.get(path);
    if (one === undefined || start >= one.content.size || end <= start) continue;
    const from = start - (start % blockBytes);
    const to = Math.min(one.content.size, Math.ceil(end / blockBytes) * blockBytes);
    // What is in the packed inode is there as a whole.
    if (one.isFragment) take(one, 0, one.content.size, true);
    else take(one, from, to, true);
  }
  for (const one of chosen) take(one, 0, one.content.size, false);
  return ranges;
}

/** What of `[from, to)` is in none of the ranges, which are in order. */
function gaps(list: readonly { start: number; end: number }[], from: number, to: number) {
  const found: { start: number; end: number }[] = [];
  let at = from;
  for (const { start, end } of list) {
    if (start >= to) break;
    if (end <= at) continue;
    if (start > at) found.push({ start: at, end: start });
    at = Math.max(at, end);
  }
  if (at < to) found.push({ start: at, end: to });
  return found;
}
