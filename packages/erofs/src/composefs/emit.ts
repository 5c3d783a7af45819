import { type Chunk, viewOf } from "@sextant/bytes";
import { nameToBytes } from "@sextant/tree";
import { featureCompat } from "../features.js";
import {
  chunkBlockBytes,
  compactInodeRecord,
  dataLayout,
  direntRecord,
  extendedInodeRecord,
  fileType,
  inodeFormat,
  inodeSlotBytes,
  modeType,
  sharedXattrIdBytes,
  superblockRecord,
  superMagic,
  superOffset,
  xattrHeaderRecord,
} from "../layout.js";
import { shapeDirectory } from "../plan-directories.js";
import { writeText, writeXattr } from "../write-inode.js";
import { xattrFilter } from "../xattr-filter.js";
import {
  blockBytes,
  composefsHasAcl,
  composefsHeaderRecord,
  composefsHeaderVersion,
  composefsMagic,
} from "./layout.js";
import { typeOf } from "./node.js";
import type { OverlayNode } from "./overlay.js";
import { type ComposefsPlan, headBytes, type PlacedNode } from "./plan.js";

/** Bytes that go out at a time. */
const chunkBytes = 1 << 20;

/** Writes the planned image from its start to its end, all of it. */
export function* emitComposefs(plan: ComposefsPlan): Generator<Chunk, void> {
  let chunk = { offset: 0, bytes: new Uint8Array(Math.min(chunkBytes, plan.sizeBytes)) };
  const end = () => chunk.offset + chunk.bytes.length;
  for (const part of parts(plan)) {
    for (let done = 0; done < part.bytes.length; ) {
      const at = part.offset + done;
      while (at >= end()) {
        yield chunk;
        chunk = { offset: end(), bytes: new Uint8Array(Math.min(chunkBytes, plan.sizeBytes - end())) };
      }
      const piece = part.bytes.subarray(done, done + end() - at);
      chunk.bytes.set(piece, at - chunk.offset);
      done += piece.length;
    }
  }
  yield chunk;
}

/** All that is not zero, in order. */
function* parts(plan: ComposefsPlan): Generator<Chunk, void> {
  yield { offset: 0, bytes: writeHeader(plan) };
  yield { offset: superOffset, bytes: writeSuperblock(plan) };
  const nidOf = new Map(plan.nodes.map(({ node, offset }) => [node, offset / inodeSlotBytes]));
  for (const place of plan.nodes) yield { offset: place.offset, bytes: writeNode(plan, place, nidOf) };
  for (const xattr of plan.sharedXattrs) {
    const bytes = new Uint8Array(xattr.bytes);
    writeXattr(bytes, viewOf(bytes), 0, xattr);
    yield { offset: plan.sharedOffset + (xattr.sharedAt ?? 0), bytes };
  }
  for (const place of plan.nodes) {
    if (place.blocks > 0) yield { offset: place.startBlock * blockBytes, bytes: writeBlocks(place, nidOf) };
  }
}

const aclNames: ReadonlySet<string> = new Set(["system.posix_acl_access", "system.posix_acl_default"]);

function writeHeader({ nodes, layoutVersion }: ComposefsPlan): Uint8Array {
  const hasAcl = nodes.some(({ node }) => node.xattrs.some(({ name }) => aclNames.has(name)));
  return composefsHeaderRecord.encode({
    magic: composefsMagic,
    version: composefsHeaderVersion,
    flags: hasAcl ? composefsHasAcl : 0,
    layoutVersion,
    unused: new Uint8Array(16),
  });
}

function writeSuperblock({ nodes, baseTime, sharedOffset, sizeBytes }: ComposefsPlan): Uint8Array {
  return superblockRecord.encode({
    magic: superMagic,
    // It has none: an image is told by its fs-verity digest.
    checksum: 0,
    featureCompat: featureCompat.mtime + featureCompat.xattrFilter,
    blockBytesLog2: Math.log2(blockBytes),
    extensionSlots: 0,
    rootNid16: (nodes[0]?.offset ?? 0) / inodeSlotBytes,
    inodes: BigInt(nodes.length),
    epoch: BigInt.asUintN(64, BigInt(baseTime.seconds)),
    fixedNanoseconds: baseTime.nanoseconds,
    blocksLow: sizeBytes / blockBytes,
    metaBlock: 0,
    xattrBlock: Math.floor(sharedOffset / blockBytes),
    uuid: new Uint8Array(16),
    volumeName: "",
    featureIncompat: 0,
    compression: 0,
    extraDevices: 0,
    deviceTableSlot: 0,
    directoryBlockLog2: 0,
    xattrPrefixCount: 0,
    xattrPrefixStart: 0,
    packedNid: 0n,
    xattrFilterReserved: 0,
    imageShareXattrPrefix: 0,
    reserved: new Uint8Array(2),
    buildTime: 0,
    rootNid64: 0n,
    reserved2: 0n,
  });
}

/** The inode, its xattrs and what stands behind it. */
function writeNode(plan: ComposefsPlan, place: PlacedNode, nidOf: ReadonlyMap<OverlayNode, number>): Uint8Array {
  const { node, tailBytes } = place;
  const head = headBytes(place);
  const bytes = new Uint8Array(head + tailBytes);
  bytes.set(place.isCompact ? encodeCompact(place) : encodeExtended(place));
  if (place.xattrs.bytes > 0) writeXattrs(plan, place, bytes, head - place.xattrs.bytes);
  if (tailBytes === 0) return bytes;
  const data = place.chunks ? new Uint8Array(tailBytes).fill(0xff) : dataOf(node, nidOf);
  bytes.set(data.subarray(data.length - tailBytes), head);
  return bytes;
}

