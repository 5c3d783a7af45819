import {
  type Directory,
  directory,
  file,
  type MutableDirectory,
  type Name,
  nameFromText,
  nameToText,
  type TreeNode,
  walkTree,
} from "@sextant/tree";

/** A name or path of ASCII text. */
export const n = (text: string): Name => nameFromText(text);

export const text = (value: string) => new TextEncoder().encode(value);

/** A file of this text. */
export const f = (content = "", attributes: Parameters<typeof file>[1] = {}) => file(text(content), attributes);

interface Shape {
  readonly [name: string]: TreeNode | Shape | string;
}

const isNode = (value: object): value is TreeNode =>
  "kind" in value && typeof value.kind === "string" && "xattrs" in value;

/** A tree from nested objects: a string is a file of that text, an object without `kind` a directory. */
export function tree(shape: Shape, attributes: Parameters<typeof directory>[0] = {}): MutableDirectory {
  const root = directory(attributes);
  for (const [name, value] of Object.entries(shape)) {
    const node = typeof value === "string" ? f(value) : isNode(value) ? value : tree(value);
    root.entries.set(nameFromText(name), node);
  }
  return root;
}

/** The paths of a tree, directories with a slash at the end, without the root. */
export function paths(root: Directory): string[] {
  return [...walkTree(root)]
    .slice(1)
    .map(({ path, node }) => nameToText(path) + (node.kind === "directory" ? "/" : ""));
}

/** The error that `work` throws or rejects with; fails where there is none. */
export async function errorOf(work: () => unknown): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

/** All that an async iterable gives. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
