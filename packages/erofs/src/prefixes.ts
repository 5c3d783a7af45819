import { type ByteSource, cached, viewOf } from "@sextant/bytes";
import { type Name, nameFromBytes } from "@sextant/tree";
import { ErofsError } from "./errors.js";
import { featureCompat, hasFeature } from "./features.js";
import { maxLongPrefixes, maxNameBytes } from "./layout.js";
import { once, readBytes, type Volume } from "./volume.js";

/** A name prefix that many xattrs of the image share, such as `trusted.` + `overlay.`. */
export interface LongPrefix {
  /** Index of the namespace that `infix` follows. */
  readonly baseIndex: number;
  readonly infix: Name;
  /** Where it stands in its area, in bytes: its size in 2 bytes, its index, its infix. */
  readonly offset: number;
}

/**
 * The image's long xattr prefixes, read once. `xattrPrefixStart` counts from the start of the image where
 * PLAIN_XATTR_PFX is set or there is no other inode for it, else from the start of the data of the metabox, or of the
 * packed inode.
 */
export function readPrefixes(volume: Volume): Promise<readonly LongPrefix[]> {
  volume.prefixes.load ??= once(() => loadPrefixes(volume));
  return volume.prefixes.load();
}

async function loadPrefixes(volume: Volume): Promise<readonly LongPrefix[]> {
  const { record } = volume.superblock;
  const fail = (message: string, offset: number) =>
    new ErofsError("MALFORMED_XATTR", message, { path: "xattr prefixes", offset });
  if (record.xattrPrefixCount > maxLongPrefixes) {
    throw fail(`there are ${record.xattrPrefixCount} prefixes, indexes reach ${maxLongPrefixes}`, 0);
  }
  const area = await prefixArea(volume);
  const prefixes: LongPrefix[] = [];
  let at = 4 * record.xattrPrefixStart;
  for (let index = 0; index < record.xattrPrefixCount; index++) {
    const size = viewOf(await readBytes(area, at, at + 2, `xattr prefix ${index}`)).getUint16(0, true);
    if (size < 1 || size > 1 + maxNameBytes) throw fail(`prefix ${index} has the impossible size ${size}`, at);
    const bytes = await readBytes(area, at + 2, at + 2 + size, `xattr prefix ${index}`);
    prefixes.push({ baseIndex: bytes[0] ?? 0, infix: nameFromBytes(bytes.subarray(1)), offset: at });
    at = 4 * Math.ceil((at + 2 + size) / 4);
  }
  return prefixes;
}

/** Whether the prefixes stand in the image itself rather than in an inode's data. */
export function arePrefixesPlain({ superblock }: Volume): boolean {
  const { record, packedNid, metaboxNid } = superblock;
  if (hasFeature(record.featureCompat, featureCompat.plainXattrPrefixes)) return true;
  return packedNid === 0 && metaboxNid === undefined;
}

async function prefixArea(volume: Volume): Promise<ByteSource> {
  if (arePrefixesPlain(volume)) return volume.pages;
  return volume.superblock.metaboxNid === undefined ? cached(await volume.packed()) : volume.metabox();
}
