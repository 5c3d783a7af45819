export { type ExtractOptions, extractTree } from "./node/extract.js";
export type { BegunContent, ContentWriter } from "./node/extract-contents.js";
export type { ExtractReport, Skipped, SkippedWhat } from "./node/extract-report.js";
export { lazyDirectory } from "./node/lazy-directory.js";
export { type ReadDirectory, type ReadDirectoryOptions, readDirectoryTree } from "./node/scan.js";
export type { TreeWarning } from "./node/warnings.js";
