import type { FileContent } from "@sextant/tree";
import type { Inode } from "./inode.js";
import type { Volume } from "./volume.js";

/** The inode that a content of a tree belongs to. */
export interface ContentOrigin {
  readonly volume: Volume;
  readonly inode: Inode;
}

// For who can get at bytes in a better way than through `open()`. Symbols, because copies of an object keep them: images in
// partitions and trees that are put together are such copies.
const contentKey = Symbol("content of an EROFS image");
const imageKey = Symbol("volume of an EROFS image");

/** What a content has besides that is seen: where it comes from. */
export const withOrigin = (origin: ContentOrigin) => ({ [contentKey]: origin });

/** Where a content comes from, if it is that of an EROFS image. */
export function originOf(content: FileContent): ContentOrigin | undefined {
  return (content as { readonly [contentKey]?: ContentOrigin })[contentKey];
}

/** What an image has besides that is seen: what it is made of. */
export const withVolume = (volume: Volume) => ({ [imageKey]: volume });

/** What an image is made of; undefined where `open` did not make it. */
export function volumeOf(image: object): Volume | undefined {
  return (image as { readonly [imageKey]?: Volume })[imageKey];
}
