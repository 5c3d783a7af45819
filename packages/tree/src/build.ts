import type { ByteSource } from "@sextant/bytes";
import { fromBytes } from "@sextant/bytes";
import { TreeError } from "./errors.js";
import { type Name, nameToText } from "./name.js";
import type {
  Attributes,
  Device,
  Directory,
  FileContent,
  RegularFile,
  Special,
  Symlink,
  TreeNode,
  Xattr,
} from "./types.js";

/** A directory that is still being filled. */
export interface MutableDirectory extends Directory {
  readonly entries: Map<Name, TreeNode>;
}

const defaults: Attributes = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanoseconds: 0, xattrs: [] };

/** A directory; defaults: mode 0755, owner 0:0, time 0. */
export function directory(attributes: Partial<Attributes> = {}): MutableDirectory {
  return { ...defaults, mode: 0o755, ...attributes, kind: "directory", entries: new Map() };
}

/** A regular file of these bytes or this content; default mode 0644. */
export function file(content: Uint8Array | FileContent, attributes: Partial<Attributes> = {}): RegularFile {
  return {
    ...defaults,
    ...attributes,
    kind: "file",
    content: content instanceof Uint8Array ? { size: content.length, open: () => fromBytes(content) } : content,
  };
}

/** Content that is read from a byte source. */
export function contentOf(source: ByteSource, identity?: string): FileContent {
  return { size: source.size, identity, open: () => source };
}

/** A symlink; mode 0777, as Linux has it. */
export function symlink(target: Name, attributes: Partial<Attributes> = {}): Symlink {
  return { ...defaults, mode: 0o777, ...attributes, kind: "symlink", target };
}

/** A character or block device. */
export function device(
  kind: Device["kind"],
  major: number,
  minor: number,
  attributes: Partial<Attributes> = {},
): Device {
  return { ...defaults, ...attributes, kind, major, minor };
}

/** A fifo or socket. */
export function special(kind: Special["kind"], attributes: Partial<Attributes> = {}): Special {
  return { ...defaults, ...attributes, kind };
}

/** An overlayfs whiteout: the character device 0:0. */
export function whiteout(attributes: Partial<Attributes> = {}): Device {
  return device("character-device", 0, 0, { mode: 0, ...attributes });
}

/** Whether the node hides a name of the layers below (overlayfs: character device 0:0). */
export function isWhiteout(node: { readonly kind: string; readonly major?: number; readonly minor?: number }): boolean {
  return node.kind === "character-device" && node.major === 0 && node.minor === 0;
}

/** Xattrs in the order that trees keep them, a later value replacing an earlier one of the same name. */
export function sortXattrs(xattrs: Iterable<Xattr>): Xattr[] {
  const byName = new Map<Name, Xattr>();
  for (const xattr of xattrs) byName.set(xattr.name, xattr);
  return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Longest name that Linux directories take, in bytes (NAME_MAX). */
export const maxNameBytes = 255;

/** Deepest nesting of directories; a path of one-letter names fills Linux's PATH_MAX of 4096 bytes at that depth. */
export const maxDepth = 2048;

/**
 * Throws `TreeError` `MALFORMED_NAME` unless a directory can have an entry of this name. `where` goes into the error; as a
 * function it is asked only then, since showing a name costs more than checking it.
 */
export function checkName(name: Name, where?: string | (() => string)): void {
  const why =
    name === ""
      ? "is empty"
      : name === "." || name === ".."
        ? "is reserved"
        : name.includes("/")
          ? "has a slash"
          : name.includes("\0")
            ? "has a NUL byte"
            : name.length > maxNameBytes
              ? `is ${name.length} bytes long, more than ${maxNameBytes}`
              : undefined;
  if (why === undefined) return;
  const path = typeof where === "function" ? where() : where;
  throw new TreeError("MALFORMED_NAME", `the file name "${nameToText(name)}" ${why}`, { path });
}

/** The names on a path. Empty parts and `.` fall away; `..` and anything no directory can hold throws `TreeError`. */
export function splitPath(path: Name): Name[] {
  const parts: Name[] = [];
  for (const part of path.split("/") as Name[]) {
    if (part === "" || part === ".") continue;
    if (part === "..") {
      throw new TreeError("MISMATCH_ESCAPE", 'the path has a ".." in it', { path: nameToText(path) });
    }
    checkName(part, () => nameToText(path));
    parts.push(part);
  }
  return parts;
}
