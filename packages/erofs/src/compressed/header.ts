import { toSafeNumber, viewOf } from "@sextant/bytes";
import { ErofsError } from "../errors.js";
import { bodyOffset, type Inode, metadataOf, nidText } from "../inode.js";
import { dataLayout } from "../layout.js";
import { readBytes, type Volume } from "../volume.js";
import {
  advise,
  clusterBitsMask,
  extentSizeMask,
  extentSizeShift,
  mapHeaderOffset,
  mapHeaderRecord,
  wholeFragmentBit,
  wholeFragmentFlag,
} from "./layout.js";

/** How the extents of a compressed inode are found. */
export type MapHeader = WholeFragment | IndexedMap | ExtentMap;

/** All of the file is in the packed inode. */
export interface WholeFragment {
  readonly kind: "fragment";
  /** Where it begins there, in bytes. */
  readonly offset: number;
  /** Where the header ends. */
  readonly end: number;
}

/** There is an index for each lcluster. */
export interface IndexedMap {
  readonly kind: "full" | "compact";
  readonly advise: number;
  readonly clusterBytes: number;
  /** Numbers of the algorithms of HEAD1 and HEAD2. */
  readonly algorithms: readonly [number, number];
  /** Bytes of the last extent where it stands behind the indexes; else 0. */
  readonly inlineBytes: number;
  /** Low half of the last extent's offset in the packed inode, where it is there. */
  readonly fragmentLow: number | undefined;
}

/** There is a record for each extent. */
export interface ExtentMap {
  readonly kind: "extents";
  readonly advise: number;
  /** 4, 8, 16 or 32. */
  readonly recordBytes: number;
  /** Of records of 4 or 8 bytes: how long each extent but the last one is. */
  readonly clusterBytes: number;
  readonly count: number;
}

/** Reads and checks the map header behind a compressed inode. One request, of the page it is in, unless that is cached. */
export async function readMapHeader(volume: Volume, inode: Inode): Promise<MapHeader> {
  const offset = mapHeaderOffset(bodyOffset(inode));
  const path = `inode ${nidText(inode.nid)}.map`;
  const area = await metadataOf(volume, inode);
  const bytes = await readBytes(area, offset, offset + mapHeaderRecord.size, path);
  const header = decodeHeader(bytes);
  if ((header.clusterBits & wholeFragmentFlag) !== 0) {
    const value = viewOf(bytes).getBigUint64(0, true) ^ wholeFragmentBit;
    return {
      kind: "fragment",
      offset: toSafeNumber(value, `${path}.fragment`, offset),
      end: offset + mapHeaderRecord.size,
    };
  }
  const fail = (code: "MALFORMED_INDEX" | "UNSUPPORTED_COMPRESSION", message: string) =>
    new ErofsError(code, message, { path, offset, nid: inode.nid });
  if ((header.advise & ~advise.all) !== 0) {
    throw fail("UNSUPPORTED_COMPRESSION", `the map header has the unknown advise 0x${header.advise.toString(16)}`);
  }
  const clusterBytes = volume.superblock.blockBytes * 2 ** (header.clusterBits & clusterBitsMask);
  const full = inode.layout === dataLayout.compressedFull;
  if (full && (header.advise & advise.extents) !== 0) return extentMap(header, clusterBytes, inode.size);
  const { advise: bits, algorithms, low } = header;
  const isBig = [advise.bigCluster1, advise.bigCluster2].map((bit) => (bits & bit) !== 0);
  if (!full && isBig[0] !== isBig[1]) {
    throw fail("MALFORMED_INDEX", "of compact indexes, both heads can have big clusters or none");
  }
  const inFragment = (bits & advise.fragment) !== 0;
  return {
    kind: full ? "full" : "compact",
    advise: bits,
    clusterBytes,
    algorithms: [algorithms & 0x0f, algorithms >> 4],
    inlineBytes: !inFragment && (bits & advise.inlineCluster) !== 0 ? low >>> 16 : 0,
    fragmentLow: inFragment ? low : undefined,
  };
}

type Header = ReturnType<typeof mapHeaderRecord.decode>;

/** As the record's own `decode`, in a quarter of the time: there is one for each file. */
function decodeHeader(bytes: Uint8Array): Header {
  const { offsets } = mapHeaderRecord;
  const view = viewOf(bytes);
  return {
    low: view.getUint32(offsets.low, true),
    advise: view.getUint16(offsets.advise, true),
    algorithms: view.getUint8(offsets.algorithms),
    clusterBits: view.getUint8(offsets.clusterBits),
  };
}

function extentMap({ advise: bits, low, algorithms, clusterBits }: Header, clusterBytes: number, size: number) {
  const recordBytes = 4 * 2 ** ((bits >> extentSizeShift) & extentSizeMask);
  const count = low + (algorithms + clusterBits * 2 ** 8) * 2 ** 32;
  return {
    kind: "extents",
    advise: bits,
    recordBytes,
    clusterBytes,
    count: recordBytes > 8 ? count : Math.ceil(size / clusterBytes),
  } as const;
}
