/** Indexes of neighbouring lclusters, decoded: a column for each of their parts. */
export interface IndexRun {
  /** Number of the first lcluster. */
  readonly first: number;
  readonly count: number;
  /** `clusterType` */
  readonly type: Uint8Array;
  /** Of heads: where in the lcluster the extent begins. */
  readonly offset: Uint32Array;
  /** Of heads: the first block of the cluster. */
  readonly block: Float64Array;
  /** Of heads, 1: the cluster holds more than the extent. */
  readonly partial: Uint8Array;
  /** Of NONHEAD: how many lclusters before it the head is, or one that knows. */
  readonly back: Uint16Array;
  /** Of NONHEAD: how many lclusters behind it the next head is, or one that knows; 0: not said. */
  readonly ahead: Uint16Array;
  /** Of NONHEAD behind a head: blocks of the cluster; 0: not said. */
  readonly blocks: Uint16Array;
}

export function newRun(first: number, count: number): IndexRun {
  return {
    first,
    count,
    type: new Uint8Array(count),
    offset: new Uint32Array(count),
    block: new Float64Array(count),
    partial: new Uint8Array(count),
    back: new Uint16Array(count),
    ahead: new Uint16Array(count),
    blocks: new Uint16Array(count),
  };
}

/** A stretch of indexes of one form. */
export interface IndexSection {
  /** Number of the first lcluster. */
  readonly first: number;
  readonly count: number;
  /** Where the stretch stands, in bytes. */
  readonly offset: number;
  /** Indexes that are decoded together, and their bytes. */
  readonly packIndexes: number;
  readonly packBytes: number;
  /** Decodes whole packs; `run` says how many indexes of them are wanted. */
  decode(bytes: Uint8Array, run: IndexRun): void;
}
