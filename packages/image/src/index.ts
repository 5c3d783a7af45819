export { type ComposedTree, type ComposeOptions, composeExtension, hierarchies, newestTime } from "./compose.js";
export { ImageError, type ImageErrorCode } from "./errors.js";
export { type Host, hostFromOsRelease, hostFromProfile, hostFromRoot } from "./host.js";
export { type ImageName, imageNameOf } from "./name.js";
export { type ImageOptions, type MountedFilesystem, type OpenedImage, openImage, type Verified } from "./open.js";
export { type Extension, type ExtensionOptions, type ReleaseFile, readExtension } from "./release.js";
