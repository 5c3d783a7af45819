export { openDirectoryImage } from "./node/directory.js";
