import type { Name } from "@sextant/tree";
import { checkInode, type SharedNames } from "./check-inode.js";
import { type CheckState, pathOf, type SeenInode } from "./check-state.js";
import { checkBlockOrder, storedBlocks } from "./directory.js";
import { type Dirent, decodeDirentBlock } from "./dirents.js";
import { type Inode, kindOfFileType, nidText, readInode } from "./inode.js";
import type { Volume } from "./volume.js";

/** A directory that is to be walked. */
interface Pending {
  readonly inode: Inode;
  readonly seen: SeenInode;
  readonly parentNid: number;
}

/** Visits every inode that can be reached from the root, each once, and remembers what can only be judged in the end. */
export async function walkTree(volume: Volume, state: CheckState): Promise<void> {
  const { rootNid } = volume.superblock;
  const shared: SharedNames = new Map();
  const root = await state.attempt(
    () => "/",
    () => readInode(volume, rootNid),
  );
  if (root === undefined) return;
  const seen = remember(state, root, undefined, "" as Name);
  if (root.kind !== "directory") state.report("MALFORMED_INODE", "/", `the root is a ${root.kind}`, root.offset);
  await checkInode(volume, state, root, shared);
  const pending: Pending[] = [{ inode: root, seen, parentNid: rootNid }];
  for (let next = pending.pop(); next !== undefined && !state.isFull(); next = pending.pop()) {
    if (next.inode.kind !== "directory") continue;
    for await (const [dirent, offset] of checkDirectory(volume, state, next)) {
      const child = await visitEntry(volume, state, next, dirent, offset);
      if (child === undefined) continue;
      await checkInode(volume, state, child.inode, shared);
      if (child.inode.kind === "directory") pending.push(child);
    }
  }
}

function remember(state: CheckState, inode: Inode, parent: SeenInode | undefined, name: Name): SeenInode {
  const { kind, offset, nlink } = inode;
  const seen: SeenInode = { kind, offset, nlink, names: 0, subdirectories: 0, parent, name };
  state.inodes.set(inode.nid, seen);
  return seen;
}

/** Follows an entry; gives the inode where it is met for the first time. */
async function visitEntry(
  volume: Volume,
  state: CheckState,
  directory: Pending,
  dirent: Dirent,
  offset: number | undefined,
): Promise<Pending | undefined> {
  const path = () => pathOf(directory.seen, dirent.name);
  let seen = state.inodes.get(dirent.nid);
  const known = seen !== undefined;
  const inode = known ? undefined : await state.attempt(path, () => readInode(volume, dirent.nid));
  if (inode) seen = remember(state, inode, directory.seen, dirent.name);
  if (seen === undefined) return undefined;
  const type = kindOfFileType[dirent.type];
  if (type !== seen.kind) {
    const message = `the entry has type ${dirent.type} (${type ?? "unknown"}), inode ${nidText(dirent.nid)} is a ${seen.kind}`;
    state.report("MISMATCH_TYPE", path(), message, offset);
  }
  seen.names += 1;
  if (seen.kind === "directory") {
    if (known) {
      state.report(
        "MALFORMED_CYCLE",
        path(),
        `this directory, inode ${nidText(dirent.nid)}, is also ${pathOf(seen)}`,
        offset,
      );
    } else directory.seen.subdirectories += 1;
  }
  return inode && { inode, seen, parentNid: directory.inode.nid };
}

/** Gives the entries but `.` and `..`, which it checks, with their places in the image; goes on behind broken blocks. */
async function* checkDirectory(volume: Volume, state: CheckState, { inode, seen, parentNid }: Pending) {
  const path = () => pathOf(seen);
  const special = new Map<Name, number>();
  let last: Name | undefined;
  const blocks = storedBlocks(volume, inode);
  for (;;) {
    const next = await state.attempt(path, () => blocks.next());
    if (next === undefined || next.done || state.isFull()) break;
    const { place, bytes } = next.value;
    const dirents = await state.attempt(path, () => decodeDirentBlock(bytes, place));
    if (dirents === undefined) continue;
    await state.attempt(path, () => checkBlockOrder(place, last, dirents));
    last = dirents.at(-1)?.name;
    for (const dirent of dirents) {
      if (dirent.name === "." || dirent.name === "..") special.set(dirent.name, dirent.nid);
      else yield [dirent, place.offset === undefined ? undefined : place.offset + dirent.at] as const;
    }
  }
  for (const [name, expected] of [[".", inode.nid] as const, ["..", parentNid] as const]) {
    const found = special.get(name as Name);
    if (found === expected || (name === "." && found === undefined && inode.dotOmitted)) continue;
    const is = found === undefined ? "is missing" : `is inode ${nidText(found)}`;
    state.report("MISMATCH_PARENT", path(), `"${name}" ${is}, expected inode ${nidText(expected)}`, inode.offset);
  }
}
