export type { TreeOptions } from "./arbitrary-attributes.js";
export { arbitraryName } from "./arbitrary-attributes.js";
export { arbitraryTree } from "./arbitrary-tree.js";
export { type BrowserPage, type ChromiumOptions, withChromium } from "./browser.js";
export { type CompareField, type CompareOptions, compareTrees, compareTreeWithDirectory } from "./compare.js";
export {
  corpusPath,
  repositoryPath,
  type TemporaryDirectory,
  temporaryDirectory,
  withTemporaryDirectory,
} from "./folders.js";
export { treeToDirectory } from "./materialise.js";
export { type Mutation, type MutationOptions, mutations } from "./mutate.js";
export { type SeededRandom, seededRandom } from "./random.js";
export { type LoggedRequest, type RangeFaults, type RangeServer, rangeServer } from "./range-server.js";
export { discoveryCases, matchCases, orderCases } from "./recorded-cases.js";
export { discoveryHost, type MakeImage, matchHost, orderHost, type TreeFiller, treeOf } from "./recorded-hosts.js";
export { shuffleTree } from "./shuffle.js";
export { parseXattrs } from "./xattr-text.js";
