import { fromHex } from "@sextant/bytes";
import { type Name, nameFromBytes, nameToBytes, nameToText, sortXattrs } from "@sextant/tree";
import { ErofsError } from "../errors.js";
import { maxNameBytes, modeType } from "../layout.js";
import { type Fail, integer, optional, time, unescapeBytes, unescapeText, xattr } from "./dump-fields.js";
import { digestBytes, maxInlineBytes, maxPayloadBytes } from "./layout.js";
import { type ComposefsEntry, type ComposefsNode, checkXattrs, hasType, typeOf } from "./node.js";

/** An entry while lines still come: what a link leads to may be among them. */
interface Entry extends ComposefsEntry {
  node: ComposefsNode;
}

type Entries = Map<Name, Entry>;

interface Link {
  readonly target: Name;
  readonly fail: Fail;
}

interface Tree {
  root: ComposefsNode | undefined;
  /** What `ComposefsNode` shows as readonly. */
  readonly entriesOf: Map<ComposefsNode, Entries>;
  readonly links: Map<Entry, Link>;
}

/** Names on the way of hard links that lead to hard links. */
const maxLinkSteps = 40;

/**
 * Reads the text that describes a composefs tree, one line an inode (composefs-dump(5)). Refuses all that `mkcomposefs`
 * refuses, and hard links to directories, NUL bytes in names and numbers out of range as well.
 *
 * Throws `ErofsError` `MALFORMED_DUMP` with the line's number and path, `LIMIT_NAME`, `LIMIT_SYMLINK`, `LIMIT_SIZE` and
 * `LIMIT_XATTR` for what composefs has no room for.
 */
export function parseComposefsDump(bytes: Uint8Array): ComposefsNode {
  const tree: Tree = { root: undefined, entriesOf: new Map(), links: new Map() };
  let number = 0;
  for (let at = 0; at < bytes.length; ) {
    const found = bytes.indexOf(0x0a, at);
    const end = found < 0 ? bytes.length : found;
    number += 1;
    addLine(tree, nameFromBytes(bytes.subarray(at, end)), number);
    at = end + 1;
  }
  if (tree.root === undefined) throw new ErofsError("MALFORMED_DUMP", "the dump describes nothing");
  for (const [entry, { fail }] of tree.links) entry.node = followLink(tree, tree.root, entry, fail);
  return tree.root;
}

const fieldCount = 11;

function addLine(tree: Tree, line: Name, number: number): void {
  const fields: string[] = [];
  let at = 0;
  for (let index = 0; index < fieldCount; index++) {
    const space = line.indexOf(" ", at);
    const end = space < 0 ? line.length : space;
    fields.push(line.slice(at, end));
    at = end + 1;
  }
  const [pathField = "", , modeField = "", , , , , , payloadField = ""] = fields;
  let path: Name | undefined;
  const fail: Fail = (message) =>
    new ErofsError("MALFORMED_DUMP", message, {
      path: path === undefined ? `line ${number}` : nameToText(path),
      line: number,
    });
  if (line.includes("\0")) throw fail("the line has a NUL byte");
  path = unescapeText(pathField, "path", fail);

  const isLink = modeField.startsWith("@");
  const mode = integer(isLink ? modeField.slice(1) : modeField, "mode", Number.MAX_SAFE_INTEGER, fail, 8) % 65536;
  if (!hasType(mode)) throw fail(`mode 0${mode.toString(8)} is of no file type`);
  if (isLink) {
    if (typeOf({ mode }) === modeType.directory) throw fail("a directory cannot have a second name");
    const target = optional(payloadField, (text) => unescapeText(text, "target", fail));
    if (target === undefined) throw fail("the hard link says not of what");
    const entry: Entry = { node: linkNode, isLink };
    tree.links.set(entry, { target, fail });
    addEntry(tree, path, entry, fail);
    return;
  }
  const entries: Entries | undefined = typeOf({ mode }) === modeType.directory ? new Map() : undefined;
  const node = { ...parseNode(fields, line.slice(at), mode, fail, nameToText(path)), entries };
  if (entries) tree.entriesOf.set(node, entries);
  addEntry(tree, path, { node, isLink }, fail);
}

/** Stands in for what a link leads to until all lines are there. */
const linkNode: ComposefsNode = {
  mode: 0,
  nlink: 1,
  uid: 0,
  gid: 0,
  rdev: 0,
  size: 0,
  mtimeSeconds: 0,
  mtimeNanoseconds: 0,
  payload: undefined,
  content: undefined,
  digest: undefined,
  xattrs: [],
  entries: undefined,
};

const most32 = 0xffffffff;

