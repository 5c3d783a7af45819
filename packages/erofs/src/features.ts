import { ErofsError } from "./errors.js";
import { type SuperblockRecord, superblockRecord, superOffset } from "./layout.js";

/** EROFS_FEATURE_COMPAT_…: readers may ignore them. */
export const featureCompat = {
  checksum: 0x01,
  /** Times are modification times; very old images stored change times. */
  mtime: 0x02,
  xattrFilter: 0x04,
  sharedXattrsInMetabox: 0x08,
  plainXattrPrefixes: 0x10,
  imageShareXattrs: 0x20,
} as const;

/** EROFS_FEATURE_INCOMPAT_…: readers that don't know one must not mount. Three bits stand for two features each. */
export const featureIncompat = {
  lz4ZeroPadding: 0x01,
  /** COMPR_CFGS, BIG_PCLUSTER */
  compressionConfigs: 0x02,
  chunkedFile: 0x04,
  /** DEVICE_TABLE, COMPR_HEAD2 */
  deviceTable: 0x08,
  ztailpacking: 0x10,
  /** FRAGMENTS, DEDUPE */
  fragments: 0x20,
  xattrPrefixes: 0x40,
  layout48: 0x80,
  metabox: 0x100,
} as const;

/** Names as erofs-utils' `dump.erofs` has them. */
const compatNames: readonly (readonly [number, string])[] = [
  [featureCompat.checksum, "sb_csum"],
  [featureCompat.mtime, "mtime"],
  [featureCompat.xattrFilter, "xattr_filter"],
  [featureCompat.sharedXattrsInMetabox, "shared_ea_in_metabox"],
  [featureCompat.plainXattrPrefixes, "plain_xattr_pfx"],
  [featureCompat.imageShareXattrs, "ishare_xattrs"],
];

const incompatNames: readonly (readonly [number, (record: SuperblockRecord) => string])[] = [
  [featureIncompat.lz4ZeroPadding, () => "0padding"],
  [featureIncompat.compressionConfigs, () => "big_pcluster"],
  [featureIncompat.chunkedFile, () => "chunked_file"],
  [featureIncompat.deviceTable, (record) => (record.extraDevices > 0 ? "device_table" : "compr_head2")],
  [featureIncompat.ztailpacking, () => "ztailpacking"],
  [featureIncompat.fragments, (record) => (record.packedNid > 0n ? "fragments" : "dedupe")],
  [featureIncompat.xattrPrefixes, () => "xattr_prefixes"],
  [featureIncompat.layout48, () => "48bit"],
  [featureIncompat.metabox, () => "metabox"],
];

const supportedIncompat = 0x1ff;

/** Whether a feature bit, or one of several, is set. */
export function hasFeature(bits: number, feature: number): boolean {
  return (bits & feature) !== 0;
}

/** The features that the superblock states, by name; bits that nobody has defined so far as `incompat:0x…`, `compat:0x…`. */
export function featureNames(record: SuperblockRecord): string[] {
  const names: string[] = [];
  let compat = record.featureCompat;
  for (const [bit, name] of compatNames) {
    if (!hasFeature(compat, bit)) continue;
    names.push(name);
    compat &= ~bit;
  }
  if (compat !== 0) names.push(`compat:0x${(compat >>> 0).toString(16)}`);
  return [...names, ...incompatibleNames(record, record.featureIncompat)];
}

function incompatibleNames(record: SuperblockRecord, bits: number): string[] {
  const names: string[] = [];
  let rest = bits;
  for (const [bit, name] of incompatNames) {
    if (!hasFeature(rest, bit)) continue;
    names.push(name(record));
    rest &= ~bit;
  }
  if (rest !== 0) names.push(`incompat:0x${(rest >>> 0).toString(16)}`);
  return names;
}

/** Throws `UNSUPPORTED_FEATURE` unless every incompatible feature of the image is one that this package reads. */
export function checkFeatures(record: SuperblockRecord): void {
  const unknown = incompatibleNames(record, record.featureIncompat & ~supportedIncompat);
  if (unknown.length === 0) return;
  throw new ErofsError("UNSUPPORTED_FEATURE", `the image needs ${unknown.join(", ")}`, {
    path: "superblock.featureIncompat",
    offset: superOffset + superblockRecord.offsets.featureIncompat,
    features: unknown,
  });
}
