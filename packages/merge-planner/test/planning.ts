import { fromBytes } from "@sextant/bytes";
import { openImage, readExtension } from "@sextant/image";
import { type Directory, lazyTree } from "@sextant/tree";
import {
  type ImageEntry,
  type MergePlan,
  type OpenedExtension,
  type PlanInput,
  parseHierarchies,
  planMerge,
} from "../src/index.js";
import type { RandomHost } from "./random-hosts.js";

/** Opens what a host tree in memory holds. */
export async function openEntry(entry: ImageEntry, kind: "sysext" | "confext"): Promise<OpenedExtension> {
  const { name, type, node } = entry;
  const content = type === "raw" ? node.content() : undefined;
  if (content === undefined) return { facts: (await readExtension(node, { name, type, kind })).facts, tree: node };
  const image = await openImage(fromBytes(await content.open().read(0, content.size)));
  const tree = await image.root();
  const { facts } = await readExtension(tree, { name, type, kind });
  return { facts: { ...facts, dissectable: image.layout !== "archive" }, tree, partitions: undefined };
}

/** The plan for a host tree in memory. */
export function planTree(host: Directory, options: Partial<PlanInput> = {}): Promise<MergePlan> {
  const { kind = "sysext" } = options;
  return planMerge({
    root: lazyTree(host),
    openImage: (entry) => openEntry(entry, kind),
    architecture: "x86-64",
    ...options,
  });
}

/** The plan for a host of the differential test. */
export const planHost = (host: RandomHost) =>
  planTree(host.tree, {
    kind: host.kind,
    force: host.force,
    mutable: host.mutable,
    noexec: host.noexec,
    hierarchies: host.hierarchies === undefined ? undefined : parseHierarchies(host.hierarchies),
    overlayOptions: host.overlayOptions,
  });
