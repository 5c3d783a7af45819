import type { PlannedInode } from "./plan-inodes.js";

/** A time as inodes have it. */
export interface Time {
  /** Since 1970, may be negative. */
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** Sets times that are later than the epoch to the epoch; an epoch of 0 sets every time to 0. */
export function clampTimes(inodes: readonly PlannedInode[], epochSeconds: number | undefined): void {
  if (epochSeconds === undefined) return;
  for (const inode of inodes) {
    const later =
      inode.mtimeSeconds > epochSeconds || (inode.mtimeSeconds === epochSeconds && inode.mtimeNanoseconds > 0);
    if (!later && epochSeconds !== 0) continue;
    inode.mtimeSeconds = epochSeconds;
    inode.mtimeNanoseconds = 0;
  }
}

/** Whether all but the time fits the 32-byte form. */
export function fitsCompact({ node, nlink, size }: PlannedInode): boolean {
  return node.uid <= 0xffff && node.gid <= 0xffff && nlink <= 0xffff && size <= 0xffffffff;
}

/**
 * The one time that compact inodes can have (it stands in the superblock): the most frequent one of those that could be
 * compact, of several the earliest. A tree out of a package then has mostly compact inodes.
 */
export function chooseBaseTime(inodes: readonly PlannedInode[]): Time {
  const counts = new Map<number, Map<number, number>>();
  for (const inode of inodes) {
    if (!fitsCompact(inode)) continue;
    const inSecond = counts.get(inode.mtimeSeconds) ?? new Map<number, number>();
    counts.set(inode.mtimeSeconds, inSecond);
    inSecond.set(inode.mtimeNanoseconds, (inSecond.get(inode.mtimeNanoseconds) ?? 0) + 1);
  }
  let best: Time = { seconds: 0, nanoseconds: 0 };
  let most = 0;
  for (const [seconds, inSecond] of counts) {
    for (const [nanoseconds, count] of inSecond) {
      const earlier = seconds < best.seconds || (seconds === best.seconds && nanoseconds < best.nanoseconds);
      if (count < most || (count === most && !earlier)) continue;
      best = { seconds, nanoseconds };
      most = count;
    }
  }
  return best;
}