function layoutOf({ chunks, tailBytes }: PlacedNode): number {
  if (chunks) return dataLayout.chunkBased;
  return tailBytes > 0 ? dataLayout.flatInline : dataLayout.flatPlain;
}

/** What both forms of an inode have. */
function commonFields(place: PlacedNode) {
  const { node, serial, xattrs, chunks, isCompact } = place;
  const type = typeOf(node);
  const isDevice = type === modeType.characterDevice || type === modeType.blockDevice;
  // The format of chunks takes the low half of what would be the number of a block.
  const block = chunks ? place.startBlock - (place.startBlock % 0x10000) + chunks.blocksLog2 : place.startBlock;
  return {
    format: (isCompact ? 0 : inodeFormat.extended) + layoutOf(place) * 2 ** inodeFormat.layoutShift,
    xattrCount: xattrs.bytes === 0 ? 0 : (xattrs.bytes - xattrHeaderRecord.size) / 4 + 1,
    mode: node.mode,
    address: isDevice ? node.rdev : block,
    serial,
    uid: node.uid,
    gid: node.gid,
  };
}

function encodeCompact(place: PlacedNode): Uint8Array {
  const { node, size } = place;
  return compactInodeRecord.encode({ ...commonFields(place), nlinkOrHigh: node.nlink, size, mtime: 0, reserved: 0 });
}

function encodeExtended(place: PlacedNode): Uint8Array {
  const { node, size } = place;
  return extendedInodeRecord.encode({
    ...commonFields(place),
    high: 0,
    size: BigInt(size),
    mtime: BigInt.asUintN(64, BigInt(node.mtimeSeconds)),
    mtimeNanoseconds: node.mtimeNanoseconds,
    nlink: node.nlink,
    reserved: new Uint8Array(16),
  });
}

function writeXattrs({ sharedOffset }: ComposefsPlan, { xattrs }: PlacedNode, bytes: Uint8Array, start: number): void {
  const view = viewOf(bytes);
  const { shared, inline } = xattrs;
  const nameFilter = xattrFilter([...shared, ...inline].map(({ filterBit }) => filterBit));
  xattrHeaderRecord.set(view, start, { nameFilter, sharedCount: shared.length, reserved: new Uint8Array(7) });
  let at = start + xattrHeaderRecord.size;
  for (const { sharedAt = 0 } of shared) {
    view.setUint32(at, ((sharedOffset % blockBytes) + sharedAt) / sharedXattrIdBytes, true);
    at += sharedXattrIdBytes;
  }
  for (const xattr of inline) {
    writeXattr(bytes, view, at, xattr);
    at += xattr.bytes;
  }
}

/** What is in blocks, with the padding of the last one. */
function writeBlocks(place: PlacedNode, nidOf: ReadonlyMap<OverlayNode, number>): Uint8Array {
  const bytes = new Uint8Array(blockBytes * place.blocks);
  // Such a block is full of numbers, however many chunks there are.
  if (place.chunks) return bytes.fill(0xff, 0, blockBytes - (blockBytes % chunkBlockBytes));
  const data = dataOf(place.node, nidOf);
  bytes.set(data.subarray(0, Math.min(bytes.length, data.length - place.tailBytes)));
  return bytes;
}

function dataOf(node: OverlayNode, nidOf: ReadonlyMap<OverlayNode, number>): Uint8Array {
  if (node.entries) return writeDirectory(node, nidOf);
  if (typeOf(node) === modeType.symlink && node.payload) return nameToBytes(node.payload);
  return node.content ?? new Uint8Array(0);
}

const fileTypes: Readonly<Record<number, number>> = {
  [modeType.fifo]: fileType.fifo,
  [modeType.characterDevice]: fileType.characterDevice,
  [modeType.directory]: fileType.directory,
  [modeType.blockDevice]: fileType.blockDevice,
  [modeType.file]: fileType.file,
  [modeType.symlink]: fileType.symlink,
  [modeType.socket]: fileType.socket,
};

function writeDirectory({ entries = [] }: OverlayNode, nidOf: ReadonlyMap<OverlayNode, number>): Uint8Array {
  const { size, firstOfBlock } = shapeDirectory(
    entries.map(({ name }) => name),
    blockBytes,
  );
  const bytes = new Uint8Array(size);
  const view = viewOf(bytes);
  for (const [block, first] of firstOfBlock.entries()) {
    const start = block * blockBytes;
    const listed = entries.slice(first, firstOfBlock[block + 1] ?? entries.length);
    let nameAt = start + direntRecord.size * listed.length;
    for (const [index, { name, node }] of listed.entries()) {
      direntRecord.set(view, start + direntRecord.size * index, {
        nid: BigInt(nidOf.get(node) ?? 0),
        nameOffset: nameAt - start,
        fileType: fileTypes[typeOf(node)] ?? fileType.unknown,
        reserved: 0,
      });
      nameAt = writeText(bytes, nameAt, name);
    }
  }
  return bytes;
}
