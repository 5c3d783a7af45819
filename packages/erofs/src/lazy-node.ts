import type { Extent, LazyEntry, LazyNode, Name, NodeKind } from "@sextant/tree";
import { nameFromBytes, nameToText } from "@sextant/tree";
import { openData } from "./data.js";
import { direntBlocks, findDirent } from "./directory.js";
import type { Dirent } from "./dirents.js";
import { ErofsError } from "./errors.js";
import { type Inode, kindOfFileType, nidText, readInode } from "./inode.js";
import { maxSymlinkBytes } from "./layout.js";
import { chunkIndexArea, mapExtents } from "./map-data.js";
import { withOrigin } from "./origins.js";
import type { Volume } from "./volume.js";
import { readXattrs } from "./xattrs.js";

/** How a node was reached; its entries are checked against that. */
interface Origin {
  readonly parentNid?: number;
  readonly kind?: NodeKind | undefined;
}

/** Reads the inode of that number and makes it a node of the tree. */
export async function loadNode(volume: Volume, nid: number, origin: Origin = {}): Promise<LazyNode> {
  const inode = await readInode(volume, nid);
  const fail = (message: string) =>
    new ErofsError("MALFORMED_DIRECTORY", message, {
      path: `inode ${nidText(origin.parentNid ?? 0)}`,
      nid,
      offset: inode.offset,
    });
  if (origin.kind !== undefined && origin.kind !== inode.kind) {
    throw fail(`a directory says that inode ${nidText(nid)} is a ${origin.kind}, the inode says ${inode.kind}`);
  }
  if (origin.parentNid !== undefined && nid === volume.superblock.rootNid) throw fail("an entry leads to the root");
  const extents = await knownExtents(volume, inode);
  const only = (kind: NodeKind, what: string) => {
    if (inode.kind !== kind) throw new TypeError(`a ${inode.kind} has no ${what}`);
  };
  return {
    id: inode.nid,
    kind: inode.kind,
    mode: inode.mode,
    uid: inode.uid,
    gid: inode.gid,
    mtimeSeconds: inode.mtimeSeconds,
    mtimeNanoseconds: inode.mtimeNanoseconds,
    nlink: inode.nlink,
    size: inode.kind === "file" || inode.kind === "symlink" || inode.kind === "directory" ? inode.size : 0,
    device: inode.device,
    xattrs: () => readXattrs(volume, inode),
    async entries() {
      only("directory", "entries");
      return readEntries(volume, inode, origin.parentNid);
    },
    async lookup(name) {
      only("directory", "entries");
      if (name === "." || name === "..") return undefined;
      const dirent = await findDirent(volume, inode, name);
      return dirent && loadNode(volume, dirent.nid, childOrigin(inode, dirent));
    },
    async readlink() {
      only("symlink", "target");
      return readTarget(volume, inode);
    },
    content() {
      only("file", "content");
      return { size: inode.size, extents, open: () => openData(volume, inode), ...withOrigin({ volume, inode }) };
    },
  };
}

const childOrigin = (parent: Inode, dirent: Dirent): Origin => ({
  parentNid: parent.nid,
  kind: kindOfFileType[dirent.type],
});

/**
 * Entries without `.` and `..`. That `..` leads back to where we came from is checked: with that, every directory has one
 * parent, so a walk from the root cannot go in circles.
 */
async function readEntries(volume: Volume, inode: Inode, parentNid: number | undefined): Promise<LazyEntry[]> {
  const entries: LazyEntry[] = [];
  const expected = inode.nid === volume.superblock.rootNid ? inode.nid : parentNid;
  let parent: number | undefined;
  for await (const dirents of direntBlocks(volume, inode)) {
    for (const dirent of dirents) {
      if (dirent.name === "..") parent = dirent.nid;
      else if (dirent.name !== ".") entries.push(await makeEntry(volume, inode, dirent));
    }
  }
  if (expected !== undefined && parent !== expected) {
    throw new ErofsError(
      "MALFORMED_DIRECTORY",
      `".." of inode ${nidText(inode.nid)} is ${parent === undefined ? "missing" : `inode ${nidText(parent)}`}, expected inode ${nidText(expected)}`,
      { path: `inode ${nidText(inode.nid)}`, offset: inode.offset, nid: inode.nid },
    );
  }
  return entries;
}

async function makeEntry(volume: Volume, parent: Inode, dirent: Dirent): Promise<LazyEntry> {
  const origin = childOrigin(parent, dirent);
  const node = () => loadNode(volume, dirent.nid, origin);
  return { name: dirent.name, kind: origin.kind ?? (await readInode(volume, dirent.nid)).kind, node };
}

/** The target of a symlink: 1 to 4095 bytes, none of them NUL. */
export async function readTarget(volume: Volume, inode: Inode): Promise<Name> {
  if (inode.size > maxSymlinkBytes) {
    throw new ErofsError("LIMIT_SYMLINK", `a target of ${inode.size} bytes is longer than ${maxSymlinkBytes}`, {
      path: `inode ${nidText(inode.nid)}.size`,
      offset: inode.offset,
      nid: inode.nid,
    });
  }
  const target = nameFromBytes(await openData(volume, inode).read(0, inode.size));
  if (target !== "" && !target.includes("\0")) return target;
  throw new ErofsError("MALFORMED_DATA", `the symlink target "${nameToText(target)}" is empty or has a NUL byte`, {
    path: `inode ${nidText(inode.nid)}.data`,
    offset: inode.offset,
    nid: inode.nid,
  });
}

/** Chunk indexes read along with an inode, so that its holes are known; those of larger files are read with their data. */
const eagerIndexBytes = 65536;

async function knownExtents(volume: Volume, inode: Inode): Promise<readonly Extent[] | undefined> {
  if (inode.kind !== "file") return undefined;
  if (inode.startBlock === null) return [];
  if (inode.chunk === undefined || inode.size === 0) return undefined;
  const { unit } = chunkIndexArea(inode, inode.chunk);
  if (Math.ceil(inode.size / inode.chunk.bytes) * unit > eagerIndexBytes) return undefined;
  const extents = await mapExtents(volume, inode);
  if (extents.every(({ kind }) => kind !== "hole")) return undefined;
  return joinExtents(extents.filter(({ kind }) => kind !== "hole"));
}

function joinExtents(stored: readonly Extent[]): Extent[] {
  const extents: { start: number; end: number }[] = [];
  for (const { start, end } of stored) {
    const last = extents.at(-1);
    if (last?.end === start) last.end = end;
    else extents.push({ start, end });
  }
  return extents;
}
