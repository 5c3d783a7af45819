import { toHex } from "@sextant/bytes";
import { type Directory, type Name, nameToText, type TreeNode } from "@sextant/tree";
import { ErofsError } from "../errors.js";
import { encodeDevice } from "../inode.js";
import { gatherInodes } from "../plan-inodes.js";
import { modeTypes } from "../write-inode.js";
import { type FsVerityOptions, fsVerityDigest } from "./fs-verity.js";
import { inlineBytes } from "./layout.js";
import { type ComposefsEntry, type ComposefsNode, checkXattrs } from "./node.js";

/** Where a file's content is to be in the object store: named by its fs-verity digest, below the first byte of it. */
export function objectPath(digest: Uint8Array): Name {
  const hex = toHex(digest);
  return `${hex.slice(0, 2)}/${hex.slice(2)}` as Name;
}

type Content = Pick<ComposefsNode, "payload" | "content" | "digest">;
const noContent: Content = { payload: undefined, content: undefined, digest: undefined };

/**
 * The tree as `mkcomposefs DIRECTORY` sees it: content of up to 64 bytes goes into the image, larger content is named by
 * its digest and has to be put into the object store by somebody else. Hard links become inodes of their own, which share
 * an object. Reads every file once, one after another; of equal identities, one.
 *
 * Throws `ErofsError` with the path for what composefs cannot hold (`MALFORMED_TREE`, `LIMIT_…`), `MISMATCH_SIZE` where a
 * source does not have the size the tree says, and whatever the sources throw.
 */
export async function composefsTree(tree: Directory, options: FsVerityOptions = {}): Promise<ComposefsNode> {
  // Refuses what no image can hold, a directory in itself among it.
  gatherInodes(tree);
  const digests = new Map<unknown, Uint8Array>();

  const contentOf = async (node: TreeNode, path: string): Promise<Content> => {
    if (node.kind === "symlink") return { ...noContent, payload: node.target };
    if (node.kind !== "file" || node.content.size === 0) return noContent;
    const { content } = node;
    const key = content.identity ?? content;
    const known = content.size > inlineBytes ? digests.get(key) : undefined;
    if (known) return { ...noContent, payload: objectPath(known), digest: known };
    const source = content.open();
    if (source.size !== content.size) {
      const message = `the tree says ${content.size} bytes, the source has ${source.size}`;
      throw new ErofsError("MISMATCH_SIZE", message, { path });
    }
    if (content.size <= inlineBytes) return { ...noContent, content: (await source.read(0, source.size)).slice() };
    const digest = await fsVerityDigest(source, options);
    digests.set(key, digest);
    return { ...noContent, payload: objectPath(digest), digest };
  };

  const nodeOf = async (node: TreeNode, path: string): Promise<ComposefsNode> => {
    checkXattrs(node.xattrs, () => path || "/");
    const entries = node.kind === "directory" ? new Map<Name, ComposefsEntry>() : undefined;
    if (node.kind === "directory") {
      for (const [name, child] of node.entries) {
        entries?.set(name, { node: await nodeOf(child, `${path}/${nameToText(name)}`), isLink: false });
      }
    }
    const isDevice = node.kind === "character-device" || node.kind === "block-device";
    const { mode, uid, gid, mtimeSeconds, mtimeNanoseconds, xattrs } = node;
    return {
      mode: modeTypes[node.kind] + mode,
      nlink: 1,
      uid,
      gid,
      rdev: isDevice ? encodeDevice(node.major, node.minor) : 0,
      size: node.kind === "file" ? node.content.size : node.kind === "symlink" ? node.target.length : 0,
      mtimeSeconds,
      mtimeNanoseconds,
      ...(await contentOf(node, path)),
      xattrs,
      entries,
    };
  };
  return nodeOf(tree, "");
}
