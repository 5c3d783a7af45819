import { type BigIntStats, constants, lstatSync, readdirSync, readlinkSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { ByteSource } from "@sextant/bytes";
import { peer } from "@sextant/peers";
import {
  type Directory,
  type LazyNode,
  type Name,
  type NodeKind,
  nameFromBytes,
  type TreeNode,
  type Xattr,
} from "@sextant/tree";
import { parseXattrs } from "./xattr-text.js";

/** A node of any kind of tree, by its path, with all that can be compared. */
export interface FlatEntry {
  readonly kind: NodeKind;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  readonly xattrs: readonly Xattr[];
  /** Equal for the names of one inode. */
  readonly id: unknown;
  /** Names of the inode where the source states it; not of directories. */
  readonly nlink?: number | undefined;
  /** Of files. */
  readonly size?: number;
  readonly target?: Name;
  readonly device?: { readonly major: number; readonly minor: number };
  /** Of files: gives the content, and lets go of it after `use`. */
  readonly withContent?: <T>(use: (source: ByteSource) => Promise<T>) => Promise<T>;
}

/** Every node below and with the root by its path from there; the root's is `.`, others start with `./`. */
export type FlatTree = Map<Name, FlatEntry>;

const root = "." as Name;
const below = (path: Name, name: Name) => `${path}/${name}` as Name;

/** A tree that is data. */
export function flattenTree(tree: Directory): FlatTree {
  const flat: FlatTree = new Map();
  const visit = (path: Name, node: TreeNode) => {
    const { kind, mode, uid, gid, mtimeSeconds, mtimeNanoseconds, xattrs } = node;
    const base = { kind, mode, uid, gid, mtimeSeconds, mtimeNanoseconds, xattrs, id: node };
    if (node.kind === "file") {
      const { content } = node;
      flat.set(path, { ...base, size: content.size, withContent: (use) => use(content.open()) });
    } else if (node.kind === "symlink") flat.set(path, { ...base, target: node.target });
    else if ("major" in node) flat.set(path, { ...base, device: { major: node.major, minor: node.minor } });
    else flat.set(path, base);
    if (node.kind === "directory") for (const [name, child] of node.entries) visit(below(path, name), child);
  };
  visit(root, tree);
  return flat;
}

/** A tree that is read as it is asked for: all of it. */
export async function flattenLazy(tree: LazyNode): Promise<FlatTree> {
  const flat: FlatTree = new Map();
  const visit = async (path: Name, node: LazyNode): Promise<void> => {
    const { kind, mode, uid, gid, mtimeSeconds, mtimeNanoseconds, id, nlink, device } = node;
    const xattrs = await node.xattrs();
    const base = { kind, mode, uid, gid, mtimeSeconds, mtimeNanoseconds, xattrs, id };
    if (kind === "directory") {
      flat.set(path, base);
      for (const entry of await node.entries()) await visit(below(path, entry.name), await entry.node());
    } else if (kind === "file") {
      const content = node.content();
      flat.set(path, { ...base, nlink, size: content.size, withContent: (use) => use(content.open()) });
    } else if (kind === "symlink") flat.set(path, { ...base, nlink, target: await node.readlink() });
    else flat.set(path, { ...base, nlink, ...(device === undefined ? {} : { device }) });
  };
  await visit(root, tree);
  return flat;
}

const kinds: readonly (readonly [number, NodeKind])[] = [
  [constants.S_IFDIR, "directory"],
  [constants.S_IFREG, "file"],
  [constants.S_IFLNK, "symlink"],
  [constants.S_IFCHR, "character-device"],
  [constants.S_IFBLK, "block-device"],
  [constants.S_IFIFO, "fifo"],
  [constants.S_IFSOCK, "socket"],
];

function kindOf(mode: number): NodeKind {
  const kind = kinds.find(([bits]) => (mode & constants.S_IFMT) === bits)?.[1];
  if (kind === undefined) throw new Error(`no kind of file has the mode 0${mode.toString(8)}`);
  return kind;
}

/** Linux's `dev_t` in user space: 12 bits of major and 20 of minor, interleaved (`gnu_dev_major`). */
function splitDevice(device: bigint): { major: number; minor: number } {
  return {
    major: Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn)),
    minor: Number((device & 0xffn) | ((device >> 12n) & ~0xffn)),
  };
}

function sourceOf(handle: FileHandle, size: number): ByteSource {
  return {
    size,
    async read(start, end) {
      const bytes = new Uint8Array(end - start);
      for (let at = 0; at < bytes.length; ) {
        const { bytesRead } = await handle.read(bytes, at, bytes.length - at, start + at);
        if (bytesRead === 0) throw new Error(`the file ends at ${start + at}, not at ${size}`);
        at += bytesRead;
      }
      return bytes;
    },
  };
}

async function withFile<T>(path: Buffer, size: number, use: (source: ByteSource) => Promise<T>): Promise<T> {
  const handle = await open(path, "r");
  try {
    return await use(sourceOf(handle, size));
  } finally {
    await handle.close();
  }
}

/** A name or path of a tree as this machine's file functions take it. */
export function toMachinePath(folder: string, path: Name): Buffer {
  return Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(path, "latin1")]);
}

function flattenNode(folder: string, path: Name, xattrs: readonly Xattr[]): FlatEntry {
  const place = toMachinePath(folder, path);
  const status: BigIntStats = lstatSync(place, { bigint: true });
  const [size, rawMode] = [Number(status.size), Number(status.mode)];
  const kind = kindOf(rawMode);
  // Seconds round down also before 1970; BigInt division rounds towards zero.
  const nanoseconds = BigInt.asUintN(64, ((status.mtimeNs % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n);
  const base = {
    kind,
    mode: rawMode & 0o7777,
    uid: Number(status.uid),
    gid: Number(status.gid),
    mtimeSeconds: Number((status.mtimeNs - nanoseconds) / 1_000_000_000n),
    mtimeNanoseconds: Number(nanoseconds),
    xattrs,
    id: `${status.dev}:${status.ino}`,
  };
  if (kind === "directory") return base;
  const nlink = Number(status.nlink);
  if (kind === "file") return { ...base, nlink, size, withContent: (use) => withFile(place, size, use) };
  if (kind === "symlink") return { ...base, nlink, target: nameFromBytes(readlinkSync(place, "buffer")) };
  if (kind === "fifo" || kind === "socket") return { ...base, nlink };
  return { ...base, nlink, device: splitDevice(status.rdev) };
}

/** A directory of this machine, with every xattr that this user may see. Needs the peer `getfattr`. */
export async function flattenDirectory(folder: string): Promise<FlatTree> {
  const getfattr = peer("getfattr");
  if (getfattr === undefined) throw new Error("no getfattr on this machine (npm run peers)");
  const flags = ["--recursive", "--physical", "--no-dereference", "--dump", "--match=-", "--encoding=hex", "."];
  const { exitCode, stdout, stderr } = await getfattr.run(flags, { cwd: folder });
  if (exitCode !== 0) throw new Error(`getfattr failed in ${folder}: ${stderr}`);
  const xattrs = parseXattrs(stdout);
  const flat: FlatTree = new Map();
  const visit = (path: Name) => {
    // getfattr prints paths below `.` without the `./`.
    const printed = path === root ? root : (path.slice(root.length + 1) as Name);
    const entry = flattenNode(folder, path, xattrs.get(printed) ?? []);
    flat.set(path, entry);
    if (entry.kind !== "directory") return;
    for (const name of readdirSync(toMachinePath(folder, path), "buffer")) visit(below(path, nameFromBytes(name)));
  };
  visit(root);
  return flat;
}
