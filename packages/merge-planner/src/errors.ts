import { CodedError } from "@sextant/bytes";

/** What keeps a plan from being made, other than what would keep the merge from working, which is a result. */
export type PlanErrorCode =
  /** A list of hierarchies has something that systemd would not take. */
  | "MALFORMED_HIERARCHIES"
  /** A directory has more entries, or a tree more levels, than any real one. */
  | "LIMIT_ENTRIES";

/** Thrown for input that no plan can be made of. */
export class PlanError extends CodedError<PlanErrorCode> {}
