import { readFile } from "node:fs/promises";
import { openArchive } from "@sextant/archive";
import { type Directory, union } from "@sextant/tree";
import { readDirectoryTree } from "@sextant/tree/node";
import { isDirectory } from "./images.js";
import { type Input, openInput } from "./sources.js";

/** A tree made of the user's sources, and the open files that its content comes from. */
export interface CollectedTree extends AsyncDisposable {
  readonly tree: Directory;
  /** What could not be read as it is, a sentence each. */
  readonly warnings: readonly string[];
}

export interface TreeOptions {
  readonly allRoot?: boolean | undefined;
  /** File of overrides. */
  readonly owners?: string | undefined;
}

/** Reads directories and archives in order; later ones add to and replace what earlier ones have. */
export async function collectTree(sources: readonly string[], options: TreeOptions): Promise<CollectedTree> {
  const inputs: Input[] = [];
  const close = async () => {
    for (const input of inputs) await input[Symbol.asyncDispose]();
  };
  try {
    const trees: Directory[] = [];
    const warnings: string[] = [];
    for (const where of sources) {
      const found = (await isDirectory(where)) ? readDirectoryTree(where) : await readArchive(where, inputs);
      trees.push(found.tree);
      warnings.push(...found.warnings.map((warning) => `${where}: ${warning}`));
    }
    const tree = await override(union(trees), options);
    return { tree, warnings, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}
