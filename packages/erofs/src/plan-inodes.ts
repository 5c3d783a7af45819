import { type Directory, type Name, nameToText, type TreeNode } from "@sextant/tree";
import type { PlannedMap } from "./compressed/write-map.js";
import { ErofsError } from "./errors.js";
import { maxNameBytes, maxSymlinkBytes } from "./layout.js";
import type { PlannedChunks } from "./plan-chunks.js";
import type { PlannedXattr } from "./plan-xattrs.js";
import type { CompressedFile, FlatFile } from "./stored.js";

/**
 * An inode of the image to be. Planning fills it in step by step: links and sizes, then times and xattrs, then its
 * place; after that nobody changes it.
 */
export interface PlannedInode {
  readonly node: TreeNode;
  /** The directory and name under which it was met first; undefined and empty for the root. */
  readonly parent: PlannedInode | undefined;
  readonly name: Name;
  /** Of a directory: what is in it, `.` and `..` included, in byte order. */
  entries: PlannedEntries | undefined;
  nlink: number;
  /** Bytes of data: content, entries or target. */
  size: number;
  mtimeSeconds: number;
  mtimeNanoseconds: number;
  /** In byte order of their names. */
  xattrs: readonly PlannedXattr[];
  xattrBytes: number;
  /** Whether it takes the 64-byte form. */
  extended: boolean;
  /** The end of the data that stands right behind the inode. */
  inlineBytes: number;
  /** The rest of it. */
  blocks: number;
  /** Where these begin; meaningless where there are none. */
  startBlock: number;
  /** Another inode with the same data, whose blocks this one refers to instead of bringing any. */
  blocksOf: PlannedInode | undefined;
  /** Data in chunks; `blocks` then counts what the inode brings itself. */
  chunks: PlannedChunks | undefined;
  /** Data that comes out of `ErofsPlan.compressed` instead of the file's source. */
  stored: CompressedFile | FlatFile | undefined;
  /** How it is found, where it is compressed. */
  map: PlannedMap | undefined;
  nid: number;
}

/** Two lists of the same length: half the memory of a list of pairs. */
export interface PlannedEntries {
  readonly names: readonly Name[];
  readonly inodes: readonly PlannedInode[];
}

/** The path of an inode for error messages; of several, the first. */
export function pathOf(inode: PlannedInode): string {
  const names: string[] = [];
  for (let at: PlannedInode | undefined = inode; at?.parent; at = at.parent) names.unshift(nameToText(at.name));
  return `/${names.join("/")}`;
}

/**
 * Every inode of the tree once: the root, then directory by directory what is in it, each directory in byte order,
 * subdirectories after their parent and before its next sibling's. So what one directory lists stands together.
 */
export function gatherInodes(tree: Directory): PlannedInode[] {
  const root = newInode(tree, undefined, "" as Name);
  const known = new Map<TreeNode, PlannedInode>([[tree, root]]);
  const inodes = [root];
  const pending = [root];
  for (let parent = pending.pop(); parent !== undefined; parent = pending.pop()) {
    const { directories, names, children } = gatherEntries(parent, known, inodes);
    parent.entries = { names, inodes: children };
    parent.nlink += directories.length;
    for (const directory of directories.reverse()) pending.push(directory);
  }
  return inodes;
}

function gatherEntries(parent: PlannedInode, known: Map<TreeNode, PlannedInode>, inodes: PlannedInode[]) {
  const { entries } = parent.node as Directory;
  const names = [...entries.keys(), "." as Name, ".." as Name].sort();
  const children: PlannedInode[] = [];
  const directories: PlannedInode[] = [];
  for (const name of names) {
    const node = entries.get(name);
    if (node === undefined) {
      children.push(name === "." ? parent : (parent.parent ?? parent));
      continue;
    }
    checkName(name, parent);
    let child = known.get(node);
    if (child === undefined) {
      child = newInode(node, parent, name);
      known.set(node, child);
      inodes.push(child);
      if (node.kind === "directory") directories.push(child);
    } else if (node.kind === "directory") {
      throw malformed(newInode(node, parent, name), `this directory also stands at ${pathOf(child)}`);
    }
    if (node.kind !== "directory") child.nlink += 1;
    children.push(child);
  }
  return { directories, names, children };
}

