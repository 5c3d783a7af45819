import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { nodeHasher, openFile } from "@sextant/bytes/node";
import { allRoot, applyOverrides, type Directory, parseOverrides, union } from "@sextant/tree";
import { readDirectoryTree } from "@sextant/tree/node";
import { about } from "./errors.js";
import { isDirectory, openInput } from "./sources.js";

/** A tree made of the user's sources, and the open files that its content comes from. */
export interface CollectedTree extends AsyncDisposable {
  readonly tree: Directory;
  /** What could not be taken as it is, a sentence each. */
  readonly warnings: readonly string[];
}

/** A tree, and what could not be taken as it is. */
interface Found {
  readonly root: Directory;
  readonly warnings: readonly { readonly message: string }[];
}

export interface TreeOptions {
  readonly allRoot?: boolean | undefined;
  /** File of overrides. */
  readonly owners?: string | undefined;
}

/** Reads directories and archives in order; later ones add to and replace what earlier ones have. */
export async function collectTree(sources: readonly string[], options: TreeOptions): Promise<CollectedTree> {
  const open: AsyncDisposable[] = [];
  const close = async () => {
    for (const one of open.reverse()) await one[Symbol.asyncDispose]();
  };
  const warnings: string[] = [];
  try {
    const trees: Directory[] = [];
    for (const where of sources) {
      const found = await readSource(where, open);
      trees.push(found.root);
      warnings.push(...found.warnings.map(({ message }) => `${where}: ${message}`));
    }
    const tree = await override(union(trees), options, warnings);
    return { tree, warnings, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function override(tree: Directory, options: TreeOptions, warnings: string[]): Promise<Directory> {
  const owned = options.allRoot ? allRoot(tree) : tree;
  if (options.owners === undefined) return owned;
  const { owners } = options;
  const { root, unused } = await readFile(owners, "utf8")
    .then((text) => applyOverrides(owned, parseOverrides(text)))
    .catch((error: unknown) => {
      throw about(error, owners);
    });
  warnings.push(...unused.map(({ pattern }) => `${owners}: nothing in the tree fits ${pattern}`));
  return root;
}

async function readSource(where: string, open: AsyncDisposable[]): Promise<Found> {
  if (!(await isDirectory(where))) return readArchive(where, open);
  return existsSync(join(where, "oci-layout")) ? readImageLayout(where, open) : readDirectoryTree(where);
}

/** OCI's names of the architectures that Node runs on and that differ from Node's. */
const ociArchitectures: Readonly<Record<string, string>> = {
  x64: "amd64",
  ia32: "386",
  ppc64: "ppc64le",
  loong64: "loong64",
};

/** A container image in a directory; of several, the one for this machine. */
async function readImageLayout(where: string, open: AsyncDisposable[]): Promise<Found> {
  const { readOciLayout } = await import("@sextant/archive");
  const { nodeUnpackOptions } = await import("@sextant/archive/node");
  const openBlob = async (path: string) => {
    const file = join(where, path);
    if (!existsSync(file)) return undefined;
    const source = openFile(file);
    open.push(source);
    return source;
  };
  const architecture = ociArchitectures[process.arch] ?? process.arch;
  const image = await readOciLayout(openBlob, {
    ...nodeUnpackOptions,
    hasher: nodeHasher,
    parentSymlinks: "follow",
    architecture,
  }).catch((error: unknown) => {
    throw about(error, where);
  });
  open.push(image);
  return { root: image.tree, warnings: image.warnings };
}

/** Archives are rarer than directories, and their decoders are large: they are loaded when they are needed. */
async function readArchive(where: string, open: AsyncDisposable[]): Promise<Found> {
  const { openArchive } = await import("@sextant/archive");
  const { nodeUnpackOptions } = await import("@sextant/archive/node");
  const input = await openInput(where);
  open.push(input);
  const archive = await openArchive(input.source, { ...nodeUnpackOptions, parentSymlinks: "follow" });
  open.push(archive);
  return { root: archive.tree, warnings: archive.warnings };
}
