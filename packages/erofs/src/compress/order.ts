import { type Directory, type Name, type RegularFile, walkTree } from "@sextant/tree";
import type { Content } from "./streams.js";

/** A range of a file as a trace of a boot gives it, or all of it. */
export interface ProfileEntry {
  /** From the root, without a leading slash. */
  readonly path: Name;
  /** First byte. Default 0. */
  readonly start?: number | undefined;
  /** After the last byte. Default the end of the file. */
  readonly end?: number | undefined;
}

/** In what order content stands in an image. */
export type Order = "usual" | "path" | "size";

/** Every file that has content, once, in byte order of the paths. */
export function contentsOf(tree: Directory): Content[] {
  const known = new Set<RegularFile>();
  const contents: Content[] = [];
  for (const { path, node } of walkTree(tree)) {
    if (node.kind !== "file" || node.content.size === 0 || known.has(node)) continue;
    known.add(node);
    contents.push({ file: node, path, size: node.content.size });
  }
  return contents;
}

/**
 * What a boot reads first comes first, and what is alike stands together, so that it compresses together: units and
 * configuration, then libraries, then programs, then everything else.
 */
const classes: readonly RegExp[] = [
  /^(usr\/lib|etc)\/extension-release\.d\/|^usr\/lib\/os-release$/,
  /^(usr\/lib|etc)\/(systemd|udev|tmpfiles\.d|sysusers\.d|modules-load\.d|sysctl\.d|dbus-1)\/|^usr\/share\/dbus-1\//,
  /^etc\//,
  /\.so(\.[0-9.]+)?$/,
  /^(usr\/(local\/)?)?(s?bin|libexec)\//,
];

function classOf(path: string): number {
  const found = classes.findIndex((pattern) => pattern.test(path));
  return found < 0 ? classes.length : found;
}

/** Puts files into an order; among equals that of their paths. */
export function sortContents(contents: readonly Content[], order: Order): Content[] {
  if (order === "path") return [...contents];
  const rank = new Map(contents.map((content) => [content, order === "size" ? content.size : classOf(content.path)]));
  // Sorting is stable.
  return [...contents].sort((a, b) => (rank.get(a) ?? 0) - (rank.get(b) ?? 0));
}
