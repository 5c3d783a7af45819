export { defaultPolicies, type PolicyPlace, policyFor, strictPolicies } from "./defaults.js";
export { PolicyError, type PolicyErrorCode } from "./errors.js";
export {
  type Allowed,
  allowedFor,
  allowPolicy,
  denyPolicy,
  type Flags,
  type FormatOptions,
  formatPolicy,
  type ImagePolicy,
  ignorePolicy,
  parsePolicy,
} from "./policy.js";
export {
  type Attribute,
  type Designator,
  designators,
  type Filesystem,
  type Flag,
  filesystems,
  type Use,
  uses,
} from "./words.js";
