import { concatBytes } from "@sextant/bytes";
import { type Name, nameToBytes, nameToText, type Xattr } from "@sextant/tree";
import { ErofsError } from "../errors.js";
import { modeType } from "../layout.js";
import { metacopyHead, overlayXattrs } from "./layout.js";
import { type ComposefsNode, checkXattrs, typeOf } from "./node.js";

/** An inode of the image: what overlayfs must find there for the tree to be seen through it. */
export interface OverlayNode extends Omit<ComposefsNode, "entries"> {
  /** The directory that it stands in; undefined for the root. */
  readonly parent: OverlayNode | undefined;
  readonly name: Name;
  /** Of a directory: `.` and `..` included, in byte order. */
  readonly entries: readonly OverlayEntry[] | undefined;
}

/** An entry of a directory of the image. */
export interface OverlayEntry {
  readonly name: Name;
  readonly node: OverlayNode;
}

/** The path of an inode, for messages. */
export function pathOf(node: OverlayNode): string {
  const names: string[] = [];
  for (let at: OverlayNode | undefined = node; at?.parent; at = at.parent) names.unshift(nameToText(at.name));
  return `/${names.join("/")}`;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** An inode in the making. */
interface Draft extends Mutable<Omit<OverlayNode, "parent" | "entries">> {
  readonly source: ComposefsNode;
  readonly parent: Draft | undefined;
  readonly attributes: Map<Name, Uint8Array>;
  entries: DraftEntry[] | undefined;
}

interface DraftEntry {
  readonly name: Name;
  node: Draft;
}

/** A name whose inode may be met later. */
interface PendingLink {
  readonly entry: DraftEntry;
  readonly target: ComposefsNode;
}

const isWhiteout = (node: { readonly mode: number; readonly rdev: number }) =>
  typeOf(node) === modeType.characterDevice && node.rdev === 0;

/** Whether the tree has whiteouts of its own, which layout version 1 is for. */
export function hasWhiteouts(root: ComposefsNode): boolean {
  const seen = new Set([root]);
  // A set goes through what is added on the way as well.
  for (const node of seen) {
    if (isWhiteout(node)) return true;
    for (const entry of node.entries?.values() ?? []) if (!entry.isLink) seen.add(entry.node);
  }
  return false;
}

/**
 * The inodes of the image, level by level, each directory in byte order. Every inode gets the xattrs that overlayfs reads;
 * those that an overlay on top is to read are hidden from this one; and the root gets whiteouts for the 256 folders of the
 * object store, which is the layer below and must not be seen.
 *
 * Throws `MALFORMED_TREE` where an inode has two names and neither is a link, a link leads out of the tree or to a
 * directory; `LIMIT_XATTR`.
 */
export function overlayNodes(root: ComposefsNode, layoutVersion: number): OverlayNode[] {
  const first = newDraft(root, undefined, "" as Name);
  const placed = new Map<ComposefsNode, Draft>([[root, first]]);
  const drafts = [first];
  const links: PendingLink[] = [];
  markOwn(first, layoutVersion);
  for (const parent of drafts) {
    if (parent.source.entries) parent.entries = entriesOf({ parent, drafts, placed, links, layoutVersion });
  }
  for (const { entry, target } of links) {
    const node = placed.get(target);
    if (node === undefined) throw malformed(entry.node, `"${nameToText(entry.name)}" is a name of something else`);
    if (node.entries) throw malformed(node, "a directory has a second name");
    entry.node = node;
  }
  first.attributes.set(overlayXattrs.opaque, nameToBytes("y" as Name));
  for (const draft of drafts) finish(draft);
  return drafts;
}

const malformed = (node: OverlayNode, message: string) =>
  new ErofsError("MALFORMED_TREE", message, { path: pathOf(node) });

function newDraft(source: ComposefsNode, parent: Draft | undefined, name: Name): Draft {
  const { entries: _, ...own } = source;
  const attributes = new Map(source.xattrs.map(({ name, value }) => [name, value]));
  return { ...own, source, parent, name, attributes, entries: undefined };
}

interface Step {
  readonly parent: Draft;
  /** What the step adds to. */
  readonly drafts: Draft[];
  readonly placed: Map<ComposefsNode, Draft>;
  readonly links: PendingLink[];
  readonly layoutVersion: number;
}

function entriesOf({ parent, drafts, placed, links, layoutVersion }: Step): DraftEntry[] {
  const entries: NonNullable<ComposefsNode["entries"]> = parent.source.entries ?? new Map();
  const hidden = parent.parent === undefined ? objectFolders : [];
  const names = new Set<Name>(["." as Name, ".." as Name, ...hidden, ...entries.keys()]);
  let directories = 0;
  const listed = [...names].sort().map((name): DraftEntry => {
    if (name === ".") return { name, node: parent };
    if (name === "..") return { name, node: parent.parent ?? parent };
    const told = entries.get(name);
    if (told?.isLink) {
      const entry = { name, node: parent };
      links.push({ entry, target: told.node });
      return entry;
    }
    const source = told?.node ?? folderWhiteout(parent);
    const node = newDraft(source, parent, name);
    if (placed.has(source)) throw malformed(node, "the inode has two names, and neither is a link");
    placed.set(source, node);
    drafts.push(node);
    if (told) markOwn(node, layoutVersion);
    if (source.entries) directories += 1;
    return { name, node };
  });
  parent.nlink = 2 + directories;
  return listed;
}

/** `00` … `ff`: objects stand below the first byte of their digest. */
const objectFolders = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0") as Name);

/** Made of whiteouts that stay what they are, unlike those of the tree. */
function folderWhiteout({ uid, gid, mtimeSeconds, mtimeNanoseconds, source }: Draft): ComposefsNode {
  return {
    mode: modeType.characterDevice + 0o644,
    nlink: 1,
    uid,
    gid,
    rdev: 0,
    size: 0,
    mtimeSeconds,
    mtimeNanoseconds,
    payload: undefined,
    content: undefined,
    digest: undefined,
    xattrs: source.xattrs.filter(({ name }) => name === "security.selinux"),
    entries: undefined,
  };
}

/** Gives an inode of the tree, and the directory that it stands in, what overlayfs has to find there. */
function markOwn(draft: Draft, layoutVersion: number): void {
  hideOverlayXattrs(draft);
  const { attributes, parent } = draft;
  if (typeOf(draft) === modeType.file && draft.size > 0 && draft.content === undefined) {
    const { digest, payload } = draft;
    const metacopy = digest ? concatBytes([Uint8Array.from(metacopyHead), digest]) : new Uint8Array(0);
    attributes.set(overlayXattrs.metacopy, metacopy);
    if (payload) attributes.set(overlayXattrs.redirect, nameToBytes(`/${payload}` as Name));
  }
  if (!isWhiteout(draft)) return;
  draft.mode += modeType.file - modeType.characterDevice;
  draft.size = 0;
  const nothing = new Uint8Array(0);
  for (const name of overlayXattrs.whiteout) attributes.set(name, nothing);
  for (const name of overlayXattrs.hasWhiteouts) parent?.attributes.set(name, nothing);
  if (layoutVersion < 1) return;
  for (const name of overlayXattrs.whiteoutsOpaque) parent?.attributes.set(name, nameToBytes("x" as Name));
}

function hideOverlayXattrs({ source, attributes }: Draft): void {
  const { prefix, escapedPrefix } = overlayXattrs;
  const own = source.xattrs.filter(({ name }) => name.startsWith(prefix));
  for (const { name } of own) attributes.delete(name);
  for (const { name, value } of own) attributes.set(`${escapedPrefix}${name.slice(prefix.length)}` as Name, value);
}

function finish(draft: Draft): void {
  const sorted = [...draft.attributes].sort(([a], [b]) => (a < b ? -1 : 1));
  draft.xattrs = sorted.map(([name, value]): Xattr => ({ name, value }));
  checkXattrs(draft.xattrs, () => pathOf(draft));
}
