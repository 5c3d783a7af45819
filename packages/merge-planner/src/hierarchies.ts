import type { ExtensionKind } from "@sextant/extension-release";
import { type LazyNode, type Name, nameFromText, nameToText } from "@sextant/tree";
import { chase } from "./chase.js";
import { type HostHierarchy, type Mutability, madeAt, mutability } from "./mutable.js";
import { breaksOptions, mountFlags, mountOptions, mutableOverlayOptions, optionProblem } from "./options.js";
import type { Fatal, FatalCode, Layer, MutableMode, PlannedHierarchy, PlannedImage } from "./types.js";

/** What each class merges. */
export const defaultHierarchies: Readonly<Record<ExtensionKind, readonly string[]>> = {
  sysext: ["/usr", "/opt"],
  confext: ["/etc"],
};

/** Where systemd mounts extensions and its metadata while it merges, both classes alike. */
const workspace = "/run/systemd/sysext";

/** Where it mounts one of them; names of images are text, paths are bytes. */
const mountPoint = (kind: ExtensionKind, name: string) =>
  nameFromText(`${workspace}/${kind === "sysext" ? "extensions" : "confexts"}/${name}`);

/** What hierarchies are planned from. */
export interface HierarchyInput {
  readonly root: LazyNode;
  readonly kind: ExtensionKind;
  /** Those that are merged, the lowest layer first. */
  readonly extensions: readonly PlannedImage[];
  readonly hierarchies: readonly string[];
  readonly mutable: MutableMode;
  readonly noexec: boolean | undefined;
  readonly overlayOptions: string | undefined;
}

/** The mounts, and the first thing that would make one of them fail. */
export interface Hierarchies {
  readonly mounts: readonly PlannedHierarchy[];
  readonly fatal: Fatal | undefined;
}

/** A merge stops at the first thing that goes wrong. */
class Stop extends Error {
  constructor(readonly fatal: Fatal) {
    super(fatal.message);
  }
}

const stop = (code: FatalCode, image: string | null, message: string): never => {
  throw new Stop({ stage: "mount", code, image, message });
};

/**
 * The overlays of a merge (sysext/sysext.c, merge_hierarchy): an extension is a layer of the hierarchies that it has and
 * that are not empty; a hierarchy that no extension touches is left alone unless it is to be mutable.
 */
export async function planHierarchies(input: HierarchyInput): Promise<Hierarchies> {
  const mounts: PlannedHierarchy[] = [];
  let fatal: Fatal | undefined;
  for (const path of input.hierarchies) {
    try {
      const mount = await planHierarchy(input, path);
      if (mount === undefined) continue;
      await refuseUnmakable(input, mount, mounts);
      mounts.push(mount);
    } catch (error) {
      if (!(error instanceof Stop)) throw error;
      fatal ??= error.fatal;
    }
  }
  return { mounts, fatal };
}

async function planHierarchy(input: HierarchyInput, path: string): Promise<PlannedHierarchy | undefined> {
  const host = await hostHierarchy(input.root, path);
  const extensions = await contributors(input, path);
  if (extensions.length === 0 && input.mutable === "no") return undefined;
  const mutable = await mutability(input.root, host, input.mutable);
  if (mutable.fatal !== undefined) throw new Stop(mutable.fatal);
  const layers: Layer[] = [
    { is: "meta", name: undefined, node: undefined, path: nameFromText(`${workspace}/meta${path}`) },
  ];
  if (mutable.imported !== undefined) {
    if (mutable.imported.node.kind !== "directory") {
      stop("fatal:mutable", null, `${nameToText(mutable.imported.path)} is no directory`);
    }
    layers.push({ is: "import", name: undefined, ...mutable.imported });
  }
  layers.push(...extensions);
  const hostPath = `/${host.resolved}` as Name;
  if (!mutable.hostIsUpper && host.node !== undefined && (await isUsable(host.node, path))) {
    layers.push({ is: "host", name: undefined, node: host.node, path: hostPath });
  }
  return mount(input, path, host, layers, mutable);
}

function mount(
  input: HierarchyInput,
  path: string,
  host: HostHierarchy,
  layers: readonly Layer[],
  mutable: Mutability,
): PlannedHierarchy {
  const { upper, work } = mutable;
  const writable = upper !== undefined;
  if (layers.length === 1 && !writable) {
    stop("fatal:mutable", null, `${path} is empty and nothing is there to be merged: an overlay needs two layers`);
  }
  for (const { name, path: lower } of layers) {
    if (!breaksOptions(lower)) continue;
    const message = `${nameToText(lower)} has a character that overlay options cannot hold (, : \\ " ')`;
    stop("fatal:name", name ?? null, message);
  }
  for (const other of [upper, work]) {
    if (other !== undefined && breaksOptions(other)) {
      stop("fatal:mutable", null, `${nameToText(other)} has a character that overlay options cannot hold`);
    }
  }
  refuseOverlaps(input, host, layers, upper);
  const extra = input.overlayOptions ?? (writable ? mutableOverlayOptions : "");
  const problem = optionProblem(extra);
  if (problem !== undefined) stop("fatal:options", null, `overlayfs ${problem}`);
  const { kind, noexec } = input;
  return {
    path,
    target: `/${host.resolved}` as Name,
    layers,
    flags: mountFlags({ kind, writable, noexec, extra }),
    options: mountOptions(
      layers.map((layer) => layer.path),
      upper,
      work,
      extra,
    ),
    upper,
    work,
    mode: host.mode,
  };
}

