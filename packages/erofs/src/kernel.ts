import { algorithm, algorithmNames } from "./compressed/layout.js";
import { featureCompat, featureIncompat, hasFeature } from "./features.js";
import type { SuperblockRecord } from "./layout.js";

/** Something that an image makes use of, and the first kernel that knows it, as `6.10`. */
export interface NeededFeature {
  readonly feature: string;
  readonly kernel: string;
}

/** The oldest kernel that mounts an image. */
export interface NeededKernel {
  readonly kernel: string;
  /** What of it is not in every kernel, the newest first. */
  readonly because: readonly NeededFeature[];
}

/** The first release with EROFS out of staging. */
const firstKernel = "5.4";
/** Until 6.4 blocks had to be as large as pages. */
const pageBytesLog2 = 12;

type Uses = (record: SuperblockRecord) => boolean;
const incompat =
  (bit: number): Uses =>
  ({ featureIncompat: bits }) =>
    hasFeature(bits, bit);
const compressedWith =
  (name: keyof typeof algorithm): Uses =>
  (record) =>
    isConfigured(record) && (record.compression & (1 << algorithm[name])) !== 0;
const isConfigured = incompat(featureIncompat.compressionConfigs);
const isCompressed: Uses = (record) => isConfigured(record) || incompat(featureIncompat.lz4ZeroPadding)(record);
const hasSmallBlocks: Uses = ({ blockBytesLog2 }) => blockBytesLog2 < pageBytesLog2;
const hasPrefixesInPlace: Uses = ({ featureCompat: bits, packedNid, xattrPrefixCount }) =>
  xattrPrefixCount > 0 && packedNid !== 0n && hasFeature(bits, featureCompat.plainXattrPrefixes);

/**
 * Which kernel brought what (history of the kernel's fs/erofs; mkfs.erofs(1), which says it for most options). Features
 * that older kernels may ignore are left out.
 */
const history: readonly (readonly [kernel: string, feature: string, uses: Uses])[] = [
  ["6.17", "metadata in a metabox", incompat(featureIncompat.metabox)],
  // 6.16 and older look for them in the packed inode, whatever the feature says.
  ["6.17", "long xattr prefixes outside of the packed inode", hasPrefixesInPlace],
  ["6.15", "48-bit layout", incompat(featureIncompat.layout48)],
  ["6.10", "zstd", compressedWith("zstd")],
  ["6.8", "compression in blocks smaller than 4 KiB", (record) => hasSmallBlocks(record) && isCompressed(record)],
  ["6.6", "deflate", compressedWith("deflate")],
  ["6.4", "long xattr prefixes", incompat(featureIncompat.xattrPrefixes)],
  ["6.4", "blocks smaller than 4 KiB", (record) => hasSmallBlocks(record) && !isCompressed(record)],
  ["6.4", "blocks larger than 4 KiB, and pages as large", ({ blockBytesLog2 }) => blockBytesLog2 > pageBytesLog2],
  ["6.1", "fragments or dedupe", incompat(featureIncompat.fragments)],
  ["5.17", "tail packing", incompat(featureIncompat.ztailpacking)],
  ["5.16", "lzma", compressedWith("lzma")],
  ["5.16", "extra devices", (record) => incompat(featureIncompat.deviceTable)(record) && record.extraDevices > 0],
  [
    "5.16",
    "two algorithms in a file",
    (record) => incompat(featureIncompat.deviceTable)(record) && record.extraDevices === 0,
  ],
  ["5.15", "chunk-based files", incompat(featureIncompat.chunkedFile)],
  ["5.13", "clusters larger than a block, or algorithms by name", isConfigured],
];

/**
 * The oldest kernel that mounts an image with this superblock, and why. What a kernel was configured without is another
 * matter, for example CONFIG_EROFS_FS_ZIP_ZSTD.
 */
export function neededKernel({ superblock }: { readonly superblock: SuperblockRecord }): NeededKernel {
  const because = history.flatMap(([kernel, feature, uses]) => (uses(superblock) ? [{ feature, kernel }] : []));
  return { kernel: because[0]?.kernel ?? firstKernel, because };
}

/** Names of the algorithms that an image's superblock allows, in the order of their numbers. */
export function namedAlgorithms({ superblock }: { readonly superblock: SuperblockRecord }): readonly string[] {
  if (!isConfigured(superblock)) return isCompressed(superblock) ? ["lz4"] : [];
  return algorithmNames.filter((_, number) => (superblock.compression & (1 << number)) !== 0);
}