function parseNode(
  fields: readonly string[],
  xattrFields: string,
  mode: number,
  fail: Fail,
  path: string,
): ComposefsNode {
  const [, size = "", , nlink = "", uid = "", gid = "", rdev = "", mtime = ""] = fields;
  const [payloadField = "", contentField = "", digestField = ""] = fields.slice(8);
  const { seconds, nanoseconds } = time(mtime, fail);
  const told = integer(size, "size", Number.MAX_SAFE_INTEGER, fail);
  const isSymlink = typeOf({ mode }) === modeType.symlink;
  const payload = optional(payloadField, (text) => unescapeText(text, isSymlink ? "target" : "payload", fail));
  if (isSymlink && !payload) throw fail("the symlink has no target");
  if (payload && payload.length > maxPayloadBytes) {
    throw limit("LIMIT_SYMLINK", `the payload is ${payload.length} bytes long, more than ${maxPayloadBytes}`, path);
  }
  const content = optional(contentField, (text) => nameToBytes(unescapeBytes(text, fail)));
  if (content && content.length !== told) {
    throw fail(`the content has ${content.length} bytes, the size says ${told}`);
  }
  if (content && content.length > maxInlineBytes) {
    throw limit(
      "LIMIT_SIZE",
      `${content.length} bytes of content are more than the ${maxInlineBytes} of composefs`,
      path,
    );
  }
  const hasContent = typeOf({ mode }) === modeType.file && content !== undefined && content.length > 0;
  const xattrs = sortXattrs(
    xattrFields === ""
      ? []
      : xattrFields
          .replace(/ $/, "")
          .split(" ")
          .map((text) => xattr(text, fail)),
  );
  checkXattrs(xattrs, () => path);
  return {
    mode,
    nlink: integer(nlink, "link count", most32, fail),
    uid: integer(uid, "user id", most32, fail),
    gid: integer(gid, "group id", most32, fail),
    rdev: integer(rdev, "device number", most32, fail),
    size: isSymlink ? (payload?.length ?? 0) : told,
    mtimeSeconds: seconds,
    mtimeNanoseconds: nanoseconds,
    payload,
    content: hasContent ? content : undefined,
    digest: optional(digestField, (text) => parseDigest(text, fail)),
    xattrs,
    entries: undefined,
  };
}

const limit = (code: "LIMIT_SYMLINK" | "LIMIT_SIZE" | "LIMIT_NAME", message: string, path: string) =>
  new ErofsError(code, message, { path });

function parseDigest(text: string, fail: Fail): Uint8Array {
  const hex = unescapeBytes(text, fail);
  if (hex.length === 2 * digestBytes && /^[0-9a-fA-F]*$/.test(hex)) return fromHex(hex);
  throw fail(`"${nameToText(hex)}" is no digest of ${digestBytes} bytes`);
}

function addEntry(tree: Tree, path: Name, entry: Entry, fail: Fail): void {
  const { node } = entry;
  if (path === "/") {
    if (node.entries === undefined) throw fail("the root is no directory");
    if (tree.root !== undefined) throw fail("there is a second root");
    tree.root = node;
    return;
  }
  if (path === "") throw fail("the path is empty");
  if (tree.root === undefined) throw fail("the root does not come first");
  const parts = path.split(/\/+/) as Name[];
  const name = parts.pop() ?? ("" as Name);
  const parent = lookUp(tree, tree.root, parts)?.node;
  if (parent === undefined) throw fail("its directory does not come before it");
  const siblings = tree.entriesOf.get(parent);
  if (siblings === undefined) throw fail("what it stands in is no directory");
  if (name === "" || name === "." || name === "..") throw fail(`"${name}" cannot be a name`);
  if (name.length > maxNameBytes) {
    throw limit("LIMIT_NAME", `a name is ${name.length} bytes long, more than ${maxNameBytes}`, nameToText(path));
  }
  if (siblings.has(name)) throw fail("the path stands twice");
  siblings.set(name, entry);
}

/** What stands at a path; the first part is empty where the path begins with a slash. */
function lookUp({ entriesOf }: Tree, root: ComposefsNode, parts: readonly Name[]): Entry | undefined {
  let at: Entry | undefined = { node: root, isLink: false };
  for (const part of parts) {
    if (part !== "") at = at && entriesOf.get(at.node)?.get(part);
  }
  return at;
}

/** Links may lead to links. */
function followLink(tree: Tree, root: ComposefsNode, start: Entry, fail: Fail): ComposefsNode {
  let at = start;
  for (let steps = 0; ; steps++) {
    const link = tree.links.get(at);
    if (link === undefined) return at.node;
    if (steps === maxLinkSteps) throw fail("the hard link leads to itself");
    const next = lookUp(tree, root, link.target.split(/\/+/) as Name[]);
    if (next === undefined) throw fail("nothing stands where the hard link leads");
    if (next.node.entries !== undefined) throw fail("a directory cannot have a second name");
    at = next;
  }
}
