import type { ByteSource } from "@sextant/bytes";
import type { DataExtent } from "./compressed/extents.js";
import { ErofsError } from "./errors.js";
import { type Inode, metadataOf, nidText } from "./inode.js";
import { deviceCount, type Volume } from "./volume.js";

/** An extent whose stored bytes are known to be there. */
export interface Located {
  readonly extent: DataExtent;
  readonly source: ByteSource;
  /** Where they begin in `source`. */
  readonly from: number;
}

/**
 * Finds the bytes of each extent that has some. Throws `MALFORMED_DATA` where the device is too short, `MISSING_DEVICE`,
 * `MALFORMED_FRAGMENT` where the packed inode is too short or not there.
 */
export async function locateAll(volume: Volume, inode: Inode, extents: readonly DataExtent[]): Promise<Located[]> {
  const located: Located[] = [];
  for (const extent of extents) {
    if (extent.kind === "hole") continue;
    const { source, from } = await locate(volume, inode, extent);
    const end = from + extent.storedBytes;
    if (!(end <= source.size)) {
      const [code, where] =
        extent.kind === "fragment"
          ? (["MALFORMED_FRAGMENT", " of the packed inode"] as const)
          : (["MALFORMED_DATA", ""] as const);
      const message = `data of inode ${nidText(inode.nid)} ends at byte ${end} of ${source.size}${where}`;
      throw failure(inode, code, message, from, source.name);
    }
    located.push({ extent, source, from });
  }
  return located;
}

type Code = "MALFORMED_DATA" | "MALFORMED_FRAGMENT" | "MISSING_DEVICE";

function failure({ nid, offset }: Inode, code: Code, message: string, at = offset, source?: string): ErofsError {
  return new ErofsError(code, message, { path: `inode ${nidText(nid)}.data`, offset: at, nid, source });
}

type Place = Omit<Located, "extent">;

async function locate(volume: Volume, inode: Inode, extent: DataExtent): Promise<Place> {
  const { address } = extent;
  if (extent.kind === "inline") return { source: await metadataOf(volume, inode), from: address };
  if (extent.kind === "fragment") {
    if (inode.nid === volume.superblock.packedNid) {
      throw failure(inode, "MALFORMED_FRAGMENT", "the packed inode has a part of itself in itself");
    }
    return { source: await volume.packed(), from: address };
  }
  const count = deviceCount(volume.superblock);
  if (extent.device > count) {
    throw failure(inode, "MALFORMED_DATA", `there is no device ${extent.device}, the image has ${count}`);
  }
  return count === 0 ? { source: volume.source, from: address } : locateOnDevice(volume, inode, extent);
}

async function locateOnDevice(volume: Volume, inode: Inode, { device: number, address }: DataExtent): Promise<Place> {
  const { blockBytes } = volume.superblock;
  const devices = await volume.devices();
  let index = number - 1;
  let from = address;
  if (number === 0) {
    index = devices.findIndex(
      ({ startBlock, blocks }) =>
        startBlock > 0 && from >= startBlock * blockBytes && from < (startBlock + blocks) * blockBytes,
    );
    if (index < 0) return { source: volume.source, from };
    from -= (devices[index]?.startBlock ?? 0) * blockBytes;
  }
  const device = devices[index];
  if (device?.source) return { source: device.source, from };
  // Devices may also follow the primary one in the same file, each at its place in the address space.
  const joined = (device?.startBlock ?? 0) * blockBytes + from;
  if (device && device.startBlock > 0 && joined < volume.source.size) return { source: volume.source, from: joined };
  const name = device?.tag ? ` (${JSON.stringify(device.tag)})` : "";
  throw failure(inode, "MISSING_DEVICE", `the data is on device ${index + 1}${name}, which was not given`);
}
