import { type Hasher, portableHasher, readChunks, toHex } from "@sextant/bytes";
import { type Name, nameToText } from "./name.js";
import type { Directory, FileContent, TreeNode } from "./types.js";
import { linkedPaths, walkTree } from "./walk.js";

export interface DescribeOptions {
  /** For the digests of contents. Default: `portableHasher`; `nodeHasher` is faster and gives the same. */
  readonly hasher?: Hasher;
  /** Whether contents are read for their digests. Default true. */
  readonly content?: boolean;
}

/**
 * A tree as text, one line a path, for comparisons and goldens; equal trees give equal lines, whatever the order of their
 * entries. In a path and elsewhere a space is `\x20`, and what is not printable UTF-8 `\xNN`:
 *
 *     /usr/bin/su file mode=4755 owner=0:0 time=1700000000.000000000 links=1 size=3 sha256=…
 *
 * Further fields where they apply: `same=/first/path` for later names of a hard link (whose content is not told again),
 * `device=8:1`, `target=…`, and `xattr:NAME=0x…`.
 */
export async function* describeTree(root: Directory, options: DescribeOptions = {}): AsyncGenerator<string, void> {
  const { hasher = portableHasher, content = true } = options;
  const groups = linkedPaths(root);
  for (const { path, node } of walkTree(root)) {
    const group = groups.get(node);
    const first = group?.[0] ?? path;
    const fields = [showPath(path), node.kind, ...describeAttributes(node)];
    if (node.kind !== "directory") fields.push(`links=${group?.length ?? 1}`);
    if (first !== path) fields.push(`same=${showPath(first)}`);
    if (node.kind === "file") {
      fields.push(`size=${node.content.size}`);
      if (content && first === path) fields.push(`sha256=${toHex(await digest(node.content, hasher))}`);
    }
    if (node.kind === "symlink") fields.push(`target=${showName(node.target)}`);
    if (node.kind === "character-device" || node.kind === "block-device") {
      fields.push(`device=${node.major}:${node.minor}`);
    }
    for (const { name, value } of node.xattrs) fields.push(`xattr:${showName(name)}=0x${toHex(value)}`);
    yield fields.join(" ");
  }
}

function describeAttributes({ mode, uid, gid, mtimeSeconds, mtimeNanoseconds }: TreeNode): string[] {
  const nanoseconds = String(mtimeNanoseconds).padStart(9, "0");
  return [`mode=${mode.toString(8).padStart(4, "0")}`, `owner=${uid}:${gid}`, `time=${mtimeSeconds}.${nanoseconds}`];
}

const showName = (name: Name) => nameToText(name).replaceAll(" ", "\\x20");
const showPath = (path: Name) => `/${showName(path)}`;

async function digest(content: FileContent, hasher: Hasher): Promise<Uint8Array> {
  const state = hasher.create("sha256");
  for await (const bytes of readChunks(content.open())) state.update(bytes);
  return state.digest();
}
