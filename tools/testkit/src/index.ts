export type { TreeOptions } from "./arbitrary-attributes.js";
export { arbitraryName } from "./arbitrary-attributes.js";
export { arbitraryTree } from "./arbitrary-tree.js";
export { dumpTree } from "./dump-tree.js";
export {
  corpusPath,
  repositoryPath,
  type TemporaryDirectory,
  temporaryDirectory,
  withTemporaryDirectory,
} from "./folders.js";
export { type Mutation, type MutationOptions, mutations } from "./mutate.js";
export { type SeededRandom, seededRandom } from "./random.js";
export { shuffleTree } from "./shuffle.js";
