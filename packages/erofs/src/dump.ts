import { type ByteSource, type RecordType, type Span, toHex } from "@sextant/bytes";
import { type Name, nameToText } from "@sextant/tree";
import { storedBlocks } from "./directory.js";
import { decodeDirentBlock } from "./dirents.js";
import { describeExtent, dumpConfigs, dumpMap } from "./dump-compressed.js";
import { type Inode, isCompressed, metadataOf, nidText, readInode } from "./inode.js";
import {
  chunkBlockBytes,
  chunkIndexRecord,
  compactInodeRecord,
  deviceSlotRecord,
  direntRecord,
  extendedInodeRecord,
  sharedXattrIdBytes,
  superblockRecord,
  superblockSlotRecord,
  superOffset,
  xattrEntryRecord,
  xattrHeaderRecord,
} from "./layout.js";
import { locateAll } from "./locate.js";
import { chunkIndexArea, extentMapper } from "./map-data.js";
import { type OpenOptions, openVolume } from "./open-volume.js";
import { arePrefixesPlain, readPrefixes } from "./prefixes.js";
import { deviceCount, readBytes, type Volume } from "./volume.js";
import { fullName, readSharedXattr, readXattrBody, type StoredXattr, sharedXattrArea } from "./xattrs.js";

/**
 * Every field of an image with its offset: superblock, device table, and then, directory by directory from the root on,
 * each inode with its xattrs, indexes, entries and the places of its data; the packed inode and the metabox last. Spans
 * come in the order in which things lead to one another, not sorted by offset. What is in the metabox has offsets in its
 * data; entries of directories that are there, or compressed, in the directory's. Throws what `open` and the reading of
 * each part throws.
 */
export async function* dump(source: ByteSource, options: OpenOptions = {}): AsyncGenerator<Span, void> {
  const volume = await openVolume(source, options);
  yield* dumpSuperblock(volume);
  const visited = new Set<number>();
  const shared = new Set<number>();
  const { rootNid, packedNid, metaboxNid } = volume.superblock;
  const pending: { readonly nid: number; readonly path: string }[] = [{ nid: rootNid, path: "/" }];
  if (packedNid !== 0) pending.unshift({ nid: packedNid, path: "packed" });
  if (metaboxNid !== undefined) pending.unshift({ nid: metaboxNid, path: "metabox" });
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (visited.has(next.nid)) continue;
    visited.add(next.nid);
    const inode = await readInode(volume, next.nid);
    const prefix = `inode ${nidText(inode.nid)} (${next.path})`;
    yield* dumpInode(volume, inode, prefix);
    yield* dumpXattrs(volume, inode, prefix, shared);
    if (isCompressed(inode.layout) && inode.size > 0) yield* dumpMap(volume, inode, prefix);
    if (inode.kind === "directory") {
      const children: { readonly nid: number; readonly name: Name }[] = [];
      yield* dumpDirectory(volume, inode, prefix, children);
      for (const { nid, name } of children.reverse()) {
        pending.push({ nid, path: `${next.path === "/" ? "" : next.path}/${nameToText(name)}` });
      }
    }
    yield* dumpData(volume, inode, prefix);
  }
}

const place = (start: number, end: number, path: string, value: string): Span => ({ start, end, path, value });

/** The spans of a record with another name in front. */
async function* dumpRecord<S>(
  area: ByteSource,
  type: RecordType<S>,
  offset: number,
  prefix: string,
): AsyncGenerator<Span> {
  const bytes = await readBytes(area, offset, offset + type.size, prefix);
  for (const span of type.spans(bytes, 0, offset)) {
    yield { ...span, path: `${prefix}${span.path.slice(type.name.length)}` };
  }
}

async function* dumpSuperblock(volume: Volume): AsyncGenerator<Span> {
  yield* dumpRecord(volume.pages, superblockRecord, superOffset, "superblock");
  if (volume.superblock.record.extensionSlots > 0) {
    yield* dumpRecord(volume.pages, superblockSlotRecord, superOffset + superblockRecord.size, "superblock");
  }
  for (let index = 0; index < deviceCount(volume.superblock); index++) {
    const offset = (volume.superblock.record.deviceTableSlot + index) * deviceSlotRecord.size;
    yield* dumpRecord(volume.pages, deviceSlotRecord, offset, `device ${index + 1}`);
  }
  yield* dumpConfigs(volume);
  if (volume.superblock.record.xattrPrefixCount === 0 || !arePrefixesPlain(volume)) return;
  for (const [index, { baseIndex, infix, offset }] of (await readPrefixes(volume)).entries()) {
    const path = `xattr prefix ${index}`;
    yield place(offset, offset + 2, `${path}.size`, String(1 + infix.length));
    yield place(offset + 2, offset + 3, `${path}.baseIndex`, String(baseIndex));
    yield place(offset + 3, offset + 3 + infix.length, `${path}.infix`, nameToText(infix));
  }
}

