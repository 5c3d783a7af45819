import { concatBytes } from "@sextant/bytes";
import {
  clusterIndexRecord,
  clusterType,
  compactPack,
  deflateConfigRecord,
  extentRecord,
  lz4ConfigRecord,
  lzmaConfigRecord,
  mapHeaderRecord,
  partialReference,
  zstdConfigRecord,
} from "../src/compressed/layout.js";
import { featureIncompat } from "../src/features.js";
import {
  compactInodeRecord,
  dataLayout,
  direntRecord,
  fileType,
  modeType,
  superblockRecord,
  superMagic,
  superOffset,
} from "../src/layout.js";

/** Images made field by field: what no writer makes, and what nobody should. */

export const blockBytes = 4096;

/** `count` times the same byte as an LZ4 block: some of them as they are, a match, and 5 more. */
export function lz4Run(byte: number, count: number, literals = 1): Uint8Array {
  const match = count - literals - 5 - 4;
  if (match < 0) throw new RangeError(`${count} bytes are too few`);
  const more = (length: number) =>
    length < 15 ? [] : [...new Array<number>(Math.floor((length - 15) / 255)).fill(255), (length - 15) % 255];
  const token = Math.min(15, literals) * 16 + Math.min(15, match);
  return Uint8Array.from([
    ...[token, ...more(literals), ...new Array<number>(literals).fill(byte), 1, 0, ...more(match)],
    ...[0x50, byte, byte, byte, byte, byte],
  ]);
}

/** Whole blocks that end with these bytes. */
export function padded(bytes: Uint8Array, blocks = 1): Uint8Array {
  const cluster = new Uint8Array(blocks * blockBytes);
  cluster.set(bytes, cluster.length - bytes.length);
  return cluster;
}

/** Whole blocks that begin with these bytes. */
export function blockOf(bytes: Uint8Array): Uint8Array {
  const cluster = new Uint8Array(Math.ceil(bytes.length / blockBytes) * blockBytes);
  cluster.set(bytes);
  return cluster;
}

export const run = (letter: string, count: number) => new Uint8Array(count).fill(letter.charCodeAt(0));

type Header = { low?: number; advise?: number; algorithms?: number; clusterBits?: number };

export function header({ low = 0, advise = 0, algorithms = 0, clusterBits = 0 }: Header = {}): Uint8Array {
  return mapHeaderRecord.encode({ low, advise, algorithms, clusterBits });
}

/** An index: where an extent begins, or how far its head and the next one are. */
export type Index =
  | { head: "plain" | "head1" | "head2"; at?: number; block: number; partial?: boolean }
  | { back: number; ahead: number }
  | { blocks: number; ahead: number };

/** Map header and full indexes. */
export function full(head: Uint8Array, indexes: readonly Index[]): Uint8Array {
  return concatBytes([head, new Uint8Array(8), ...indexes.map(fullIndex)]);
}

function fullIndex(index: Index): Uint8Array {
  if ("head" in index) {
    const advise = clusterType[index.head] + (index.partial === true ? partialReference : 0);
    return clusterIndexRecord.encode({ advise, clusterOffset: index.at ?? 0, address: index.block });
  }
  const distance = "blocks" in index ? index.blocks + 0x800 : index.back;
  const address = distance + index.ahead * 65536;
  return clusterIndexRecord.encode({ advise: clusterType.nonhead, clusterOffset: 0, address });
}

/** A value and a type of a compact index. */
export type Low = readonly [type: keyof typeof clusterType, low: number];

/** A pack of compact indexes: 2 in 8 bytes or 16 in 32. */
export function pack(indexes: readonly Low[], base: number): Uint8Array {
  const { bytes, indexes: most } = indexes.length > 2 ? compactPack.narrow : compactPack.wide;
  const bits = (8 * (bytes - 4)) / most;
  let value = 0n;
  for (const [number, [type, low]] of indexes.entries()) {
    value |= BigInt(low + clusterType[type] * 4096) << BigInt(bits * number);
  }
  const packed = new Uint8Array(bytes);
  for (let at = 0; at < bytes - 4; at++) packed[at] = Number((value >> BigInt(8 * at)) & 0xffn);
  new DataView(packed.buffer).setUint32(bytes - 4, base, true);
  return packed;
}

type Extent = { length: number; at?: number; start?: number };

/** Extent records of so many bytes, aligned as they are behind an inode without xattrs. */
export function records(head: Uint8Array, recordBytes: number, extents: readonly Extent[]): Uint8Array {
  const bodyEnd = fileOffset + compactInodeRecord.size + head.length;
  const gap = Math.ceil(bodyEnd / recordBytes) * recordBytes - bodyEnd;
  const first = new Uint8Array(recordBytes === 4 ? 8 : 0);
  if (recordBytes === 4) new DataView(first.buffer).setBigUint64(0, BigInt(extents[0]?.at ?? 0), true);
  const encoded = extents.map(({ length, at = 0, start = 0 }) =>
    extentRecord
      .encode({
        length,
        physicalLow: at % 2 ** 32,
        physicalHigh: Math.floor(at / 2 ** 32),
        logicalLow: start % 2 ** 32,
        logicalHigh: Math.floor(start / 2 ** 32),
        reserved: new Uint8Array(12),
      })
      .subarray(0, recordBytes),
  );
  return concatBytes([head, new Uint8Array(gap), first, ...encoded]);
}

