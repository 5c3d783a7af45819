import { ftruncateSync, writeSync } from "node:fs";
import type { ByteSource } from "@sextant/bytes";
import { codeOf, contextOf } from "../compressed/clusters.js";
import type { DataExtent, ExtentMapper } from "../compressed/extents.js";
import { openData } from "../data.js";
import { type Inode, readInode } from "../inode.js";
import { locateAll } from "../locate.js";
import { extentMapper } from "../map-data.js";
import type { Volume } from "../volume.js";
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
  let dataEnd = 0;
  for (let at = 0; at < size; ) {
    for (const extent of await mapper.map(at, Math.min(size, at + mapStepBytes))) {
      const wanted = { skip: at - extent.start, bytes: Math.min(extent.end, size) - at, position: at };
      if (extent.kind !== "hole") dataEnd = at + wanted.bytes;
      await addExtent(stored, inode, extent, file, wanted);
      at += wanted.bytes;
      if (stored.builder.isFull) await next();
    }
  }
  if (dataEnd < size) ftruncateSync(file.fd, size);
}

async function addExtent(
  stored: StoredVolume,
  inode: Inode,
  extent: DataExtent,
  file: OpenFile,
  wanted: Wanted,
): Promise<void> {
  const { volume, builder, start } = stored;
  const [located] = await locateAll(volume, inode, [extent]);
  if (located === undefined) return;
  if (extent.kind === "fragment") {
    await addFragment(stored, extent, file, wanted);
    return;
  }
  if (located.source !== volume.source && located.source !== volume.pages) {
    await writeHere(openData(volume, inode), extent.start + wanted.skip, file, wanted);
    return;
  }
  const context = contextOf(inode, extent);
  const owner = { file, context: { ...context, offset: start + context.offset } };
  const at = start + located.from;
  if (extent.algorithm !== "stored" || extent.interlaced) {
    const range = { at, bytes: extent.storedBytes };
    builder.addUse(owner, range, codeOf(volume, extent), extent.end - extent.start, wanted);
    return;
  }
  for (let done = 0; done < wanted.bytes; done += copyStepBytes) {
    const bytes = Math.min(copyStepBytes, wanted.bytes - done);
    builder.addCopy(owner, { at: at + wanted.skip + done, bytes }, wanted.position + done);
  }
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
    if (extent.kind === "fragment") throw new TypeError("a fragment within a fragment was not refused");
    await addExtent(stored, packed, extent, file, part);
  }
}

async function writeHere(source: ByteSource, from: number, file: OpenFile, { bytes, position }: Wanted): Promise<void> {
  for (let done = 0; done < bytes; done += copyStepBytes) {
    const part = await source.read(from + done, from + Math.min(bytes, done + copyStepBytes));
    for (let at = 0; at < part.length; ) at += writeSync(file.fd, part, at, part.length - at, position + done + at);
  }
  file.bytes += bytes;
}
