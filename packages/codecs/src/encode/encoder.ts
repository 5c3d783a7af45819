/** A cluster as an encoder made it. */
export interface Filled {
  /** Bytes of the input that are in it; at least one. */
  readonly consumed: number;
  /** The compressed bytes, the first of which is not zero; they stay until the encoder is used again. */
  readonly bytes: Uint8Array;
}

/**
 * Compresses clusters of bounded size. Each decompresses on its own, and holds as much of the input as its size allows.
 * What comes out depends on the bytes between `start` and `end` and on the encoder's options alone, so one encoder serves
 * any number of inputs, and any number of encoders gives the same bytes.
 */
export interface ClusterEncoder {
  /** Longest input, bytes. */
  readonly inputLimitBytes: number;
  /** Room for an input of that many bytes; it stays until the next call. */
  input(bytes: number): Uint8Array;
  /**
   * Compresses the input from `start` on into at most `capacity` bytes, ending at `end` at the latest.
   * Undefined where not even one byte fits.
   */
  fill(start: number, end: number, capacity: number): Filled | undefined;
}
