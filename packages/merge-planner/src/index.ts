export { type Chased, chase, chaseMax } from "./chase.js";
export { findCollisions } from "./collisions.js";
export { type DiscoverOptions, type Discovery, discoverImages } from "./discover.js";
export { PlanError, type PlanErrorCode } from "./errors.js";
export { defaultHierarchies } from "./hierarchies.js";
export { parseHierarchies } from "./hierarchy-list.js";
export { equalNames, layerOrder } from "./order.js";
export { planMerge } from "./plan.js";
export { type Finding, isWanted, type Rule, type RuleName, rules, type Severity, severities } from "./rules.js";
export {
  type Fatal,
  type FatalCode,
  type IgnoredEntry,
  type ImageEntry,
  type Layer,
  type MergePlan,
  type MountedPartition,
  type MutableMode,
  mutableModes,
  type OpenedExtension,
  type OpenImage,
  type PlanInput,
  type PlannedHierarchy,
  type PlannedImage,
  type Shadowed,
} from "./types.js";