async function* dumpInode(volume: Volume, inode: Inode, prefix: string): AsyncGenerator<Span> {
  const area = await metadataOf(volume, inode);
  if (inode.headerBytes === extendedInodeRecord.size)
    yield* dumpRecord(area, extendedInodeRecord, inode.offset, prefix);
  else yield* dumpRecord(area, compactInodeRecord, inode.offset, prefix);
}

async function* dumpXattrs(volume: Volume, inode: Inode, prefix: string, seen: Set<number>): AsyncGenerator<Span> {
  const body = await readXattrBody(volume, inode);
  if (body === undefined) return;
  const area = await metadataOf(volume, inode);
  yield* dumpRecord(area, xattrHeaderRecord, body.offset, `${prefix}.xattrs`);
  for (const [index, id] of body.sharedIds.entries()) {
    const offset = body.offset + xattrHeaderRecord.size + sharedXattrIdBytes * index;
    yield place(offset, offset + sharedXattrIdBytes, `${prefix}.xattrs.shared[${index}]`, String(id));
  }
  for (const [index, stored] of body.inline.entries())
    yield* dumpEntry(volume, area, stored, `${prefix}.xattr ${index}`);
  for (const id of body.sharedIds) {
    if (seen.has(id)) continue;
    seen.add(id);
    yield* dumpEntry(volume, await sharedXattrArea(volume), await readSharedXattr(volume, id), `shared xattr ${id}`);
  }
}

async function* dumpEntry(volume: Volume, area: ByteSource, stored: StoredXattr, prefix: string): AsyncGenerator<Span> {
  yield* dumpRecord(area, xattrEntryRecord, stored.offset, prefix);
  const nameAt = stored.offset + xattrEntryRecord.size;
  const valueAt = nameAt + stored.suffix.length;
  const name = await fullName(volume, stored);
  yield place(nameAt, valueAt, `${prefix}.name`, name === undefined ? "unknown to Linux" : nameToText(name));
  yield place(valueAt, valueAt + stored.value.length, `${prefix}.value`, toHex(stored.value));
}

async function* dumpDirectory(
  volume: Volume,
  inode: Inode,
  prefix: string,
  children: { nid: number; name: Name }[],
): AsyncGenerator<Span> {
  for await (const { place: where, bytes } of storedBlocks(volume, inode)) {
    const base = where.offset ?? where.block * volume.superblock.blockBytes;
    for (const [index, { name, nid, at, nameAt }] of decodeDirentBlock(bytes, where).entries()) {
      const path = `${prefix}.block ${where.block}.dirent ${index}`;
      for (const span of direntRecord.spans(bytes.subarray(at), 0, base + at)) {
        yield { ...span, path: `${path}${span.path.slice(direntRecord.name.length)}` };
      }
      yield place(base + nameAt, base + nameAt + name.length, `${path}.name`, nameToText(name));
      if (name !== "." && name !== "..") children.push({ nid, name });
    }
  }
}

/** Data is mapped in steps of so many bytes, or chunks. */
const bytesPerStep = 2 ** 28;
const indexesPerStep = 16384;

async function* dumpData(volume: Volume, inode: Inode, prefix: string): AsyncGenerator<Span> {
  const { chunk, size } = inode;
  const hasData = inode.kind === "file" || inode.kind === "symlink";
  if (!hasData && !isCompressed(inode.layout)) return;
  const area = await metadataOf(volume, inode);
  if (chunk !== undefined) {
    const { unit, offset } = chunkIndexArea(inode, chunk);
    for (let index = 0; index * chunk.bytes < size; index++) {
      const at = offset + unit * index;
      if (unit === chunkBlockBytes) {
        const bytes = await readBytes(area, at, at + unit, prefix);
        const block = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
        yield place(at, at + unit, `${prefix}.chunk ${index}`, String(block));
      } else yield* dumpRecord(area, chunkIndexRecord, at, `${prefix}.chunk ${index}`);
    }
  }
  const step = chunk === undefined ? bytesPerStep : chunk.bytes * indexesPerStep;
  const mapper = extentMapper(volume, inode);
  for (let start = 0; start < size; ) {
    const extents = await mapper.map(start, Math.min(size, start + step));
    for (const { extent, from } of await locateAll(volume, inode, extents)) {
      yield place(from, from + extent.storedBytes, `${prefix}.data`, describeExtent(extent));
    }
    start = extents.at(-1)?.end ?? size;
  }
}

/** Spans as text, a line each: offset and length in bytes, path, value. */
export async function* formatSpans(spans: AsyncIterable<Span> | Iterable<Span>): AsyncGenerator<string, void> {
  for await (const { start, end, path, value } of spans) {
    yield `${start.toString(16).padStart(8, "0")} ${String(end - start).padStart(6)}  ${path} = ${value}`;
  }
}
