import { type ByteSource, type RecordType, type Span, toHex } from "@sextant/bytes";
import { type Name, nameToText } from "@sextant/tree";
import { storedBlocks } from "./directory.js";
import { decodeDirentBlock } from "./dirents.js";
import { bodyOffset, type Inode, isCompressed, readInode } from "./inode.js";
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
import { chunkIndexArea, mapExtents } from "./map-data.js";
import { type OpenOptions, openVolume } from "./open-volume.js";
import { arePrefixesPlain, readPrefixes } from "./prefixes.js";
import { deviceCount, readBytes, type Volume } from "./volume.js";
import { fullName, readSharedXattr, readXattrBody, type StoredXattr } from "./xattrs.js";

/**
 * Every field of an image with its offset: superblock, device table, and then, directory by directory from the root on,
 * each inode with its xattrs, entries, chunk indexes and the places of its data. Spans come in the order in which things
 * lead to one another, not sorted by offset. Throws what `open` and the reading of each part throws.
 */
export async function* dump(source: ByteSource, options: OpenOptions = {}): AsyncGenerator<Span, void> {
  const volume = await openVolume(source, options);
  yield* dumpSuperblock(volume);
  const visited = new Set<number>();
  const shared = new Set<number>();
  const pending: { readonly nid: number; readonly path: string }[] = [{ nid: volume.superblock.rootNid, path: "/" }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (visited.has(next.nid)) continue;
    visited.add(next.nid);
    const inode = await readInode(volume, next.nid);
    const prefix = `inode ${inode.nid} (${next.path})`;
    yield* dumpInode(volume, inode, prefix);
    yield* dumpXattrs(volume, inode, prefix, shared);
    if (isCompressed(inode.layout)) {
      yield place(bodyOffset(inode), bodyOffset(inode), `${prefix}.data`, `${inode.size} bytes, compressed`);
      continue;
    }
    if (inode.kind === "directory") {
      const children: { readonly nid: number; readonly name: Name }[] = [];
      yield* dumpDirectory(volume, inode, prefix, children);
      for (const { nid, name } of children.reverse()) {
        pending.push({ nid, path: `${next.path === "/" ? "" : next.path}/${nameToText(name)}` });
      }
    } else yield* dumpData(volume, inode, prefix);
  }
}

const place = (start: number, end: number, path: string, value: string): Span => ({ start, end, path, value });

/** The spans of a record with another name in front. */
async function* dumpRecord<S>(
  volume: Volume,
  type: RecordType<S>,
  offset: number,
  prefix: string,
): AsyncGenerator<Span> {
  const bytes = await readBytes(volume.pages, offset, offset + type.size, prefix);
  for (const span of type.spans(bytes, 0, offset)) {
    yield { ...span, path: `${prefix}${span.path.slice(type.name.length)}` };
  }
}

async function* dumpSuperblock(volume: Volume): AsyncGenerator<Span> {
  yield* dumpRecord(volume, superblockRecord, superOffset, "superblock");
  if (volume.superblock.record.extensionSlots > 0) {
    yield* dumpRecord(volume, superblockSlotRecord, superOffset + superblockRecord.size, "superblock");
  }
  for (let index = 0; index < deviceCount(volume.superblock); index++) {
    const offset = (volume.superblock.record.deviceTableSlot + index) * deviceSlotRecord.size;
    yield* dumpRecord(volume, deviceSlotRecord, offset, `device ${index + 1}`);
  }
  if (volume.superblock.record.xattrPrefixCount === 0 || !arePrefixesPlain(volume)) return;
  for (const [index, { baseIndex, infix, offset }] of (await readPrefixes(volume)).entries()) {
    const path = `xattr prefix ${index}`;
    yield place(offset, offset + 2, `${path}.size`, String(1 + infix.length));
    yield place(offset + 2, offset + 3, `${path}.baseIndex`, String(baseIndex));
    yield place(offset + 3, offset + 3 + infix.length, `${path}.infix`, nameToText(infix));
  }
}

async function* dumpInode(volume: Volume, inode: Inode, prefix: string): AsyncGenerator<Span> {
  if (inode.headerBytes === extendedInodeRecord.size)
    yield* dumpRecord(volume, extendedInodeRecord, inode.offset, prefix);
  else yield* dumpRecord(volume, compactInodeRecord, inode.offset, prefix);
}

async function* dumpXattrs(volume: Volume, inode: Inode, prefix: string, seen: Set<number>): AsyncGenerator<Span> {
  const body = await readXattrBody(volume, inode);
  if (body === undefined) return;
  yield* dumpRecord(volume, xattrHeaderRecord, body.offset, `${prefix}.xattrs`);
  for (const [index, id] of body.sharedIds.entries()) {
    const offset = body.offset + xattrHeaderRecord.size + sharedXattrIdBytes * index;
    yield place(offset, offset + sharedXattrIdBytes, `${prefix}.xattrs.shared[${index}]`, String(id));
  }
  for (const [index, stored] of body.inline.entries()) yield* dumpEntry(volume, stored, `${prefix}.xattr ${index}`);
  for (const id of body.sharedIds) {
    if (seen.has(id)) continue;
    seen.add(id);
    yield* dumpEntry(volume, await readSharedXattr(volume, id), `shared xattr ${id}`);
  }
}

async function* dumpEntry(volume: Volume, stored: StoredXattr, prefix: string): AsyncGenerator<Span> {
  yield* dumpRecord(volume, xattrEntryRecord, stored.offset, prefix);
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
    const base = where.offset ?? 0;
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

/** Chunk indexes decoded in one step. */
const indexesPerStep = 16384;

async function* dumpData(volume: Volume, inode: Inode, prefix: string): AsyncGenerator<Span> {
  const { chunk, size } = inode;
  if (inode.kind !== "file" && inode.kind !== "symlink") return;
  if (chunk !== undefined) {
    const { unit, offset } = chunkIndexArea(inode, chunk);
    for (let index = 0; index * chunk.bytes < size; index++) {
      const at = offset + unit * index;
      if (unit === chunkBlockBytes) {
        const bytes = await readBytes(volume.pages, at, at + unit, prefix);
        const block = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
        yield place(at, at + unit, `${prefix}.chunk ${index}`, String(block));
      } else yield* dumpRecord(volume, chunkIndexRecord, at, `${prefix}.chunk ${index}`);
    }
  }
  const step = chunk === undefined ? size : chunk.bytes * indexesPerStep;
  for (let start = 0; start < size; start += step) {
    const extents = await mapExtents(volume, inode, start, Math.min(size, start + step));
    for (const { extent, from } of await locateAll(volume, inode, extents)) {
      const { device, kind, start: first, end } = extent;
      const what = kind === "inline" ? "inline" : device > 0 ? `on device ${device}` : "in blocks";
      yield place(from, from + extent.storedBytes, `${prefix}.data`, `bytes ${first}…${end}, ${what}`);
    }
  }
}

/** Spans as text, a line each: offset and length in bytes, path, value. */
export async function* formatSpans(spans: AsyncIterable<Span> | Iterable<Span>): AsyncGenerator<string, void> {
  for await (const { start, end, path, value } of spans) {
    yield `${start.toString(16).padStart(8, "0")} ${String(end - start).padStart(6)}  ${path} = ${value}`;
  }
}
