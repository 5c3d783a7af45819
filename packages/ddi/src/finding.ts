import { BytesError, CodedError } from "@sextant/bytes";
import type { Partition } from "./read.js";

/** One thing that is wrong or odd. */
export interface DdiFinding {
  /** `error`: the image is not what it claims, or cannot be trusted. `warning`: odd, but harmless. */
  readonly severity: "error" | "warning";
  /**
   * Stable name: a code of an error class, a `WarningCode`, a `RejectionReason` of the signature, or one of `backup-differs`,
   * `orphan`, `no-filesystem`, `not-covered`, `unsigned` and `unchecked-signature`.
   */
  readonly code: string;
  readonly message: string;
  readonly path?: string | undefined;
  /** Absolute offset in the image, in bytes. */
  readonly offset?: number | undefined;
}

/** Gathers what a check finds. */
export interface Findings {
  readonly list: readonly DdiFinding[];
  add(finding: DdiFinding): void;
  /** Something about a partition; `offset` counts from its first byte. */
  about(partition: Partition, code: string, message: string, offset?: number): void;
  /**
   * Runs a step; what it throws about the image becomes a finding, what it throws about the source goes on. `place` tells
   * where in the image an error's offset is.
   */
  attempt<T>(step: () => Promise<T>, place?: (offset: number) => number): Promise<T | undefined>;
}

export function newFindings(): Findings {
  const list: DdiFinding[] = [];
  return {
    list,
    add: (finding) => void list.push(finding),
    about(partition, code, message, offset = 0) {
      const path = `partitions[${partition.index}]`;
      list.push({ severity: "error", code, message, path, offset: partition.start + offset });
    },
    async attempt(step, place = (offset) => offset) {
      try {
        return await step();
      } catch (error) {
        if (!(error instanceof CodedError) || isSourceFailure(error)) throw error;
        const { path, offset } = error.context;
        const at = offset === undefined ? undefined : place(Number(offset));
        list.push({ severity: "error", code: error.code, message: error.message, path, offset: at });
        return undefined;
      }
    },
  };
}

/** A source that cannot be read says nothing about the image. */
function isSourceFailure(error: CodedError): boolean {
  return error instanceof BytesError && error.code !== "MALFORMED_TRUNCATED" && error.code !== "LIMIT_RANGE";
}
