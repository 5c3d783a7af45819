import { CodedError } from "@sextant/bytes";

export type PolicyErrorCode =
  /** An entry without `=`, or an empty one. */
  | "MALFORMED_ENTRY"
  /** A partition designator that there is not. */
  | "MALFORMED_DESIGNATOR"
  /** A flag that there is not, or an empty one. */
  | "MALFORMED_FLAG"
  /** A designator, or the default, twice. */
  | "MALFORMED_DUPLICATE";

/** A policy that systemd would refuse too. */
export class PolicyError extends CodedError<PolicyErrorCode> {}
