import { type Name, splitPath } from "@sextant/tree";
import type { PlannedInode } from "./plan-inodes.js";

/** What stands first in the image. */
export interface Front {
  /** From the root on, every inode once. */
  readonly inodes: readonly PlannedInode[];
  /** The directories among them, each with the index of the entry that leads on; of several, the first that was asked for. */
  readonly directories: ReadonlyMap<PlannedInode, number>;
}

/**
 * Where an image says what it extends; systemd reads nothing else to find out
 * (systemd-sysext(8), "extension-release.d").
 */
export const releaseDirectories: readonly Name[] = [
  "usr/lib/extension-release.d" as Name,
  "etc/extension-release.d" as Name,
];

/** Follows each path; a directory at its end brings what is in it. Paths that lead nowhere are left out. */
export function gatherFront(root: PlannedInode, paths: readonly Name[]): Front {
  const inodes = new Set<PlannedInode>([root]);
  const directories = new Map<PlannedInode, number>();
  const enter = (directory: PlannedInode, index: number) => {
    const child = directory.entries?.inodes[index];
    if (child) inodes.add(child);
    if (!directories.has(directory)) directories.set(directory, index);
  };
  for (const path of paths) {
    const steps = resolve(root, path);
    if (steps === undefined) continue;
    for (const { directory, index } of steps) enter(directory, index);
    const { directory, index } = steps.at(-1) ?? {};
    const target = directory && index !== undefined ? directory.entries?.inodes[index] : root;
    target?.entries?.names.forEach((name, at) => {
      if (name !== "." && name !== "..") enter(target, at);
    });
  }
  return { inodes: [...inodes], directories };
}

interface Step {
  readonly directory: PlannedInode;
  readonly index: number;
}

function resolve(root: PlannedInode, path: Name): Step[] | undefined {
  const steps: Step[] = [];
  let directory = root;
  for (const part of splitPath(path)) {
    const index = directory.entries?.names.indexOf(part) ?? -1;
    const child = directory.entries?.inodes[index];
    if (child === undefined) return undefined;
    steps.push({ directory, index });
    directory = child;
  }
  return steps;
}
