import { chmodSync, fchmodSync, fchownSync, futimesSync, lchownSync, linkSync, lutimesSync, unlinkSync } from "node:fs";
import { describeErrno } from "@sextant/bytes/node";
import { type Name, nameToText } from "../name.js";
import type { LazyNode } from "../types.js";
import { type OpenReport, skip } from "./extract-report.js";
import { diskPath, textPath } from "./path.js";
import { type XattrCalls, xattrErrno } from "./xattrs.js";

/** How attributes are applied in one extraction. */
export interface AttributeRules {
  readonly owners: boolean;
  readonly xattrs: boolean;
  /** Loads what sets xattrs; most trees have none, and then nobody waits for it. */
  readonly calls: () => Promise<XattrCalls | undefined>;
  /** This process's own, which every node has at first. */
  readonly uid: number;
  readonly gid: number;
  readonly report: OpenReport;
}

const setIdBits = 0o6000;
const noId = 0xffffffff;
const coarseFromSeconds = 2 ** 33;
/** The range of a Date. Further away libuv's arithmetic overflows. */
const maxSeconds = 8.64e12;

/**
 * Gives an open file or directory its attributes. The order matters: a new owner takes set-uid bits and capabilities away,
 * and whatever changes the node changes its time.
 */
export async function applyToDescriptor(
  rules: AttributeRules,
  fd: number,
  disk: Name,
  node: LazyNode,
  path: Name,
): Promise<void> {
  const owned = applyOwner(rules, node, path, (uid, gid) => fchownSync(fd, uid, gid));
  await applyXattrs(rules, disk, node, path);
  const dropped = owned || node.kind === "directory" ? 0 : node.mode & setIdBits;
  if (dropped !== 0) skip(rules.report, path, "set-id", "the file belongs to somebody else than in the image");
  fchmodSync(fd, node.mode & 0o7777 & ~dropped);
  applyTime(rules, node, (time) => futimesSync(fd, time, time));
}

/**
 * Gives a symlink, device or fifo its attributes. Linux has no way to change a mode that follows no symlink: `disk` is a
 * name that this extraction has just made up, in a directory that it holds open.
 */
export async function applyToPath(rules: AttributeRules, disk: Name, node: LazyNode, path: Name): Promise<void> {
  applyOwner(rules, node, path, (uid, gid) => lchownSync(diskPath(disk), uid, gid));
  await applyXattrs(rules, disk, node, path);
  if (node.kind !== "symlink") chmodSync(diskPath(disk), node.mode & 0o7777);
  applyTime(rules, node, (time) => lutimesSync(diskPath(disk), time, time));
}

/** Whether the node has the owner that it should have. */
function applyOwner(
  { owners, uid, gid, report }: AttributeRules,
  node: LazyNode,
  path: Name,
  chown: (uid: number, gid: number) => void,
): boolean {
  // The last number is no id: chown takes it for "leave as it is".
  const valid = node.uid < noId && node.gid < noId;
  if (owners && valid) {
    chown(node.uid, node.gid);
    return true;
  }
  const same = node.uid === uid && node.gid === gid;
  if (!same) skip(report, path, "owner", `belongs to ${uid}:${gid}, not to ${node.uid}:${node.gid}`);
  return same;
}

async function applyXattrs(rules: AttributeRules, disk: Name, node: LazyNode, path: Name): Promise<void> {
  if (!rules.xattrs) return;
  const { report } = rules;
  const xattrs = await node.xattrs();
  const calls = xattrs.length === 0 ? undefined : await rules.calls();
  for (const { name, value } of xattrs) {
    const failure = setXattr(calls, disk, name, value);
    if (failure !== undefined) skip(report, path, "xattr", `${nameToText(name)}: ${failure}`);
  }
}

/** Sets an xattr of the node itself, a symlink's own where it is one. Gives why it could not be set. */
function setXattr(calls: XattrCalls | undefined, disk: Name, name: Name, value: Uint8Array): string | undefined {
  if (calls === undefined) return "the package @napi-rs/xattr is not here";
  const [path, text] = [textPath(disk), textPath(name)];
  if (path === undefined || text === undefined) return "a name that is not UTF-8 cannot be handed to the package";
  try {
    calls.setAttributeSync(path, text, value);
    return undefined;
  } catch (cause) {
    const code = xattrCodes[xattrErrno(cause) ?? 0];
    return describeErrno(code === undefined ? cause : { code });
  }
}

/** Of Linux, generic architectures. */
const xattrCodes: Readonly<Record<number, string>> = {
  1: "EPERM",
  7: "E2BIG",
  13: "EACCES",
  28: "ENOSPC",
  95: "ENOTSUP",
  122: "EDQUOT",
};

/**
 * Node takes times as seconds in a float, and libuv cuts them to microseconds, so that is what is kept; the quarter of a
 * microsecond keeps a rounded float from being cut to the microsecond before. Numbers below zero mean "now" to Node. A Date
 * does not, but its milliseconds come out a microsecond wrong at times, so before 1970 only seconds are kept; so they are
 * from 2242 on, where the microseconds since 1970 are near the 53 bits of a float.
 */
function applyTime({ report }: AttributeRules, node: LazyNode, set: (time: number | Date) => void): void {
  const { mtimeSeconds, mtimeNanoseconds: nanoseconds } = node;
  const seconds = Math.max(-maxSeconds, Math.min(maxSeconds, mtimeSeconds));
  const fine = seconds >= 0 && seconds < coarseFromSeconds;
  if (seconds !== mtimeSeconds || nanoseconds % (fine ? 1000 : 1_000_000_000) !== 0) report.timesCut += 1;
  const microseconds = fine ? Math.floor(nanoseconds / 1000) : 0;
  if (seconds < 0) set(new Date(1000 * seconds));
  else set(microseconds === 0 ? seconds : seconds + (microseconds + 0.25) / 1_000_000);
}

/** Moves a node to another name. Unlike renaming, it fails where somebody has that name already, and removes the node then. */
export function moveInto(from: Name, to: Name): void {
  try {
    linkSync(diskPath(from), diskPath(to));
  } finally {
    unlinkSync(diskPath(from));
  }
}
