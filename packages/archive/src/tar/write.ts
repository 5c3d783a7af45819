import { readChunks } from "@sextant/bytes";
import {
  type Directory,
  type FileContent,
  isOpaque,
  isWhiteout,
  type Name,
  nameFromText,
  nameToText,
  type TreeNode,
  type WalkEntry,
  walkTree,
} from "@sextant/tree";
import { clampTime } from "../clamp.js";
import { ArchiveError } from "../errors.js";
import { blockBytes, typeflags } from "./layout.js";
import { type MemberFields, memberHeaders } from "./write-header.js";

/** How a tar archive is written. */
export interface WriteTarOptions {
  /** Times later than this become this: seconds since 1970. Default: times are kept. */
  readonly epochSeconds?: number | undefined;
  /** Writes files with known holes (`FileContent.extents`) as sparse files, GNU's pax form 1.0. Default false. */
  readonly sparse?: boolean | undefined;
  /** `oci`: overlayfs whiteouts and opaque directories become `.wh.` members, as in OCI image layers. Default `none`. */
  readonly whiteouts?: "none" | "oci" | undefined;
  /** Writes a member `./` with the root's attributes. Default true. */
  readonly root?: boolean | undefined;
}

/** Two blocks of zeros. */
const endBytes = 2 * blockBytes;

/**
 * Writes a tree as a tar archive, in the order of the bytes: ustar, and pax records where a member needs them (long or
 * large things, fractions of seconds, xattrs as `SCHILY.xattr.`). Members are sorted by the bytes of their names, each
 * directory before what is in it; equal trees give equal bytes. Of hard links the first is the file.
 *
 * Reads contents in steps of 1 MiB. Throws `ArchiveError` `UNSUPPORTED_NODE` for sockets, which tar has not.
 */
export async function* writeTar(tree: Directory, options: WriteTarOptions = {}): AsyncGenerator<Uint8Array> {
  const first = new Map<TreeNode, Name>();
  for (const entry of walkTree(tree)) {
    if (entry.parent === undefined && options.root === false) continue;
    const { node, path } = entry;
    const earlier = first.get(node);
    if (node.kind !== "directory" && earlier === undefined) first.set(node, path);
    if (options.whiteouts === "oci" && isWhiteout(node)) yield* writeMark(node, markOf(entry), options);
    else if (earlier !== undefined)
      yield* writeFields({ ...common(node, path, options), typeflag: typeflags.link, linkPath: earlier });
    else yield* writeNode(node, path, options);
    if (options.whiteouts === "oci" && node.kind === "directory" && isOpaque(node)) {
      yield* writeMark(node, child(path, ".wh..wh..opq"), options);
    }
  }
  yield new Uint8Array(endBytes);
}

const child = (path: Name, name: string) => (path === "" ? name : `${path}/${name}`) as Name;

/** Path of the mark that hides an entry's name. */
const markOf = ({ path, name }: WalkEntry) => `${path.slice(0, path.length - name.length)}.wh.${name}` as Name;

function* writeFields(fields: MemberFields): Generator<Uint8Array> {
  yield memberHeaders(fields);
}

function writeMark(node: TreeNode, path: Name, options: WriteTarOptions): Generator<Uint8Array> {
  return writeFields({ ...common(node, path, options), mode: 0, xattrs: [], typeflag: typeflags.file });
}

const opaqueName = nameFromText("trusted.overlay.opaque");

function common(node: TreeNode, path: Name, options: WriteTarOptions): MemberFields {
  const isMarked = options.whiteouts === "oci" && node.kind === "directory" && isOpaque(node);
  return {
    path,
    typeflag: typeflags.file,
    mode: node.mode,
    uid: node.uid,
    gid: node.gid,
    ...clampTime(node, options.epochSeconds),
    xattrs: isMarked ? node.xattrs.filter(({ name }) => name !== opaqueName) : node.xattrs,
    size: 0,
  };
}

async function* writeNode(node: TreeNode, path: Name, options: WriteTarOptions): AsyncGenerator<Uint8Array> {
  const fields = common(node, path, options);
  switch (node.kind) {
    case "directory":
      yield* writeFields({ ...fields, path: (path === "" ? "./" : `${path}/`) as Name, typeflag: typeflags.directory });
      return;
    case "file":
      yield* options.sparse && hasHoles(node.content)
        ? writeSparse(fields, node.content)
        : writeFile(fields, node.content);
      return;
    case "symlink":
      yield* writeFields({ ...fields, typeflag: typeflags.symlink, linkPath: node.target });
      return;
    case "character-device":
    case "block-device": {
      const typeflag = node.kind === "block-device" ? typeflags.blockDevice : typeflags.characterDevice;
      yield* writeFields({ ...fields, typeflag, device: { major: node.major, minor: node.minor } });
      return;
    }
    case "fifo":
      yield* writeFields({ ...fields, typeflag: typeflags.fifo });
      return;
    case "socket":
      throw new ArchiveError("UNSUPPORTED_NODE", "tar archives cannot hold sockets", { member: nameToText(path) });
  }
}

const paddingOf = (size: number) => new Uint8Array(-size & (blockBytes - 1));

async function* writeFile(fields: MemberFields, content: FileContent): AsyncGenerator<Uint8Array> {
  const { size } = content;
  yield memberHeaders({ ...fields, size });
  if (size === 0) return;
  yield* readChunks(content.open());
  yield paddingOf(size % blockBytes);
}

function hasHoles({ extents, size }: FileContent): boolean {
  return extents !== undefined && extents.reduce((data, { start, end }) => data + end - start, 0) < size;
}

/** GNU's pax form 1.0: the map as text in whole blocks, then the parts that hold data. */
async function* writeSparse(fields: MemberFields, content: FileContent): AsyncGenerator<Uint8Array> {
  const { extents = [], size } = content;
  const parts = extents.map(({ start, end }) => [start, end - start] as const);
  // GNU tar takes the file's end from the last part, so a hole at the end needs one without length.
  const lines = (extents.at(-1)?.end ?? 0) < size ? [...parts, [size, 0] as const] : parts;
  const text = new TextEncoder().encode([lines.length, ...lines.flat()].map((line) => `${line}\n`).join(""));
  const data = parts.reduce((total, [, length]) => total + length, 0);
  const mapPadding = paddingOf(text.length);
  yield memberHeaders({ ...fields, size: text.length + mapPadding.length + data, sparseSize: size });
  yield text;
  yield mapPadding;
  const source = content.open();
  for (const { start, end } of extents) yield* readChunks(source, start, end);
  yield paddingOf(data % blockBytes);
}
