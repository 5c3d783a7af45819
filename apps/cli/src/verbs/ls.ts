import { type LazyEntry, type LazyNode, type Name, nameToText } from "@sextant/tree";
import { exitCode, inputError } from "../errors.js";
import { type ReadingOptions, withImage } from "../images.js";
import { findNode, formatMode, formatTime } from "../nodes.js";
import { formatTable, print, printJson } from "../output.js";

interface LsOptions extends ReadingOptions {
  readonly long?: boolean;
  readonly recursive?: boolean;
}

/** Deepest directory that is listed: PATH_MAX / 2. */
const maxDepth = 2048;

/** Lists a directory, or names a single file. */
export async function ls(where: string, path: string, options: LsOptions): Promise<number> {
  return withImage(where, options, async ({ image }) => {
    const { node, path: found } = await findNode(await image.root(), path, where);
    const listed = options.recursive ? walk(node, found) : shallow(node, found);
    const detailed = options.long === true || options.json === true;
    const rows: (readonly string[])[] = [];
    const entries: object[] = [];
    for await (const item of listed) {
      const at = detailed ? await item.node() : undefined;
      if (options.json && at) entries.push(await describeNode(item.path, at));
      else if (at) rows.push(await longRow(item.path, at));
      else print(nameToText(item.path));
    }
    if (options.json) printJson({ version: 1, image: where, entries });
    for (const line of formatTable(rows, " ")) print(line);
    return exitCode.done;
  });
}

interface Item {
  readonly path: Name;
  node(): Promise<LazyNode>;
}

const joined = (parent: Name, name: Name) => (parent === "" ? name : `${parent}/${name}`) as Name;

async function* shallow(node: LazyNode, path: Name): AsyncGenerator<Item> {
  if (node.kind !== "directory") {
    yield { path, node: async () => node };
    return;
  }
  for (const entry of await node.entries()) yield { path: entry.name, node: () => entry.node() };
}

async function* walk(node: LazyNode, path: Name): AsyncGenerator<Item> {
  if (node.kind !== "directory") return yield { path, node: async () => node };
  const pending: { readonly entry: LazyEntry; readonly parent: Name; readonly depth: number }[] = [];
  const push = async (directory: LazyNode, parent: Name, depth: number) => {
    const entries = await directory.entries();
    for (const entry of [...entries].reverse()) pending.push({ entry, parent, depth });
  };
  await push(node, path, 1);
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { entry, parent, depth } = next;
    const here = joined(parent, entry.name);
    yield { path: here, node: () => entry.node() };
    if (entry.kind !== "directory") continue;
    if (depth >= maxDepth) throw inputError(nameToText(here), `directories are nested deeper than ${maxDepth}`);
    await push(await entry.node(), here, depth + 1);
  }
}

async function longRow(path: Name, node: LazyNode): Promise<readonly string[]> {
  const size = node.device ? `${node.device.major},${node.device.minor}` : String(node.size);
  const target = node.kind === "symlink" ? ` -> ${nameToText(await node.readlink())}` : "";
  const owner = `${node.uid}:${node.gid}`;
  return [
    formatMode(node),
    String(node.nlink),
    owner,
    size.padStart(10),
    formatTime(node.mtimeSeconds),
    nameToText(path) + target,
  ];
}

async function describeNode(path: Name, node: LazyNode): Promise<object> {
  return {
    path: nameToText(path),
    kind: node.kind,
    mode: node.mode.toString(8).padStart(4, "0"),
    uid: node.uid,
    gid: node.gid,
    size: node.size,
    nlink: node.nlink,
    inode: node.id,
    mtime: { seconds: node.mtimeSeconds, nanoseconds: node.mtimeNanoseconds },
    ...(node.kind === "symlink" && { target: nameToText(await node.readlink()) }),
    ...(node.device && { device: node.device }),
    xattrs: (await node.xattrs()).map(({ name, value }) => ({ name: nameToText(name), value })),
  };
}
