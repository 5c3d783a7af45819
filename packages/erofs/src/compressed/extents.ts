import { ErofsError } from "../errors.js";
import { type Inode, metadataOf, nidText } from "../inode.js";
import { once, type Volume } from "../volume.js";
import { readMapHeader, type WholeFragment } from "./header.js";
import { type IndexMap, openIndexes } from "./index-map.js";
import { type AlgorithmName, maxDecodedBytes } from "./layout.js";
import { findAllIndexed, findIndexed } from "./map-indexes.js";
import { findRecorded, openRecords, type RecordMap } from "./map-records.js";

/** A run of an inode's data and where it is stored: what reading, checking, dumping and extracting go by. */
export interface DataExtent {
  /** Within the data, in bytes. */
  readonly start: number;
  readonly end: number;
  /**
   * `blocks`: bytes as they are, on a device. `inline`: behind the inode, compressed or not. `cluster`: a physical cluster.
   * `fragment`: a part of the packed inode's data. `hole`: zeros, stored nowhere.
   */
  readonly kind: "blocks" | "inline" | "cluster" | "fragment" | "hole";
  /**
   * Where it begins, in bytes: on the device, in the area where the inode stands (the image, or the metabox), or in the
   * packed inode's data; of a hole 0.
   */
  readonly address: number;
  /** Bytes there; of a hole 0. */
  readonly storedBytes: number;
  /** 0: the primary device, or wherever the one address space leads; n: device n of the table. */
  readonly device: number;
  readonly algorithm: AlgorithmName | "stored";
  /**
   * Of stored clusters: whether the bytes are turned round within the cluster, so that each stands as far from the start
   * of a block as it does in the file.
   */
  readonly interlaced: boolean;
  /** The cluster may hold more than this extent, which is its beginning. */
  readonly partial: boolean;
}

/** Finds extents of one inode; keeps what it has read of its indexes. */
export interface ExtentMapper {
  /**
   * The extents that have bytes of `[start, end)`, in order and without gaps. Clusters and fragments are whole, other
   * extents are cut to the range.
   */
  map(start: number, end: number): Promise<DataExtent[]>;
  /**
   * All extents, where one read finds them: for half the time and less that `map` takes for all of it, and the same but for
   * how indexes are read that contradict each other. Undefined where it does not.
   */
  all?(): Promise<DataExtent[] | undefined>;
}

/** Of a compressed inode. */
export function compressedMapper(volume: Volume, inode: Inode): ExtentMapper {
  const opened = once(() => openMap(volume, inode));
  // Reads often go on where one ended, amid an extent.
  let last: DataExtent | undefined;
  return {
    async map(start, end) {
      if (start >= end) return [];
      const map = await opened();
      const extents: DataExtent[] = [];
      for (let at = start; at < end; ) {
        const known = last !== undefined && at >= last.start && at < last.end;
        const extent: DataExtent = known && last ? last : checkSize(inode, await findExtent(map, inode, at));
        last = extent;
        extents.push(extent);
        at = extent.end;
      }
      return extents;
    },
    async all() {
      const opening = await opened();
      if (opening.kind !== "indexes" || inode.size === 0) return undefined;
      const extents = await findAllIndexed(opening.map, await metadataOf(volume, inode));
      for (const extent of extents ?? []) checkSize(inode, extent);
      return extents;
    },
  };
}

/** What stands behind a compressed inode. */
export type CompressedMap =
  | WholeFragment
  | { readonly kind: "indexes"; readonly map: IndexMap }
  | { readonly kind: "records"; readonly map: RecordMap };

export async function openMap(volume: Volume, inode: Inode): Promise<CompressedMap> {
  const header = await readMapHeader(volume, inode);
  if (header.kind === "fragment") return header;
  if (header.kind === "extents") return { kind: "records", map: await openRecords(volume, inode, header) };
  return { kind: "indexes", map: await openIndexes(volume, inode, header) };
}

async function findExtent(opened: CompressedMap, inode: Inode, position: number): Promise<DataExtent> {
  switch (opened.kind) {
    case "fragment":
      return wholeFragment(inode.size, opened.offset);
    case "indexes":
      return findIndexed(opened.map, position);
    case "records":
      return findRecorded(opened.map, position);
  }
}

function wholeFragment(size: number, address: number): DataExtent {
  const stored = { storedBytes: size, device: 0, algorithm: "stored", interlaced: false, partial: false } as const;
  return { start: 0, end: size, kind: "fragment", address, ...stored };
}

/** Kernels refuse what comes out of one cluster beyond a limit, and so does whoever has to hold it. */
function checkSize(inode: Inode, extent: DataExtent): DataExtent {
  const { start, end, kind, address } = extent;
  if (kind === "hole" || kind === "fragment" || end - start <= maxDecodedBytes) return extent;
  const message = `an extent of ${end - start} bytes is larger than ${maxDecodedBytes}`;
  const path = `inode ${nidText(inode.nid)}.data`;
  throw new ErofsError("LIMIT_CLUSTER", message, { path, offset: address, nid: inode.nid });
}
