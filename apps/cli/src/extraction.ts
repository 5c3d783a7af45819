import type { Worker } from "node:worker_threads";
import type { ImageContentWriter } from "@sextant/erofs/node";
import type { OpenedImage } from "@sextant/image";
import { nameToText } from "@sextant/tree";
import { extractTree } from "@sextant/tree/node";
import { exitCode, inputError } from "./errors.js";
import { type ReadingOptions, withImage } from "./images.js";
import { findNode } from "./nodes.js";
import { formatSize, print, printJson, warn } from "./output.js";
import { cleanUpOnSignals } from "./outputs.js";
import type { Input } from "./sources.js";

export interface ExtractOptions extends ReadingOptions {
  readonly output: string;
  readonly skipDevices?: boolean;
}

/** Most things left out that are told one by one. */
const maxWarnings = 20;

/**
 * Unpacks an image, or what is below one of its directories, into a new or empty directory. `started` are workers of
 * `@sextant/erofs` that may be made use of.
 */
export async function extractImage(
  where: string,
  path: string,
  options: ExtractOptions,
  started: readonly Worker[],
): Promise<number> {
  cleanUpOnSignals();
  return withImage(where, options, async ({ image, input }) => {
    const { node } = await findNode(await image.root(), path, where);
    if (node.kind !== "directory")
      throw inputError(path, `is a ${node.kind}, not a directory`, where, "sextant cat prints files");
    await using contents = await contentsOf(image, input, started);
    const report = await extractTree(node, options.output, {
      ...(options.skipDevices && { devices: false }),
      ...(contents && { contents }),
    });
    if (contents) input?.countMore?.(contents.reads);
    const { skipped, skippedCount, ...made } = report;
    for (const { path: at, what, why } of skipped.slice(0, maxWarnings)) {
      warn(`${nameToText(at) || "/"}: left out the ${what}: ${why}`);
    }
    if (skippedCount > maxWarnings) warn(`left out ${skippedCount} things in all`);
    if (options.json) {
      const leftOut = skipped.map(({ path: at, what, why }) => ({ path: nameToText(at), what, why }));
      printJson({ version: 1, image: where, directory: options.output, ...made, leftOut, leftOutCount: skippedCount });
    } else {
      const { directories, files, symlinks, specials, links, bytes } = made;
      const counts = `${directories} directories, ${files} files, ${symlinks} symlinks, ${links} further links, ${specials} others`;
      print(`${options.output}: ${counts}, ${formatSize(bytes)}`);
    }
    return exitCode.done;
  });
}

/** What writes contents in several threads, for images that are files; what is verified is read through what verifies. */
async function contentsOf(
  image: OpenedImage,
  input: Input | undefined,
  started: readonly Worker[],
): Promise<ImageContentWriter | undefined> {
  const { filesystems } = image;
  const path = input?.path;
  if (path === undefined || filesystems.length === 0 || filesystems.some(({ verified }) => verified)) return undefined;
  const { contentWriter } = await import("@sextant/erofs/node");
  const files = filesystems.map(({ erofs, set }) => ({ image: erofs, path, start: set?.data.start ?? 0 }));
  return contentWriter(files, { started });
}
