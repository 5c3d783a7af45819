import { nameToText } from "@sextant/tree";
import { extractTree } from "@sextant/tree/node";
import { exitCode, inputError } from "../errors.js";
import { type ReadingOptions, withImage } from "../images.js";
import { findNode } from "../nodes.js";
import { formatSize, print, printJson, warn } from "../output.js";
import { cleanUpOnSignals } from "../outputs.js";

interface ExtractOptions extends ReadingOptions {
  readonly output: string;
  readonly skipDevices?: boolean;
}

/** Most things left out that are told one by one. */
const maxWarnings = 20;

/** Unpacks an image, or what is below one of its directories, into a new or empty directory. */
export async function extract(where: string, path: string, options: ExtractOptions): Promise<number> {
  cleanUpOnSignals();
  return withImage(where, options, async ({ image }) => {
    const { node } = await findNode(await image.root(), path, where);
    if (node.kind !== "directory")
      throw inputError(path, `is a ${node.kind}, not a directory`, where, "sextant cat prints files");
    const report = await extractTree(node, options.output, options.skipDevices ? { devices: false } : {});
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
