import type { Compression, CompressionMethod } from "./compression.js";

/** A version of Linux: major and minor. */
export interface KernelVersion {
  readonly major: number;
  readonly minor: number;
}

/** The oldest kernel that images are made for: the first whose EROFS left staging. */
export const oldestKernel: KernelVersion = { major: 5, minor: 4 };

/** What of the format takes which kernel at least (kernel history of fs/erofs; erofs-utils ChangeLog). */
export const writeFeatures = {
  lz4: { major: 5, minor: 4 },
  "clusters larger than 4 KiB": { major: 5, minor: 13 },
  "chunk-based files": { major: 5, minor: 15 },
  "tail packing": { major: 5, minor: 17 },
  fragments: { major: 6, minor: 1 },
  dedupe: { major: 6, minor: 1 },
  "long xattr prefixes": { major: 6, minor: 4 },
  deflate: { major: 6, minor: 6 },
  zstd: { major: 6, minor: 10 },
  "extent records": { major: 6, minor: 15 },
  "long xattr prefixes beside fragments": { major: 6, minor: 17 },
} as const satisfies Record<string, KernelVersion>;
/** A feature that needs a kernel of some age. */
export type WriteFeature = keyof typeof writeFeatures;

/** The features of an image to be. */
export interface FeatureChoice {
  readonly compression: Compression | undefined;
  readonly fragments: "none" | "tails" | "all";
  readonly tailPacking: boolean;
  /** Of compressed content, or without compression of chunks. */
  readonly dedupe: boolean;
  /** Long xattr prefixes, or fingerprints, which take one. Default false. */
  readonly xattrPrefixes?: boolean | undefined;
  /** Extents are told in records. Default false. */
  readonly records?: boolean | undefined;
}

/** A choice that a kernel mounts, and what was wanted beyond it. */
export interface FittedChoice extends FeatureChoice {
  readonly gaveUp: readonly { readonly feature: WriteFeature; readonly instead: string; readonly kernel: string }[];
}

/** Parses `6.10`, `6.10.3` or `6.10-rc1`; undefined for anything else. */
export function parseKernelVersion(text: string): KernelVersion | undefined {
  const match = /^(\d{1,4})\.(\d{1,4})(?:[.+-].*)?$/.exec(text);
  return match ? { major: Number(match[1]), minor: Number(match[2]) } : undefined;
}

/** Whether a kernel has what another one brought. */
export function isKernelAtLeast(kernel: KernelVersion, needed: KernelVersion): boolean {
  return kernel.major > needed.major || (kernel.major === needed.major && kernel.minor >= needed.minor);
}

/** Leaves out what `kernel` does not mount, and says so. Throws `RangeError` for kernels older than `oldestKernel`. */
export function fitKernel(wanted: FeatureChoice, kernel: KernelVersion): FittedChoice {
  if (!isKernelAtLeast(kernel, oldestKernel)) {
    throw new RangeError(
      `no kernel before 5.4 mounts what is written here, and ${kernel.major}.${kernel.minor} is one`,
    );
  }
  const gaveUp: { feature: WriteFeature; instead: string; kernel: string }[] = [];
  const has = (feature: WriteFeature, instead: string): boolean => {
    const needed = writeFeatures[feature];
    if (isKernelAtLeast(kernel, needed)) return true;
    gaveUp.push({ feature, instead, kernel: `${needed.major}.${needed.minor}` });
    return false;
  };
  const compression = wanted.compression && fitCompression(wanted.compression, has);
  const fragments = wanted.fragments === "none" || has("fragments", "none") ? wanted.fragments : "none";
  const prefixes: WriteFeature = fragments === "none" ? "long xattr prefixes" : "long xattr prefixes beside fragments";
  return {
    compression,
    fragments,
    tailPacking: wanted.tailPacking && has("tail packing", "none"),
    dedupe: wanted.dedupe && has(compression ? "dedupe" : "chunk-based files", "none"),
    xattrPrefixes: wanted.xattrPrefixes === true && has(prefixes, "none"),
    records: wanted.records === true && has("extent records", "indexes"),
    gaveUp,
  };
}

/** LZ4HC at its best is what old kernels read and comes nearest. */
const fallback = { method: "lz4hc", level: 12 } as const;

function fitCompression(
  { method, level, clusterBytes }: Compression,
  has: (feature: WriteFeature, instead: string) => boolean,
): Compression {
  const needs: CompressionMethod = method === "lz4hc" ? "lz4" : method;
  const fits = has(needs, "lz4hc:12");
  const isSmall = clusterBytes <= 4096 || has("clusters larger than 4 KiB", "4 KiB");
  return { ...(fits ? { method, level } : fallback), clusterBytes: isSmall ? clusterBytes : 4096 };
}
