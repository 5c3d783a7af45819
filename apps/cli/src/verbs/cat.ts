import { once } from "node:events";
import { readChunks } from "@sextant/bytes";
import type { LazyNode } from "@sextant/tree";
import { exitCode, inputError } from "../errors.js";
import { type ReadingOptions, withImage } from "../images.js";
import { findNode } from "../nodes.js";

/** Prints files one after another. */
export async function cat(where: string, paths: readonly string[], options: ReadingOptions): Promise<number> {
  return withImage(where, options, async ({ image }) => {
    const root = await image.root();
    const nodes: LazyNode[] = [];
    // All are found before the first byte is printed, so that a typing error gives no half output.
    for (const path of paths) {
      const { node } = await findNode(root, path, where);
      if (node.kind !== "file") throw inputError(path, `is a ${node.kind}, not a file`, where);
      nodes.push(node);
    }
    for (const node of nodes) {
      for await (const bytes of readChunks(node.content().open())) {
        if (!process.stdout.write(bytes)) await once(process.stdout, "drain");
      }
    }
    return exitCode.done;
  });
}
