import { equalBytes, readChunks } from "@sextant/bytes";
import type { Name } from "./name.js";
import type { Directory, FileContent, TreeNode, Xattr } from "./types.js";
import { checkDepth, joinPath, linkedPaths } from "./walk.js";

/** In what two nodes at one path can differ. `links`: the other names of the inode. */
export type DifferentField = "kind" | "mode" | "owner" | "mtime" | "xattrs" | "content" | "target" | "device" | "links";

/** A path at which two trees differ. */
export type Difference =
  /** Only the later tree has it. */
  | { readonly path: Name; readonly change: "added"; readonly after: TreeNode }
  /** Only the earlier tree has it. */
  | { readonly path: Name; readonly change: "removed"; readonly before: TreeNode }
  /** Both have it, and they differ in these fields; where the kind differs, nothing else is told. */
  | {
      readonly path: Name;
      readonly change: "changed";
      readonly fields: readonly DifferentField[];
      readonly before: TreeNode;
      readonly after: TreeNode;
    };

export interface DiffOptions {
  /** What makes no difference, for example `mtime`. Contents are not read where `content` is among them. */
  readonly ignore?: readonly DifferentField[];
}

/**
 * What changed from one tree to the other, in byte order, parents first; everything below a directory that came or went is
 * told too. Contents are compared by identity, then by size, and only then read, each pair once.
 */
export async function* diffTrees(
  before: Directory,
  after: Directory,
  options: DiffOptions = {},
): AsyncGenerator<Difference, void> {
  const ignored = new Set(options.ignore);
  const [linksBefore, linksAfter] = ignored.has("links") ? [] : [linkedPaths(before), linkedPaths(after)];
  const contents = contentComparer();

  const fieldsOf = async (left: TreeNode, right: TreeNode) => {
    if (left.kind !== right.kind && !ignored.has("kind")) return ["kind" as const];
    const fields = attributeFields(left, right);
    if (left.kind === "file" && right.kind === "file" && !ignored.has("content")) {
      if (!(await contents(left.content, right.content))) fields.push("content");
    }
    if (!equalPaths(linksBefore?.get(left), linksAfter?.get(right))) fields.push("links");
    return fields.filter((field) => !ignored.has(field));
  };

  async function* visit(
    left: TreeNode | undefined,
    right: TreeNode | undefined,
    path: Name,
    depth: number,
  ): AsyncGenerator<Difference, void> {
    checkDepth(depth, path);
    if (left === undefined && right) yield { path, change: "added", after: right };
    else if (right === undefined && left) yield { path, change: "removed", before: left };
    else if (left && right) {
      const fields = await fieldsOf(left, right);
      if (fields.length > 0) yield { path, change: "changed", fields, before: left, after: right };
    }
    const leftEntries = left?.kind === "directory" ? left.entries : none;
    const rightEntries = right?.kind === "directory" ? right.entries : none;
    const names = new Set([...leftEntries.keys(), ...rightEntries.keys()]);
    for (const name of [...names].sort()) {
      yield* visit(leftEntries.get(name), rightEntries.get(name), joinPath(path, name), depth + 1);
    }
  }
  yield* visit(before, after, "" as Name, 0);
}

const none: ReadonlyMap<Name, TreeNode> = new Map();

function attributeFields(left: TreeNode, right: TreeNode): DifferentField[] {
  const fields: DifferentField[] = [];
  if (left.mode !== right.mode) fields.push("mode");
  if (left.uid !== right.uid || left.gid !== right.gid) fields.push("owner");
  if (left.mtimeSeconds !== right.mtimeSeconds || left.mtimeNanoseconds !== right.mtimeNanoseconds)
    fields.push("mtime");
  if (!equalXattrs(left.xattrs, right.xattrs)) fields.push("xattrs");
  if (left.kind === "symlink" && right.kind === "symlink" && left.target !== right.target) fields.push("target");
  if ("major" in left && "major" in right && (left.major !== right.major || left.minor !== right.minor)) {
    fields.push("device");
  }
  return fields;
}

function equalXattrs(left: readonly Xattr[], right: readonly Xattr[]): boolean {
  return (
    left.length === right.length &&
    left.every(({ name, value }, i) => {
      const other = right[i];
      return other !== undefined && other.name === name && equalBytes(other.value, value);
    })
  );
}

function equalPaths(left: readonly Name[] | undefined, right: readonly Name[] | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return left.length === right.length && left.every((path, i) => path === right[i]);
}

/** Compares contents and remembers the pairs that had to be read: hard links bring the same pair again. */
function contentComparer(): (left: FileContent, right: FileContent) => Promise<boolean> {
  const known = new WeakMap<FileContent, WeakMap<FileContent, boolean>>();
  return async (left, right) => {
    if (left === right) return true;
    if (left.size !== right.size) return false;
    if (left.identity !== undefined && left.identity === right.identity) return true;
    const before = known.get(left)?.get(right);
    if (before !== undefined) return before;
    const equal = await equalContents(left, right);
    if (!known.has(left)) known.set(left, new WeakMap());
    known.get(left)?.set(right, equal);
    return equal;
  };
}

async function equalContents(left: FileContent, right: FileContent): Promise<boolean> {
  const others = readChunks(right.open());
  for await (const bytes of readChunks(left.open())) {
    const { value } = await others.next();
    if (value === undefined || !equalBytes(bytes, value)) return false;
  }
  return true;
}
