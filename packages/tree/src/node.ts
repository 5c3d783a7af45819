export { lazyDirectory } from "./node/lazy-directory.js";
