import { chmodSync, lchownSync, linkSync, mkdirSync, renameSync, symlinkSync, writeSync } from "node:fs";
import { open } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { type ByteSource, readChunks } from "@sextant/bytes";
import { peer, run } from "@sextant/peers";
import type { Attributes, Directory, Name, TreeNode } from "@sextant/tree";
import { toMachinePath } from "./flatten.js";
import { withTemporaryDirectory } from "./folders.js";
import { formatXattrs } from "./xattr-text.js";

/** A word of a shell script, byte for byte. */
const shellWord = (path: Name) => `'${path.replaceAll("'", "'\\''")}'`;

/** Seconds since 1970 as `touch --date=@…` takes them: a decimal fraction, which counts away from zero before 1970. */
export function touchTime({ mtimeSeconds, mtimeNanoseconds }: Attributes): string {
  const fraction = (nanoseconds: number) => String(nanoseconds).padStart(9, "0");
  if (mtimeSeconds >= 0 || mtimeNanoseconds === 0) return `@${mtimeSeconds}.${fraction(mtimeNanoseconds)}`;
  return `@-${-mtimeSeconds - 1}.${fraction(1_000_000_000 - mtimeNanoseconds)}`;
}

async function writeContent(place: Buffer, source: ByteSource): Promise<void> {
  const handle = await open(place, "wx");
  try {
    for await (const bytes of readChunks(source)) writeSync(handle.fd, bytes);
    await handle.truncate(source.size);
  } finally {
    await handle.close();
  }
}

/** A socket's path is bound in a short folder of its own, since socket addresses end at 107 bytes, and then moved. */
async function makeSocket(place: Buffer, folder: string): Promise<void> {
  const server = createServer();
  const bound = join(folder, "socket");
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(bound, resolve));
  renameSync(bound, place);
  await new Promise((resolve) => server.close(resolve));
}

interface Work {
  readonly folder: string;
  readonly scratch: string;
  /** Shell lines that make devices and fifos; file functions have no call for it. */
  readonly nodes: string[];
  readonly placed: Map<TreeNode, Name>;
}

async function make(work: Work, path: Name, node: TreeNode): Promise<void> {
  const place = toMachinePath(work.folder, path);
  switch (node.kind) {
    case "directory":
      mkdirSync(place, { recursive: path === "." });
      return;
    case "file":
      return writeContent(place, node.content.open());
    case "symlink":
      symlinkSync(Buffer.from(node.target, "latin1"), place);
      return;
    case "socket":
      return makeSocket(place, work.scratch);
    case "fifo":
      work.nodes.push(`mknod ${shellWord(path)} p\n`);
      return;
    default: {
      const letter = node.kind === "block-device" ? "b" : "c";
      work.nodes.push(`mknod ${shellWord(path)} ${letter} ${node.major} ${node.minor}\n`);
    }
  }
}

async function shell(folder: string, lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return;
  const script = Buffer.from(`set -e\n${lines.join("")}`, "latin1");
  const { exitCode, stderr } = await run(["sh"], { cwd: folder, input: script });
  if (exitCode !== 0) throw new Error(`making a tree in ${folder} failed: ${stderr}`);
}

/** Nodes of the same time share a `touch`. */
function touchLines(placed: Map<TreeNode, Name>): string[] {
  const byTime = new Map<string, Name[]>();
  for (const [node, path] of placed) {
    const time = touchTime(node);
    const group = byTime.get(time);
    if (group) group.push(path);
    else byTime.set(time, [path]);
  }
  const lines: string[] = [];
  for (const [time, paths] of byTime) {
    for (let i = 0; i < paths.length; i += 50) {
      const words = paths.slice(i, i + 50).map(shellWord);
      lines.push(`touch --no-create --no-dereference --date=${time} -- ${words.join(" ")}\n`);
    }
  }
  return lines;
}

async function setXattrs(folder: string, placed: Map<TreeNode, Name>): Promise<void> {
  const text = formatXattrs([...placed].map(([node, path]) => [path, node.xattrs] as const));
  if (text === "") return;
  const setfattr = peer("setfattr");
  if (setfattr === undefined) throw new Error("no setfattr on this machine (npm run peers)");
  const input = Buffer.from(text, "latin1");
  const { exitCode, stderr } = await setfattr.run(["--no-dereference", "--restore=-"], { cwd: folder, input });
  if (exitCode !== 0) throw new Error(`setfattr failed in ${folder}: ${stderr}`);
}

/**
 * Puts a tree on this machine's disk as it is: owners, modes, xattrs, devices, times to the nanosecond, hard links. For
 * the inputs of peers; needs root, and the peer `setfattr` where the tree has xattrs. `folder` may be there and empty.
 */
export async function treeToDirectory(tree: Directory, folder: string): Promise<void> {
  const placed = new Map<TreeNode, Name>();
  const links: [from: Name, to: Name][] = [];
  await withTemporaryDirectory(async (scratch) => {
    const work: Work = { folder, scratch, nodes: [], placed };
    const visit = async (path: Name, node: TreeNode): Promise<void> => {
      const first = placed.get(node);
      if (first !== undefined) {
        links.push([first, path]);
        return;
      }
      placed.set(node, path);
      await make(work, path, node);
      if (node.kind !== "directory") return;
      for (const [name, child] of node.entries) await visit(`${path}/${name}` as Name, child);
    };
    await visit("." as Name, tree);
    await shell(folder, work.nodes);
  });
  for (const [from, to] of links) linkSync(toMachinePath(folder, from), toMachinePath(folder, to));
  for (const [node, path] of placed) {
    const place = toMachinePath(folder, path);
    lchownSync(place, node.uid, node.gid);
    // A new owner takes set-uid bits away, so the mode comes second.
    if (node.kind !== "symlink") chmodSync(place, node.mode);
  }
  await setXattrs(folder, placed);
  await shell(folder, touchLines(placed));
}
