import { nodeHasher } from "@sextant/bytes/node";
import { type PartitionArchitecture, partitionArchitecture } from "@sextant/ddi";
import type { ExtensionKind } from "@sextant/extension-release";
import { ImageError, type OpenedImage, openImage, readExtension } from "@sextant/image";
import type { ImageEntry, MountedPartition, OpenedExtension } from "@sextant/merge-planner";
import type { LazyNode } from "@sextant/tree";
import { nameToText } from "@sextant/tree";
import { inputError } from "./errors.js";

/** What the planner is told of an image in a host tree: directories as they are, files as what they hold. */
export async function openPlanned(
  entry: ImageEntry,
  kind: ExtensionKind,
  architecture: string,
): Promise<OpenedExtension> {
  const { name, type, node } = entry;
  if (type !== "raw") {
    // What a block device holds is not in the tree; a plan is made of files.
    const tree = type === "block" ? undefined : node;
    return { facts: await factsOf(tree, entry, kind), tree };
  }
  const image = await openFile(node, entry, architecture);
  const tree = await image.root();
  const { facts } = await readExtension(tree, { name, type, kind });
  const dissectable = image.layout !== "archive";
  return { facts: { ...facts, dissectable }, tree, partitions: partitionsOf(image), table: image.layout === "ddi" };
}

async function factsOf(tree: LazyNode | undefined, { name, type }: ImageEntry, kind: ExtensionKind) {
  if (tree !== undefined) return (await readExtension(tree, { name, type, kind })).facts;
  return { kind, type, lookups: {}, release: undefined, usrLibOsRelease: false, dissectable: false };
}

async function openFile(node: LazyNode, entry: ImageEntry, architecture: string): Promise<OpenedImage> {
  const native = partitionArchitecture(architecture);
  const options: { readonly architecture?: PartitionArchitecture } = native ? { architecture: native } : {};
  try {
    return await openImage(node.content().open(), { hasher: nodeHasher, ...options });
  } catch (error) {
    if (!(error instanceof ImageError) || error.code !== "UNSUPPORTED_FILESYSTEM") throw error;
    // systemd could mount it, so that nothing true could be said of it or of what lies below it.
    throw inputError(
      `/${nameToText(entry.path)}`,
      error.message,
      undefined,
      "take it out of the tree to plan the rest",
    );
  }
}

function partitionsOf(image: OpenedImage): readonly MountedPartition[] {
  return image.filesystems.map(({ at, set }) => ({
    designator: at === "/" ? "root" : "usr",
    filesystem: image.format,
    verity: set?.verity !== undefined,
    signed: set?.signature !== undefined,
  }));
}
