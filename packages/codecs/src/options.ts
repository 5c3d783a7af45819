import type { Hasher } from "@sextant/bytes";

/** What the machine can do faster than TypeScript does, with the same results. */
export interface Inflater {
  /**
   * Decompresses one raw DEFLATE stream out of the chunks that `next` gives one after another (undefined: no more) and
   * returns how many bytes at the end of the last chunk are not part of it. Throws `CodecError` `MALFORMED_DATA` or
   * `MALFORMED_TRUNCATED`, without offset.
   */
  inflateRaw(next: () => Promise<Uint8Array | undefined>): AsyncGenerator<Uint8Array, number>;
  /** CRC-32 as `crc32` of `@sextant/bytes` gives it, if there is something faster. */
  readonly crc32?: ((bytes: Uint8Array, crc?: number) => number) | undefined;
}

/** Limits and machinery of a decompression. */
export interface DecompressOptions {
  /** Most bytes that may come out; one more is `LIMIT_OUTPUT`. Default: no limit, as nothing is kept. */
  readonly limitBytes?: number | undefined;
  /**
   * Largest history window (zstd) or dictionary (xz) that a stream may ask for, in bytes. Memory grows with the data up to a
   * quarter more than what the stream asks for. Default 256 MiB: more than every preset of `xz` and `zstd` wants.
   */
  readonly windowLimitBytes?: number | undefined;
  /**
   * `all` (default) decompresses everything up to the end of the input, members one after another, and refuses what is
   * no member. `first` stops behind the first gzip member, xz stream or zstd frame.
   */
  readonly members?: "all" | "first" | undefined;
  /** Default `portableHasher`. Used for xz with SHA-256. */
  readonly hasher?: Hasher | undefined;
  /** Default: our own. `nodeInflater` of `@sextant/codecs/node` is some times as fast. */
  readonly inflater?: Inflater | undefined;
  /** Name of the input in errors. */
  readonly source?: string | undefined;
}

/** What a decompression ends with. */
export interface DecompressEnd {
  /** Bytes of input up to the end of what was decompressed. */
  readonly consumedBytes: number;
}

export const defaultWindowLimitBytes = 256 * 1024 * 1024;
