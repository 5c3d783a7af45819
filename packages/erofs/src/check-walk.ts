import { type Name, nameToText } from "@sextant/tree";
import { addRange } from "./check-extents.js";
import { type CheckState, pathOf, type SeenInode } from "./check-state.js";
import { checkBlockOrder, storedBlocks } from "./directory.js";
import { type Dirent, decodeDirentBlock } from "./dirents.js";
import { ErofsError } from "./errors.js";
import { bodyOffset, type Inode, isCompressed, kindOfFileType, readInode } from "./inode.js";
import { dataLayout } from "./layout.js";
import { readTarget } from "./lazy-node.js";
import { locateAll } from "./locate.js";
import { chunkIndexArea, mapExtents } from "./map-data.js";
import type { Volume } from "./volume.js";
import { fullName, readSharedName, readXattrBody } from "./xattrs.js";

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
    const message = `the entry has type ${dirent.type} (${type ?? "unknown"}), inode ${dirent.nid} is a ${seen.kind}`;
    state.report("MISMATCH_TYPE", path(), message, offset);
  }
  seen.names += 1;
  if (seen.kind === "directory") {
    if (known) {
      state.report("MALFORMED_CYCLE", path(), `this directory, inode ${dirent.nid}, is also ${pathOf(seen)}`, offset);
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
    const next = isCompressed(inode.layout) ? undefined : await state.attempt(path, () => blocks.next());
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
  if (isCompressed(inode.layout)) return;
  for (const [name, expected] of [[".", inode.nid] as const, ["..", parentNid] as const]) {
    const found = special.get(name as Name);
    if (found === expected || (name === "." && found === undefined && inode.dotOmitted)) continue;
    const is = found === undefined ? "is missing" : `is inode ${found}`;
    state.report("MISMATCH_PARENT", path(), `"${name}" ${is}, expected inode ${expected}`, inode.offset);
  }
}

async function checkInode(volume: Volume, state: CheckState, inode: Inode, shared: SharedNames): Promise<void> {
  const seen = state.inodes.get(inode.nid);
  const path = () => (seen === undefined ? "" : pathOf(seen));
  await state.attempt(path, () => checkXattrs(volume, state, inode, path, shared));
  let end = bodyOffset(inode);
  if (isCompressed(inode.layout)) state.compressed += 1;
  else if (inode.kind === "file" || inode.kind === "directory" || inode.kind === "symlink") {
    end = (await state.attempt(path, () => checkData(volume, state, inode))) ?? end;
  }
  if (inode.kind === "symlink") await state.attempt(path, () => readTarget(volume, inode));
  addRange(state.ranges, { source: volume.source, start: inode.offset, end, owner: "metadata", of: inode.nid });
}

/** Data is mapped in steps of this many bytes at least, or of this many chunks. */
const bytesPerStep = 2 ** 30;
const chunksPerStep = 16384;

/** Remembers where the data is. Gives the end of what follows the inode: its tail, or its chunk indexes. */
async function checkData(volume: Volume, state: CheckState, inode: Inode): Promise<number> {
  let end = bodyOffset(inode);
  const { chunk, nid, size } = inode;
  const step = Math.max(bytesPerStep, chunk === undefined ? size : chunk.bytes * chunksPerStep);
  for (let start = 0; start < size; start += step) {
    const extents = await mapExtents(volume, inode, start, Math.min(size, start + step));
    for (const { extent, source, from } of await locateAll(volume, inode, extents)) {
      const to = from + extent.storedBytes;
      if (extent.kind === "inline") end = to;
      else {
        const owner = chunk === undefined ? "data" : "chunk";
        addRange(state.ranges, { source, start: from, end: to, owner, of: nid });
      }
    }
  }
  if (chunk !== undefined && inode.layout === dataLayout.chunkBased) {
    const { unit, offset } = chunkIndexArea(inode, chunk);
    end = offset + unit * Math.ceil(size / chunk.bytes);
  }
  return end;
}

/** Names of shared xattrs, by id: thousands of inodes may have the same ones. */
type SharedNames = Map<number, Name | undefined>;

async function checkXattrs(volume: Volume, state: CheckState, inode: Inode, path: () => string, shared: SharedNames) {
  const body = await readXattrBody(volume, inode);
  if (body === undefined) return;
  const names = new Set<Name>();
  const add = (name: Name | undefined) => {
    if (name === undefined) return;
    if (names.has(name))
      state.report("MALFORMED_XATTR", path(), `there are two xattrs ${nameToText(name)}`, body.offset);
    names.add(name);
  };
  for (const stored of body.inline) add(await fullName(volume, stored));
  for (const id of body.sharedIds) {
    if (!shared.has(id)) shared.set(id, await checkShared(volume, state, id));
    add(shared.get(id));
  }
}

async function checkShared(volume: Volume, state: CheckState, id: number): Promise<Name | undefined> {
  const { source } = volume;
  const xattr = await readSharedName(volume, id);
  const { offset: start, bytes } = xattr;
  if (xattr.valueEnd > source.size) {
    const message = `the value ends at byte ${xattr.valueEnd} of ${source.size}`;
    throw new ErofsError("MALFORMED_XATTR", message, { path: `shared xattr ${id}`, offset: start });
  }
  addRange(state.ranges, { source, start, end: start + bytes, owner: "shared xattr", of: id });
  return fullName(volume, xattr);
}
