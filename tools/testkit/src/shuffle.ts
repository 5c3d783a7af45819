import type { Directory, TreeNode } from "@sextant/tree";
import { type SeededRandom, seededRandom } from "./random.js";

function shuffleDirectory(source: Directory, random: SeededRandom, copies: Map<TreeNode, TreeNode>): Directory {
  const entries = random
    .shuffled(source.entries)
    .map(([name, node]) => [name, shuffleNode(node, random, copies)] as const);
  return { ...source, entries: new Map(entries) };
}

function shuffleNode(node: TreeNode, random: SeededRandom, copies: Map<TreeNode, TreeNode>): TreeNode {
  const known = copies.get(node);
  if (known) return known;
  const copy = node.kind === "directory" ? shuffleDirectory(node, random, copies) : { ...node };
  copies.set(node, copy);
  return copy;
}

/** The same tree with its directories filled in another order; hard links stay hard links. The seed decides the order. */
export function shuffleTree(tree: Directory, seed: number): Directory {
  return shuffleDirectory(tree, seededRandom(seed), new Map());
}