/** What a crafted image holds: `/f`, compressed, and maybe a packed inode. */
export interface Crafted {
  readonly size: number;
  readonly layout: "compressedFull" | "compressedCompact";
  /** From the map header on, with what follows the indexes. */
  readonly map: Uint8Array;
  /** Clusters, from block 1 on, or behind a longer map. */
  readonly blocks?: readonly Uint8Array[];
  /** Features besides `0padding`. */
  readonly features?: number;
  /** Without `0padding` and all that came with it. */
  readonly legacy?: boolean;
  /** Numbers of algorithms, as bits; for LZ4 alone nothing needs to be said. */
  readonly algorithms?: number;
  /** What the superblock says of the algorithms, where it says it another way. */
  readonly configs?: Uint8Array;
  /** First block and size of the packed inode. */
  readonly packed?: { readonly block: number; readonly size: number };
}

const rootNid = 40;
const packedNid = 44;
const fileNid = 48;
/** Where the inode of `/f` stands. */
export const fileOffset = 32 * fileNid;
/** Where its map header stands. */
export const mapOffset = fileOffset + compactInodeRecord.size;

const inode = (fields: { format: number; mode: number; nlink?: number; size: number; address?: number }) =>
  compactInodeRecord.encode({
    format: fields.format,
    xattrCount: 0,
    mode: fields.mode,
    nlinkOrHigh: fields.nlink ?? 1,
    size: fields.size,
    mtime: 0,
    address: fields.address ?? 0,
    serial: 1,
    uid: 0,
    gid: 0,
    reserved: 0,
  });

export function craft(crafted: Crafted): Uint8Array {
  const { size, layout, map, blocks = [], packed } = crafted;
  const image = concatBytes([new Uint8Array(Math.ceil((mapOffset + map.length) / blockBytes) * blockBytes), ...blocks]);
  const put = (bytes: Uint8Array, at: number) => image.set(bytes, at);
  put(superblock(crafted, image.length / blockBytes), superOffset);
  put(crafted.configs ?? configs(crafted.algorithms ?? 0), superOffset + superblockRecord.size);
  const entries = [
    direntRecord.encode({ nid: BigInt(rootNid), nameOffset: 36, fileType: fileType.directory, reserved: 0 }),
    direntRecord.encode({ nid: BigInt(rootNid), nameOffset: 37, fileType: fileType.directory, reserved: 0 }),
    direntRecord.encode({ nid: BigInt(fileNid), nameOffset: 39, fileType: fileType.file, reserved: 0 }),
    new TextEncoder().encode("...f"),
  ];
  const root = concatBytes(entries);
  put(
    inode({ format: dataLayout.flatInline << 1, mode: modeType.directory + 0o755, nlink: 2, size: root.length }),
    32 * rootNid,
  );
  put(root, 32 * rootNid + compactInodeRecord.size);
  if (packed) {
    put(inode({ format: 0, mode: modeType.file + 0o644, size: packed.size, address: packed.block }), 32 * packedNid);
  }
  put(inode({ format: dataLayout[layout] << 1, mode: modeType.file + 0o644, size }), fileOffset);
  put(map, mapOffset);
  return image;
}

/** What the superblock says of each algorithm. */
function configs(algorithms: number): Uint8Array {
  const reserved = (count: number) => new Uint8Array(count);
  const encoded = [
    lz4ConfigRecord.encode({ maxDistance: 65535, maxClusterBlocks: 256, reserved: reserved(10) }),
    lzmaConfigRecord.encode({ dictionaryBytes: 8 * 2 ** 20, format: 0, reserved: reserved(8) }),
    deflateConfigRecord.encode({ windowLog2: 15, reserved: reserved(5) }),
    zstdConfigRecord.encode({ format: 0, windowLog2: 10, reserved: reserved(4) }),
  ];
  const named = encoded.filter((_, number) => (algorithms & (1 << number)) !== 0);
  return concatBytes(named.flatMap((bytes) => [Uint8Array.of(bytes.length, 0), bytes]));
}

function superblock({ algorithms = 0, features = 0, legacy = false, packed }: Crafted, blocks: number): Uint8Array {
  const configs = algorithms === 0 ? 0 : featureIncompat.compressionConfigs;
  return superblockRecord.encode({
    magic: superMagic,
    checksum: 0,
    featureCompat: 0,
    blockBytesLog2: 12,
    extensionSlots: 0,
    rootNid16: rootNid,
    inodes: packed ? 3n : 2n,
    epoch: 0n,
    fixedNanoseconds: 0,
    blocksLow: blocks,
    metaBlock: 0,
    xattrBlock: 0,
    uuid: new Uint8Array(16),
    volumeName: "",
    featureIncompat: (legacy ? 0 : featureIncompat.lz4ZeroPadding) | configs | features,
    compression: algorithms,
    extraDevices: 0,
    deviceTableSlot: 0,
    directoryBlockLog2: 0,
    xattrPrefixCount: 0,
    xattrPrefixStart: 0,
    packedNid: packed ? BigInt(packedNid) : 0n,
    xattrFilterReserved: 0,
    imageShareXattrPrefix: 0,
    reserved: new Uint8Array(2),
    buildTime: 0,
    rootNid64: 0n,
    reserved2: 0n,
  });
}
