/** How content can be compressed; LZ4HC writes what LZ4 reads, smaller and slower. */
export type CompressionMethod = "lz4" | "lz4hc" | "deflate" | "zstd";

/** What a run of content is compressed with. */
export interface Compression {
  readonly method: CompressionMethod;
  readonly level: number;
  /** Largest physical cluster, bytes: a multiple of 4096, up to 1 MiB. */
  readonly clusterBytes: number;
}

/** `clusterBytes` where nothing else is said: what boots read least with (zstd, measured on Debian's initrd). */
export const defaultClusterBytes = 64 << 10;
/** Z_EROFS_PCLUSTER_MAX_SIZE */
export const maxClusterBytes = 1 << 20;

/** The levels of each method, and the one that is meant where none is named. */
export const compressionLevels: Readonly<
  Record<CompressionMethod, { readonly least: number; readonly most: number; readonly usual: number }>
> = {
  lz4: { least: 0, most: 0, usual: 0 },
  lz4hc: { least: 1, most: 12, usual: 9 },
  deflate: { least: 1, most: 9, usual: 6 },
  zstd: { least: 1, most: 22, usual: 3 },
};

/** Z_EROFS_ZSTD_MAX_DICT_SIZE: kernels refuse larger windows. */
const maxWindowLog2 = 20;

/** log2 of the window that zstd uses for clusters of that size: eight times as much as they hold when they are full. */
export function zstdWindowLog2({ clusterBytes }: Compression): number {
  return Math.min(maxWindowLog2, Math.floor(Math.log2(clusterBytes)) + 3);
}

/** Throws `RangeError` for what no writer here can do. */
export function checkCompression({ method, level, clusterBytes }: Compression, blockBytes: number): void {
  const levels = compressionLevels[method];
  if (levels === undefined) throw new RangeError(`there is no compression called ${JSON.stringify(method)}`);
  if (!Number.isInteger(level) || level < levels.least || level > levels.most) {
    throw new RangeError(`${method} has levels ${levels.least} to ${levels.most}, not ${level}`);
  }
  const isWhole = Number.isInteger(clusterBytes / blockBytes);
  if (!isWhole || clusterBytes < blockBytes || clusterBytes > maxClusterBytes) {
    throw new RangeError(
      `a cluster has a multiple of ${blockBytes} bytes up to ${maxClusterBytes}, not ${clusterBytes}`,
    );
  }
}
