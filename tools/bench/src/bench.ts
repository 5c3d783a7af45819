import type { Measured } from "./measure.js";

/** What a bench may use, and how much it shall do. */
export interface Context {
  /** Root of the repository. */
  readonly root: string;
  /** A folder in memory where there is one: corpora and what commands write. */
  readonly folder: string;
  /** Fewer runs and smaller inputs. */
  readonly short: boolean;
  /** Runs of each command; benches of long commands use fewer. */
  readonly runs: number;
  /** What stands before the arguments of `sextant`: the built command under the Node that runs this. */
  readonly sextant: readonly string[];
}

/** One line of the table: ours beside the peer's. */
export interface Comparison {
  readonly title: string;
  readonly ours: Measured;
  readonly peer?: Measured | undefined;
  /** The figure, in words; nothing fails on it. */
  readonly goal?: string | undefined;
  /** Other numbers that belong to the line, such as requests and bytes. */
  readonly notes?: readonly string[];
}

export interface Bench {
  readonly name: string;
  readonly about: string;
  /** All at once, or one by one where each takes its time. */
  run(context: Context): Promise<readonly Comparison[]> | AsyncIterable<Comparison>;
}
