export {
  checkName,
  contentOf,
  device,
  directory,
  file,
  isWhiteout,
  type MutableDirectory,
  maxDepth,
  maxNameBytes,
  sortXattrs,
  special,
  splitPath,
  symlink,
  whiteout,
} from "./build.js";
export { type TreeBuilder, type TreeBuilderOptions, treeBuilder } from "./builder.js";
export { type DescribeOptions, describeTree } from "./describe.js";
export { type Difference, type DifferentField, type DiffOptions, diffTrees } from "./diff.js";
export { TreeError, type TreeErrorCode } from "./errors.js";
export { findExtents, holeBytes } from "./extents.js";
export { allRoot, clampTimes, filterTree, type PathSelection, selectPaths } from "./filter.js";
export { compileGlob, compileGlobs, type PathMatcher } from "./glob.js";
export { lazyTree } from "./lazy.js";
export { defaultMaxEntries, type LoadOptions, loadTree } from "./load.js";
export { mapTree, withAttributes, withNode } from "./map.js";
export {
  compareNames,
  type Name,
  nameFromBytes,
  nameFromEscaped,
  nameFromText,
  nameToBytes,
  nameToText,
} from "./name.js";
export { hidesName, isOpaque, mergeLayers, type OverlayOptions, squashLayers, withOpaque } from "./overlay.js";
export { applyOverrides, type Overridden } from "./override.js";
export { type Override, parseOverrides } from "./override-parse.js";
export { maxSymlinks, type Resolved, type ResolveOptions, resolvePath } from "./resolve.js";
export type {
  Attributes,
  Device,
  Directory,
  Extent,
  FileContent,
  LazyEntry,
  LazyNode,
  NodeKind,
  RegularFile,
  Special,
  Symlink,
  TreeNode,
  Xattr,
} from "./types.js";
export { union } from "./union.js";
export { countLinks, joinPath, linkedPaths, sortedEntries, type WalkEntry, walkTree } from "./walk.js";
