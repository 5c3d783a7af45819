export {
  checkName,
  contentOf,
  device,
  directory,
  file,
  isWhiteout,
  type MutableDirectory,
  maxNameBytes,
  sortXattrs,
  special,
  splitPath,
  symlink,
  whiteout,
} from "./build.js";
export { TreeError, type TreeErrorCode } from "./errors.js";
export {
  compareNames,
  type Name,
  nameFromBytes,
  nameFromEscaped,
  nameFromText,
  nameToBytes,
  nameToText,
} from "./name.js";
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
