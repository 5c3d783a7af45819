import { toHex } from "@sextant/bytes";
import { compareNames, type Directory, nameToText, type TreeNode } from "@sextant/tree";

function details(node: TreeNode): string {
  switch (node.kind) {
    case "file":
      return ` ${node.content.size} bytes`;
    case "symlink":
      return ` -> ${nameToText(node.target)}`;
    case "character-device":
    case "block-device":
      return ` ${node.major}:${node.minor}`;
    default:
      return "";
  }
}

function line(path: string, node: TreeNode, link: string): string {
  const time = `${node.mtimeSeconds}.${String(node.mtimeNanoseconds).padStart(9, "0")}`;
  const mode = node.mode.toString(8).padStart(4, "0");
  const xattrs = node.xattrs.map(({ name, value }) => `\n    ${nameToText(name)}=0x${toHex(value)}`).join("");
  return `${path} ${node.kind} ${mode} ${node.uid}:${node.gid} ${time}${details(node)}${link}${xattrs}\n`;
}

/** A tree as text, a node a line in byte order, for failure messages and goldens. Hard links name the first of them. */
export function dumpTree(tree: Directory): string {
  const first = new Map<TreeNode, string>();
  let text = "";
  const visit = (path: string, node: TreeNode) => {
    const known = first.get(node);
    text += line(path, node, known === undefined ? "" : ` = ${known}`);
    if (known === undefined) first.set(node, path);
    if (node.kind !== "directory") return;
    const entries = [...node.entries].sort(([a], [b]) => compareNames(a, b));
    for (const [name, child] of entries) visit(`${path === "/" ? "" : path}/${nameToText(name)}`, child);
  };
  visit("/", tree);
  return text;
}
