import { ftruncateSync, writeSync } from "node:fs";
import type { ByteSource } from "@sextant/bytes";
import { codeOf } from "../compressed/clusters.js";
import type { DataExtent, ExtentMapper } from "../compressed/extents.js";
import { openData } from "../data.js";
import { type Inode, isBoxed, readInode } from "../inode.js";
import { locateAll } from "../locate.js";
import { extentMapper } from "../map-data.js";
import { deviceCount, type Volume } from "../volume.js";
import type { BatchBuilder } from "./batch-builder.js";
import type { OpenFile } from "./open-file.js";

/** Content that is mapped in one step: what a malicious size can make us hold. */
const mapStepBytes = 64 << 20;
/** Content that is copied in one piece. */
const copyStepBytes = 1 << 20;

/** A volume whose primary device is a part of an open image file. */
export interface StoredVolume {
  readonly volume: Volume;
  readonly builder: BatchBuilder;
  /** Where in the file it begins. */
  readonly start: number;
  /** The packed inode, when one was needed. */
  packed?: Promise<{ readonly inode: Inode; readonly mapper: ExtentMapper }>;
}

/** What part of an extent is wanted, and where in the file it goes. */
interface Wanted {
  /** Within the extent. */
  readonly skip: number;
  readonly bytes: number;
  readonly position: number;
}

/**
 * Adds all parts of an inode's data to the builder, and calls `next` whenever there is enough for a batch. What stands
 * elsewhere than on the primary device is written at once. Throws what finding the data throws.
 */
export async function addContent(
  stored: StoredVolume,
  inode: Inode,
  file: OpenFile,
  next: () => Promise<void>,
): Promise<void> {
  const { size } = inode;
  const mapper = extentMapper(stored.volume, inode);
  const all = await mapper.all?.();
  let dataEnd = 0;
  for (let at = 0; at < size; ) {
    for (const extent of all ?? (await mapper.map(at, Math.min(size, at + mapStepBytes)))) {
      const wanted = { skip: at - extent.start, bytes: Math.min(extent.end, size) - at, position: at };
      if (extent.kind !== "hole") {
        dataEnd = at + wanted.bytes;
        if (!addStored(stored, inode, extent, file, wanted)) await addElsewhere(stored, inode, extent, file, wanted);
      }
      at += wanted.bytes;
      if (stored.builder.isFull) await next();
    }
  }
  if (dataEnd < size) ftruncateSync(file.fd, size);
}

/** Adds what is in the image file itself; false where the extent is elsewhere, or not all there. */
function addStored(
  { volume, builder, start }: StoredVolume,
  inode: Inode,
  extent: DataExtent,
  file: OpenFile,
  wanted: Wanted,
): boolean {
  const { kind, address, storedBytes, device, algorithm, interlaced } = extent;
  const isHere = kind === "inline" ? !isBoxed(inode.nid) : kind !== "fragment" && device === 0;
  if (!isHere || deviceCount(volume.superblock) > 0 || address + storedBytes > volume.source.size) return false;
  const at = start + address;
  const owner = { file, nid: inode.nid, start: extent.start, offset: at };
  if (algorithm !== "stored" || interlaced) {
    builder.addUse(owner, { at, bytes: storedBytes }, codeOf(volume, extent), extent.end - extent.start, wanted);
    return true;
  }
  for (let done = 0; done < wanted.bytes; done += copyStepBytes) {
    const bytes = Math.min(copyStepBytes, wanted.bytes - done);
    builder.addCopy(owner, { at: at + wanted.skip + done, bytes }, wanted.position + done);
  }
  return true;
}

/** Adds a part of a fragment, or writes what is on another device, in the metabox, or not in the image at all. */
async function addElsewhere(
  stored: StoredVolume,
  inode: Inode,
  extent: DataExtent,
  file: OpenFile,
  wanted: Wanted,
): Promise<void> {
  const { volume } = stored;
  const [located] = await locateAll(volume, inode, [extent]);
  if (located === undefined) return;
  if (extent.kind === "fragment") await addFragment(stored, extent, file, wanted);
  else await writeHere(openData(volume, inode), extent.start + wanted.skip, file, wanted);
}

/** Adds what a fragment is made of: parts of the packed inode's data, which others have their fragments in. */
async function addFragment(
  stored: StoredVolume,
  fragment: DataExtent,
  file: OpenFile,
  { skip, bytes, position }: Wanted,
): Promise<void> {
  const { volume } = stored;
  stored.packed ??= readInode(volume, volume.superblock.packedNid).then((packed) => ({
    inode: packed,
    mapper: extentMapper(volume, packed),
  }));
  const { inode: packed, mapper } = await stored.packed;
  const from = fragment.address + skip;
  const end = from + bytes;
  for (const extent of await mapper.map(from, end)) {
    const start = Math.max(from, extent.start);
    const part = {
      skip: start - extent.start,
      bytes: Math.min(end, extent.end) - start,
      position: position + start - from,
    };
    if (extent.kind !== "hole" && !addStored(stored, packed, extent, file, part)) {
      await addElsewhere(stored, packed, extent, file, part);
    }
  }
}

async function writeHere(source: ByteSource, from: number, file: OpenFile, { bytes, position }: Wanted): Promise<void> {
  for (let done = 0; done < bytes; done += copyStepBytes) {
    const part = await source.read(from + done, from + Math.min(bytes, done + copyStepBytes));
    for (let at = 0; at < part.length; ) at += writeSync(file.fd, part, at, part.length - at, position + done + at);
  }
  file.bytes += bytes;
}