async function hostHierarchy(root: LazyNode, path: string): Promise<HostHierarchy> {
  const found = await chase(root, nameFromText(path));
  if (found.is === "loop") stop("fatal:hierarchy", null, `${path} of the host: too many levels of symbolic links`);
  if (found.is === "not-a-directory")
    stop("fatal:hierarchy", null, `${path} of the host is below something that is no directory`);
  if (found.is !== "found") {
    return { path, resolved: await madeAt(root, nameFromText(path.slice(1))), node: undefined, mode: 0o755 };
  }
  return { path, resolved: found.path, node: found.node, mode: found.node.mode & 0o777 };
}

/** Whether a directory is there and not empty; something else in its place makes systemd fail. */
async function isUsable(node: LazyNode, path: string): Promise<boolean> {
  if (node.kind !== "directory") stop("fatal:hierarchy", null, `${path} is no directory`);
  return (await node.entries()).length > 0;
}

/** The layers that extensions add to a hierarchy, the top first. */
async function contributors({ extensions, kind }: HierarchyInput, path: string): Promise<readonly Layer[]> {
  const layers: Layer[] = [];
  for (const { name, tree } of extensions) {
    if (tree === undefined) continue;
    const found = await chase(tree, nameFromText(path));
    if (found.is === "missing") continue;
    if (found.is !== "found" || found.node.kind !== "directory") {
      stop(
        "fatal:hierarchy",
        name,
        `${path} of ${name} is ${found.is === "loop" ? "a loop of symlinks" : "no directory"}`,
      );
      continue;
    }
    if ((await found.node.entries()).length === 0) continue;
    const below = found.path === "" ? "" : `/${found.path}`;
    const lower = `${mountPoint(kind, name)}${below}` as Name;
    layers.push({ is: "extension", name, node: found.node, path: lower });
  }
  return layers.reverse();
}

/** Whether one path is the other or above it. */
const contains = (above: string, below: string) => above === below || below.startsWith(above === "" ? "" : `${above}/`);

/**
 * overlayfs refuses layers of which one is the other or is inside of it (ELOOP; fs/overlayfs/super.c,
 * ovl_check_overlapping_layers), and an upper directory that has a lower one inside. Only directories of the host's own
 * tree can be; images have filesystems of their own.
 */
function refuseOverlaps(
  input: HierarchyInput,
  host: HostHierarchy,
  layers: readonly Layer[],
  upper: Name | undefined,
): void {
  const places: { readonly layer: Layer; readonly at: string }[] = [];
  for (const layer of layers) {
    if (layer.is === "host") places.push({ layer, at: host.resolved });
    if (layer.is === "import") places.push({ layer, at: layer.path.slice(1) });
    const image = layer.is === "extension" ? input.extensions.find(({ name }) => name === layer.name) : undefined;
    if (image === undefined || image.type === "raw" || image.type === "block") continue;
    const below = layer.path.slice(mountPoint(input.kind, image.name).length);
    places.push({ layer, at: `${image.path}${below}` });
  }
  for (const [i, one] of places.entries()) {
    if (upper !== undefined && contains(upper.slice(1), one.at)) {
      const message = `/${one.at} would be a layer of ${host.path}, and lies in its writable directory ${nameToText(upper)}`;
      stop("fatal:mutable", one.layer.name ?? null, message);
    }
    for (const other of places.slice(i + 1)) {
      if (!contains(one.at, other.at) && !contains(other.at, one.at)) continue;
      const message = `/${one.at} and /${other.at} would both be layers of ${host.path}, and one is in the other`;
      const imported = one.layer.is === "import" || other.layer.is === "import";
      stop(imported ? "fatal:mutable" : "fatal:symlink-loop", one.layer.name ?? other.layer.name ?? null, message);
    }
  }
}

/**
 * A hierarchy that the host lacks is made when it is its turn to be mounted, which cannot be done in one that is mounted
 * already and cannot be written to; unless something merged there brings the directory.
 */
async function refuseUnmakable(
  { root }: HierarchyInput,
  { path, target }: PlannedHierarchy,
  earlier: readonly PlannedHierarchy[],
): Promise<void> {
  if ((await chase(root, target)).is === "found") return;
  const around = earlier.findLast((mount) => contains(mount.target, target));
  if (around === undefined || around.upper !== undefined) return;
  const rest = target.slice(around.target.length) as Name;
  for (const { node } of around.layers) {
    if (node !== undefined && (await chase(node, rest)).is === "found") return;
  }
  stop(
    "fatal:hierarchy",
    null,
    `${path} is not there, and cannot be made in ${around.path}, which is merged and read-only`,
  );
}