const malformed = (inode: PlannedInode, message: string) =>
  new ErofsError("MALFORMED_TREE", message, { path: pathOf(inode) });

/** An inode that no directory lists, or that its directory is still to list. */
export function newInode(node: TreeNode, parent: PlannedInode | undefined, name: Name): PlannedInode {
  const inode: PlannedInode = {
    node,
    parent,
    name,
    entries: undefined,
    nlink: node.kind === "directory" ? 2 : 0,
    size: 0,
    mtimeSeconds: node.mtimeSeconds,
    mtimeNanoseconds: node.mtimeNanoseconds,
    xattrs: noXattrs,
    xattrBytes: 0,
    extended: false,
    inlineBytes: 0,
    blocks: 0,
    startBlock: 0,
    blocksOf: undefined,
    chunks: undefined,
    stored: undefined,
    map: undefined,
    nid: 0,
  };
  checkAttributes(inode);
  inode.size = sizeOf(inode);
  return inode;
}

const noXattrs: readonly PlannedXattr[] = [];

/** Of directories, whose size follows from their entries, 0. */
function sizeOf(inode: PlannedInode): number {
  const { node } = inode;
  if (node.kind === "file") {
    const { size } = node.content;
    if (Number.isSafeInteger(size) && size >= 0) return size;
    throw malformed(inode, `a file cannot be ${size} bytes long`);
  }
  if (node.kind !== "symlink") return 0;
  const { target } = node;
  if (target === "" || noBytes.test(target)) {
    throw malformed(inode, `"${nameToText(target)}" cannot be a symlink's target`);
  }
  if (target.length <= maxSymlinkBytes) return target.length;
  throw new ErofsError("LIMIT_SYMLINK", `the target is ${target.length} bytes long, more than ${maxSymlinkBytes}`, {
    path: pathOf(inode),
  });
}

const fits = (value: number, limit: number) => Number.isInteger(value) && value >= 0 && value < limit;

function checkAttributes(inode: PlannedInode): void {
  const { mode, uid, gid, mtimeSeconds, mtimeNanoseconds } = inode.node;
  if (!fits(mode, 0o10000)) throw malformed(inode, `0${mode.toString(8)} is no mode`);
  if (!fits(uid, 2 ** 32)) throw malformed(inode, `${uid} is no user id`);
  if (!fits(gid, 2 ** 32)) throw malformed(inode, `${gid} is no group id`);
  if (!Number.isSafeInteger(mtimeSeconds) || !fits(mtimeNanoseconds, 1e9)) {
    throw malformed(inode, `${mtimeSeconds} s + ${mtimeNanoseconds} ns is no time`);
  }
  if (inode.node.kind !== "character-device" && inode.node.kind !== "block-device") return;
  const { major, minor } = inode.node;
  if (!fits(major, 2 ** 12) || !fits(minor, 2 ** 20)) throw malformed(inode, `${major}:${minor} is no device number`);
}

/** What no C string has, or no string of bytes. */
const noBytes = /[^\x01-\xff]/;
const noName = /[^\x01-.0-\xff]/;

function checkName(name: Name, parent: PlannedInode): void {
  if (name.length > maxNameBytes) {
    throw new ErofsError("LIMIT_NAME", `a name is ${name.length} bytes long, more than ${maxNameBytes}`, {
      path: `${pathOf(parent)}: ${nameToText(name)}`,
    });
  }
  if (name !== "" && name !== "." && name !== ".." && !noName.test(name)) return;
  throw malformed(parent, `"${nameToText(name)}" cannot be a name in this directory`);
}
