import { type Chunk, concatBytes, type Hasher, portableHasher, viewOf } from "@sextant/bytes";
import { featureCompat } from "./features.js";
import { type SuperblockRecord, superblockRecord, superMagic, superOffset, xattrAlign } from "./layout.js";
import type { ErofsPlan } from "./plan.js";
import { compressionField, encodeConfigs } from "./plan-features.js";
import { sharedXattrBytes } from "./plan-xattrs.js";
import { superblockChecksum } from "./superblock.js";
import { areaWriter } from "./write-chunks.js";
import { readContents } from "./write-content.js";
import { unitMemory } from "./write-memory.js";
import { metadataWriter } from "./write-metadata.js";
import { readStored } from "./write-stored.js";
import { xattrFeatures } from "./xattr-prefixes.js";

export interface EmitOptions {
  /** How the UUID is derived where the plan has none. Default: `portableHasher`; `nodeHasher` gives the same, faster. */
  readonly hasher?: Hasher | undefined;
  /**
   * Whether the memory of chunks is used again: each then stays as it is until the one after the next is asked for, which
   * is what `pourChunks` and `writeChunks` need. Default false.
   */
  readonly reuseMemory?: boolean | undefined;
}

/**
 * Writes the planned image: its metadata and, interleaved, its data, both in ascending order, and last of all block 0
 * with the superblock. What no chunk covers is zeros. Every file is read once, in the order of its data; a few MiB are
 * held at a time.
 *
 * A plan without a UUID gets one that says what is in the image: the first 16 bytes of a SHA-256, marked as a random UUID
 * (RFC 9562, version 4). It is taken over three digests: of block 0 (its UUID and checksum as zeros), of the other metadata
 * and of the data, the latter two over the fingerprints (`Hasher`) of their units of 1 MiB.
 *
 * Compressed content is copied in units of 1 MiB before anything else is read.
 *
 * Throws `ErofsError` `MISMATCH_SIZE` with the path where a file's source does not have the size the tree says, and
 * whatever the sources throw.
 */
export async function* emit(plan: ErofsPlan, options: EmitOptions = {}): AsyncGenerator<Chunk, void> {
  const { blockBytes, dataBlock, sizeBytes } = plan;
  const hasher = plan.uuid === undefined ? (options.hasher ?? portableHasher) : undefined;
  const memory = options.reuseMemory ? unitMemory() : undefined;
  const ready: Chunk[] = [];
  const metadataArea = areaWriter(ready, blockBytes, dataBlock * blockBytes, hasher);
  const dataArea = areaWriter(ready, dataBlock * blockBytes, sizeBytes, hasher, memory);
  const metadata = metadataWriter(plan, metadataArea.append);
  let previous: Chunk | undefined;
  function* flush() {
    for (const chunk of ready.splice(0)) {
      yield chunk;
      if (previous) memory?.release(previous.bytes);
      previous = chunk;
    }
  }
  for await (const { offset, bytes } of readStored(plan, memory)) {
    dataArea.append(offset, bytes);
    if (ready.length === 0) continue;
    yield* flush();
    await dataArea.pace();
  }
  for await (const { inode, start, end, offset, bytes } of readContents(plan, memory)) {
    const tailStart = inode.size - inode.inlineBytes;
    if (bytes !== undefined && start < tailStart) dataArea.append(offset, bytes.subarray(0, tailStart - start));
    if (end > tailStart) {
      const skipped = Math.max(0, tailStart - start);
      metadata.putTail(inode, start + skipped - tailStart, bytes?.subarray(skipped));
      if (end === inode.size) metadata.endTail(inode);
    }
    metadata.advance();
    if (ready.length === 0) continue;
    yield* flush();
    await dataArea.pace();
  }
  metadata.advance();
  metadataArea.finish();
  dataArea.finish();
  yield* ready.splice(0);

  const first = metadata.firstBlock();
  writeSuperblock(first, plan, plan.uuid ?? new Uint8Array(16));
  if (hasher) {
    const digests = [hasher.hash("sha256", first), await metadataArea.digest(), await dataArea.digest()];
    const digest = hasher.hash("sha256", concatBytes(digests));
    writeSuperblock(first, plan, markRandom(digest.slice(0, 16)));
  }
  const checksum = superblockChecksum(first.subarray(superOffset));
  viewOf(first).setUint32(superOffset + superblockRecord.offsets.checksum, checksum, true);
  yield { offset: 0, bytes: first };
}

/** Sets the version and variant bits of a random UUID. */
function markRandom(uuid: Uint8Array): Uint8Array {
  uuid[6] = ((uuid[6] ?? 0) & 0x0f) | 0x40;
  uuid[8] = ((uuid[8] ?? 0) & 0x3f) | 0x80;
  return uuid;
}

function writeSuperblock(first: Uint8Array, plan: ErofsPlan, uuid: Uint8Array): void {
  const { blockBytes, sizeBytes, baseTime, inodes, sharedOffset, wide } = plan;
  const blocks = sizeBytes / blockBytes;
  const rootNid = BigInt(inodes[0]?.nid ?? 0);
  const xattrs = xattrFeatures(plan.xattrPrefixes, plan.fingerprintPrefix, plan.xattrFilter);
  const value: SuperblockRecord = {
    magic: superMagic,
    checksum: 0,
    featureCompat: featureCompat.checksum + featureCompat.mtime + xattrs.compat,
    blockBytesLog2: Math.log2(blockBytes),
    extensionSlots: 0,
    rootNid16: wide ? Math.floor(blocks / 2 ** 32) : Number(rootNid),
    inodes: BigInt(inodes.length),
    epoch: BigInt.asUintN(64, BigInt(baseTime.seconds)),
    fixedNanoseconds: baseTime.nanoseconds,
    blocksLow: blocks % 2 ** 32,
    metaBlock: 0,
    xattrBlock: Math.floor(sharedOffset / blockBytes),
    uuid,
    volumeName: plan.label,
    featureIncompat: plan.featureIncompat,
    compression: plan.compression ? compressionField(plan.compression) : 0,
    extraDevices: 0,
    deviceTableSlot: 0,
    directoryBlockLog2: 0,
    xattrPrefixCount: plan.xattrPrefixes.length,
    xattrPrefixStart: plan.xattrPrefixes.length === 0 ? 0 : (sharedOffset + sharedXattrBytes(plan)) / xattrAlign,
    packedNid: BigInt(plan.packed?.nid ?? 0),
    xattrFilterReserved: 0,
    imageShareXattrPrefix: plan.fingerprintPrefix?.index ?? 0,
    reserved: new Uint8Array(2),
    buildTime: 0,
    rootNid64: wide ? rootNid : 0n,
    reserved2: 0n,
  };
  superblockRecord.set(viewOf(first), superOffset, value);
  if (plan.compressed && plan.compression) {
    first.set(encodeConfigs(plan.compression, plan.compressed), superOffset + superblockRecord.size);
  }
}
