export {
  type Architecture,
  architectureFromNode,
  architectureFromUname,
  architectures,
  isArchitecture,
  nodeArchitectures,
  secondaryArchitectures,
  suggestArchitecture,
  unameArchitectures,
} from "./architecture.js";
export { ReleaseError, type ReleaseErrorCode } from "./errors.js";
export {
  type Consequence,
  consequences,
  type ImageFacts,
  type ImageForm,
  type ImageProblem,
  type ImageReason,
  type ImageVerdict,
  type JudgeInput,
  judgeImage,
} from "./judge.js";
export {
  defaultScopes,
  type ExtensionKind,
  extensionKinds,
  type KindTraits,
  kindTraits,
  type Scope,
  scopes,
} from "./kind.js";
export {
  type LintOptions,
  lintRelease,
  type ReleaseFinding,
  type ReleaseRule,
} from "./lint.js";
export { lintImageName } from "./lint-name.js";
export { findReleaseFile, type ReleaseEntry, type ReleaseLookup, type SkipReason, strictAttribute } from "./lookup.js";
export {
  judgeHost,
  type MatchInput,
  type MatchReason,
  type MatchRule,
  type MatchVerdict,
  matchExtension,
} from "./match.js";
export {
  baseImageName,
  type DiscoveredEntry,
  type ImageType,
  type InodeType,
  imageFromEntry,
  imageNameMaxBytes,
  imageNameProblem,
  isImageName,
  releaseFilePrefix,
} from "./names.js";
export {
  type ParseOptions,
  parseReleaseDocument,
  parseReleaseFile,
  type ReleaseAssignment,
  type ReleaseDocument,
  type ReleaseFields,
  releaseFileMaxBytes,
} from "./parse.js";
export {
  chooseOsRelease,
  type FileState,
  type HostKind,
  type HostReleaseChoice,
  initrdMarkerPath,
  osReleasePaths,
  releasePath,
  scopeOf,
  searchPaths,
} from "./places.js";
export { type FileName, parseBoolean } from "./text.js";
export { isUnitName } from "./units.js";
export { compareVersions, isVersion } from "./version.js";
export {
  type Picked,
  type PickFilter,
  type PickPattern,
  type PickResult,
  type PickVersionedOptions,
  pickEntry,
  pickPattern,
  pickVersioned,
  type VersionedEntry,
  type VersionedEntryType,
} from "./vpick.js";
export { encodeReleaseFields, type ReleaseSpec, type WrittenRelease, writeRelease } from "./write.js";
