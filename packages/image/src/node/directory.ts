import { lazyDirectory } from "@sextant/tree/node";
import type { OpenedImage } from "../open.js";

/** A directory of this machine as an image: what systemd calls a directory extension. Nothing vouches for it. */
export async function openDirectoryImage(path: string): Promise<OpenedImage> {
  const root = lazyDirectory(path);
  return {
    layout: "directory",
    format: "directory",
    sizeBytes: 0,
    ddi: undefined,
    filesystems: [],
    verified: undefined,
    root: async () => root,
    async [Symbol.asyncDispose]() {},
  };
}
