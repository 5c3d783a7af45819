import type { LazyNode, Name } from "@sextant/tree";
import { nameFromText } from "@sextant/tree";
import { type Chased, chase } from "./chase.js";
import type { Fatal, MutableMode } from "./types.js";

/** Where the directories lie that take what is written to merged hierarchies. */
export const mutableFolder = "var/lib/extensions.mutable";

/** Where systemd keeps the writable part of ephemeral hierarchies, in its own mount namespace. */
const ephemeralFolder = "/run/systemd/sysext/mh_workspace";

/** What a mutable mode adds to one hierarchy. */
export interface Mutability {
  /** The directory that is a read-only layer below the metadata. */
  readonly imported: { readonly path: Name; readonly node: LazyNode } | undefined;
  readonly upper: Name | undefined;
  readonly work: Name | undefined;
  /** The upper directory is the host's own hierarchy, which then is no lower layer. */
  readonly hostIsUpper: boolean;
  readonly fatal: Fatal | undefined;
}

const none: Mutability = {
  imported: undefined,
  upper: undefined,
  work: undefined,
  hostIsUpper: false,
  fatal: undefined,
};

const failed = (message: string): Mutability => ({
  ...none,
  fatal: { stage: "mount", code: "fatal:mutable", image: null, message },
});

const octal = (mode: number) => `0${mode.toString(8)}`;

const absolute = (path: Name) => `/${path}` as Name;

/** `/usr/share` → `usr.share`: what stands for a hierarchy where a file name is needed. */
export const flatName = (hierarchy: string) => hierarchy.replace(/^\/+/, "").replaceAll("/", ".");

/** A hierarchy of the host, as it is before the merge. */
export interface HostHierarchy {
  readonly path: string;
  /** After symlinks, without leading slash. */
  readonly resolved: Name;
  readonly node: LazyNode | undefined;
  readonly mode: number;
}

/**
 * What `--mutable=` does to a hierarchy (sysext/sysext.c, resolve_mutable_directory and determine_upper_dir). The directory
 * may be a symlink, also to the hierarchy itself; its mode has to be the hierarchy's wherever it is to be written to.
 *
 * systemd 262 looks for that mode behind an absolute symlink outside of `--root`, on the machine that it runs on; here it is
 * the mode that the host will see when it runs itself.
 */
export async function mutability(root: LazyNode, host: HostHierarchy, mode: MutableMode): Promise<Mutability> {
  if (mode === "no") return none;
  const flat = flatName(host.path);
  const at = nameFromText(`${mutableFolder}/${flat}`);
  const work = (upper: string) => `${upper.slice(0, upper.lastIndexOf("/"))}/.systemd-${flat}-workdir` as Name;
  const ephemeral = { upper: nameFromText(`${ephemeralFolder}/${flat}/${flat}`) };
  if (mode === "ephemeral") return { ...none, ...ephemeral, work: work(ephemeral.upper) };

  const found = await chase(root, at);
  const problem = refusal(found, at);
  if (problem !== undefined) return failed(problem);
  const isHost = found.is === "found" && host.node !== undefined && found.path === host.resolved;
  if (mode === "import" || mode === "ephemeral-import") {
    if (isHost) return failed(`/${at} leads to ${host.path} itself, which cannot be imported into itself`);
    const upper = mode === "import" ? {} : { ...ephemeral, work: work(ephemeral.upper) };
    return {
      ...none,
      ...upper,
      imported: found.is === "found" ? { path: absolute(found.path), node: found.node } : undefined,
    };
  }
  if (found.is !== "found") {
    if (mode === "auto") return none;
    const upper = absolute(await madeAt(root, at));
    return { ...none, upper, work: work(upper) };
  }
  if ((found.node.mode & 0o777) !== host.mode) {
    return failed(`/${found.path} has mode ${octal(found.node.mode)}, and ${host.path} has ${octal(host.mode)}`);
  }
  if (found.node.kind !== "directory") return failed(`/${found.path} is no directory`);
  const upper = absolute(found.path);
  const scratch = await chase(root, work(upper));
  if (scratch.is === "found" && scratch.node.kind !== "directory") return failed(`${work(upper)} is no directory`);
  return { ...none, upper, work: work(upper), hostIsUpper: isHost };
}

function refusal(found: Chased, path: Name): string | undefined {
  if (found.is === "loop") return `/${path}: too many levels of symbolic links`;
  if (found.is === "not-a-directory") return `/${path}: the way leads through something that is no directory`;
  return undefined;
}

/** Where a directory is made that is missing: behind a dangling symlink, if there is one. */
export async function madeAt(root: LazyNode, path: Name): Promise<Name> {
  const trimmed = path.replace(/^\/+|\/+$/g, "") as Name;
  const cut = trimmed.lastIndexOf("/");
  const parent = await chase(root, trimmed.slice(0, Math.max(cut, 0)) as Name);
  if (parent.is !== "found" || parent.node.kind !== "directory") return trimmed;
  const name = trimmed.slice(cut + 1) as Name;
  const plain = (parent.path === "" ? name : `${parent.path}/${name}`) as Name;
  const node = await parent.node.lookup(name);
  if (node?.kind !== "symlink") return plain;
  const target = await node.readlink();
  // A chain of dangling links ends, as `chase` has found no loop in it.
  return madeAt(root, target.startsWith("/") || parent.path === "" ? target : (`${parent.path}/${target}` as Name));
}
