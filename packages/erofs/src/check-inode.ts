import { type Name, nameToText } from "@sextant/tree";
import { addReference } from "./check-clusters.js";
import { addRange } from "./check-extents.js";
import { type CheckState, pathOfNid } from "./check-state.js";
import { openForVerifying } from "./compressed/verify.js";
import { ErofsError } from "./errors.js";
import { bodyOffset, type Inode, isBoxed, isCompressed, metadataOf, nidText, readInode } from "./inode.js";
import { dataLayout } from "./layout.js";
import { readTarget } from "./lazy-node.js";
import { type Located, locateAll } from "./locate.js";
import { chunkIndexArea, extentMapper } from "./map-data.js";
import type { Volume } from "./volume.js";
import { fullName, readSharedName, readXattrBody, sharedXattrArea } from "./xattrs.js";

/** Checks what belongs to an inode but for the entries of a directory, and remembers the bytes that it has. */
export async function checkInode(volume: Volume, state: CheckState, inode: Inode, shared: SharedNames): Promise<void> {
  const path = () => pathOfNid(state, inode.nid);
  await state.attempt(path, () => checkXattrs(volume, state, inode, path, shared));
  let end = bodyOffset(inode);
  if (inode.kind === "file" || inode.kind === "directory" || inode.kind === "symlink") {
    const indexes = await state.attempt(path, () => checkIndexes(volume, state, inode));
    if (indexes !== undefined) {
      end = (await state.attempt(path, () => checkData(volume, state, inode, indexes))) ?? indexes;
    }
  }
  if (inode.kind === "symlink") await state.attempt(path, () => readTarget(volume, inode));
  const source = isBoxed(inode.nid) ? await volume.metabox() : volume.source;
  addRange(state.ranges, { source, start: inode.offset, end, owner: "metadata", of: inode.nid });
}

/** Checks the inodes that have no name: what fragments are parts of, and what holds inodes. */
export async function checkUnnamed(volume: Volume, state: CheckState): Promise<void> {
  const { packedNid, metaboxNid } = volume.superblock;
  const unnamed: readonly (readonly [number | undefined, string])[] = [
    [packedNid === 0 ? undefined : packedNid, "the packed inode"],
    [metaboxNid, "the metabox"],
  ];
  for (const [nid, what] of unnamed) {
    if (nid === undefined || state.inodes.has(nid)) continue;
    state.unnamed.set(nid, what);
    const inode = await state.attempt(
      () => what,
      () => readInode(volume, nid),
    );
    if (inode !== undefined) await checkInode(volume, state, inode, new Map());
  }
}

/** Gives where the indexes end that follow the inode, if there are some. */
async function checkIndexes(volume: Volume, state: CheckState, inode: Inode): Promise<number> {
  if (isCompressed(inode.layout)) return checkMap(volume, state, inode);
  const { chunk, size } = inode;
  if (chunk === undefined || inode.layout !== dataLayout.chunkBased) return bodyOffset(inode);
  const { unit, offset } = chunkIndexArea(inode, chunk);
  const end = offset + unit * Math.ceil(size / chunk.bytes);
  await claimIndexes(volume, state, inode, offset, end);
  return end;
}

/** Looks at every index. Gives where they end. */
async function checkMap(volume: Volume, state: CheckState, inode: Inode): Promise<number> {
  state.compressed += 1;
  const { start, end, verify } = await openForVerifying(volume, inode);
  await claimIndexes(volume, state, inode, start, end);
  const problems = await verify();
  for (const { message, code, context } of problems) {
    const offset = context.offset === undefined ? undefined : Number(context.offset);
    state.report(code as ErofsError["code"], pathOfNid(state, inode.nid), message, offset);
  }
  return end;
}

/**
 * Indexes of all inodes cannot be more bytes than there are to hold them: without this, a small image of many inodes
 * whose indexes lie upon each other would keep a check busy for ever.
 */
async function claimIndexes(volume: Volume, state: CheckState, inode: Inode, start: number, end: number) {
  const area = await metadataOf(volume, inode);
  if (end > area.size) {
    const path = `inode ${nidText(inode.nid)}.data`;
    throw new ErofsError("MALFORMED_TRUNCATED", `the indexes end at byte ${end} of ${area.size}`, {
      path,
      offset: start,
    });
  }
  state.indexBytes += end - start;
  const limit = volume.source.size + (isBoxed(inode.nid) ? area.size : 0);
  if (state.indexBytes <= limit) return;
  state.indexBytes -= end - start;
  const message = `with the ${end - start} bytes of these, indexes would take more than all ${limit} bytes`;
  throw new ErofsError("MALFORMED_INDEX", message, { path: `inode ${nidText(inode.nid)}.data`, offset: start });
}

/** Data is mapped in steps of this many bytes at least, or of this many chunks. */
const bytesPerStep = 2 ** 30;
const chunksPerStep = 16384;

/** Remembers where the data is. Gives the end of what follows the inode: its tail, or its indexes, which end at `indexEnd`. */
async function checkData(volume: Volume, state: CheckState, inode: Inode, indexEnd: number): Promise<number> {
  let end = indexEnd;
  const { chunk, size } = inode;
  const mapper = extentMapper(volume, inode);
  const step = Math.max(bytesPerStep, chunk === undefined ? 0 : chunk.bytes * chunksPerStep);
  for (let start = 0; start < size; ) {
    const extents = await mapper.map(start, Math.min(size, start + step));
    for (const located of await locateAll(volume, inode, extents)) {
      if (located.extent.kind === "inline") end = located.from + located.extent.storedBytes;
      rememberExtent(state, inode, located);
    }
    start = extents.at(-1)?.end ?? size;
  }
  return end;
}

function rememberExtent(state: CheckState, inode: Inode, located: Located): void {
  const { extent, source, from } = located;
  // Fragments may well be shared, and are checked along with the inode that they are in.
  if (extent.kind === "fragment") return;
  if (extent.kind === "cluster" || extent.algorithm !== "stored") addReference(state, inode.nid, located);
  else if (extent.kind === "blocks") {
    const owner = inode.chunk !== undefined ? "chunk" : inode.kind === "file" ? "file" : "data";
    const range = { source, start: from, end: from + extent.storedBytes, owner, of: inode.nid } as const;
    addRange(state.ranges, { ...range, fileBytes: inode.size });
  }
}

/** Names of shared xattrs, by id: thousands of inodes may have the same ones. */
export type SharedNames = Map<number, Name | undefined>;

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
  const area = await sharedXattrArea(volume);
  const xattr = await readSharedName(volume, id);
  const { offset: start, bytes } = xattr;
  if (xattr.valueEnd > area.size) {
    const message = `the value ends at byte ${xattr.valueEnd} of ${area.size}`;
    throw new ErofsError("MALFORMED_XATTR", message, { path: `shared xattr ${id}`, offset: start });
  }
  const source = area === volume.pages ? volume.source : area;
  addRange(state.ranges, { source, start, end: start + bytes, owner: "shared xattr", of: id });
  return fullName(volume, xattr);
}
