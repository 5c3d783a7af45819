import { concatBytes, readChunks } from "@sextant/bytes";
import {
  type Directory,
  linkedPaths,
  type Name,
  nameToBytes,
  nameToText,
  type TreeNode,
  walkTree,
} from "@sextant/tree";
import { clampTime } from "../clamp.js";
import { ArchiveError } from "../errors.js";
import {
  aligned,
  alignment,
  type CpioFields,
  digits,
  fieldNames,
  fileTypes,
  headerBytes,
  largestField,
  magics,
  pathLimitBytes,
  trailerName,
} from "./layout.js";

/** How a cpio archive is written. */
export interface WriteCpioOptions {
  /** Times later than this become this: seconds since 1970. Default: times are kept. */
  readonly epochSeconds?: number | undefined;
  /**
   * The data of files of at least this size starts at a multiple of it, counted from the archive's start: a multiple of 4, at most
   * 4096. Done with NULs behind names, which the kernel and GNU cpio pass over, and now and then a directory that is there
   * already. Default: 4.
   */
  readonly alignBytes?: number | undefined;
  /** Leaves xattrs out, which the format cannot hold. Default false: they are `UNSUPPORTED_NODE`. */
  readonly dropXattrs?: boolean | undefined;
  /** Writes a member `.` with the root's attributes. Default true. */
  readonly root?: boolean | undefined;
}

/** A member whose header is about to be written. */
interface Header {
  readonly path: Name;
  readonly node: TreeNode;
  readonly ino: number;
  readonly nlink: number;
  /** Bytes of data behind it. */
  readonly size: number;
}

/**
 * Writes a tree as a cpio archive of the newc format, in the order of the bytes. Members are sorted by the bytes of their names,
 * each directory before what is in it; inodes count from 1 in that order, so equal trees give equal bytes. Of hard links
 * the last has the data, as GNU cpio writes it; symlinks with several names become several symlinks.
 *
 * Throws `ArchiveError`: `LIMIT_FIELD` for files of 4 GiB and more and times outside of 32 bits, `UNSUPPORTED_NODE` for xattrs.
 */
export async function* writeCpio(tree: Directory, options: WriteCpioOptions = {}): AsyncGenerator<Uint8Array> {
  const { alignBytes = alignment, root = true } = options;
  if (!Number.isInteger(alignBytes) || alignBytes < alignment || alignBytes > 4096 || alignBytes % alignment !== 0) {
    throw new RangeError(`${alignBytes} is no multiple of 4 up to 4096`);
  }
  let at = 0;
  let directory: Header = { path: "." as Name, node: tree, ino: 0, nlink: 2, size: 0 };
  for (const header of headersOf(tree)) {
    if (header.node.kind === "directory") directory = header;
    if (header.path === "." && !root) continue;
    const heads = alignedHeaders(header, directory, at, options, alignBytes);
    yield heads;
    at += heads.length;
    if (header.size === 0) continue;
    yield* dataOf(header.node);
    yield new Uint8Array(aligned(header.size) - header.size);
    at += aligned(header.size);
  }
  yield encode({ ...noFields, nlink: 1 }, trailerName as Name, 0);
}

function* headersOf(tree: Directory): Generator<Header> {
  const links = linkedPaths(tree);
  const inodes = new Map<TreeNode, number>();
  let count = 0;
  for (const { node, path } of walkTree(tree)) {
    const group = node.kind === "symlink" ? undefined : links.get(node);
    const ino = (group && inodes.get(node)) ?? ++count;
    if (group) inodes.set(node, ino);
    yield {
      path: memberPath(path),
      node,
      ino,
      nlink: node.kind === "directory" ? 2 : (group?.length ?? 1),
      size: group === undefined || group.at(-1) === path ? dataBytes(node) : 0,
    };
  }
}

/** The root is `.`, and a file of the trailer's name must not look like it. */
function memberPath(path: Name): Name {
  if (path === "") return "." as Name;
  return path === trailerName ? (`./${path}` as Name) : path;
}

function dataBytes(node: TreeNode): number {
  return node.kind === "file" ? node.content.size : node.kind === "symlink" ? node.target.length : 0;
}

async function* dataOf(node: TreeNode): AsyncGenerator<Uint8Array> {
  if (node.kind === "file") yield* readChunks(node.content.open());
  else if (node.kind === "symlink") yield nameToBytes(node.target);
}

/** The member's header at `at`, with NULs behind its name where its data is to be aligned. */
function alignedHeaders(
  header: Header,
  directory: Header,
  at: number,
  options: WriteCpioOptions,
  alignBytes: number,
): Uint8Array {
  const fields = fieldsOf(header, options);
  if (header.node.kind !== "file" || header.size < alignBytes) return encode(fields, header.path, 0);
  const plain = encodedBytes(header.path);
  const padding = aligned(at + plain, alignBytes) - at - plain;
  if (encodedBytes(header.path) - headerBytes + padding <= pathLimitBytes) return encode(fields, header.path, padding);
  // With so many NULs the name would be too long for the kernel: a directory once more, which changes nothing, takes half.
  const both = encodedBytes(directory.path) + plain;
  const rest = aligned(at + both, alignBytes) - at - both;
  const share = aligned(rest / 2);
  return concatBytes([
    encode(fieldsOf(directory, options), directory.path, share),
    encode(fields, header.path, rest - share),
  ]);
}

const noFields = Object.fromEntries(fieldNames.map((name) => [name, 0])) as CpioFields;

function fieldsOf({ path, node, ino, nlink, size }: Header, options: WriteCpioOptions): CpioFields {
  if (node.xattrs.length > 0 && !options.dropXattrs) {
    const what = `cpio archives cannot hold xattrs, such as ${nameToText(node.xattrs[0]?.name ?? ("" as Name))}`;
    throw new ArchiveError("UNSUPPORTED_NODE", what, { member: nameToText(path) });
  }
  const { mtimeSeconds } = clampTime(node, options.epochSeconds);
  const fit = (field: string, value: number, what: string) => {
    if (value >= 0 && value <= largestField) return value;
    throw new ArchiveError("LIMIT_FIELD", what, { path: `cpio.header.${field}`, member: nameToText(path) });
  };
  const device = node.kind === "character-device" || node.kind === "block-device" ? node : undefined;
  return {
    ...noFields,
    ino,
    mode: fileTypes[node.kind] | node.mode,
    uid: node.uid,
    gid: node.gid,
    nlink,
    mtime: fit("mtime", mtimeSeconds, `the time ${mtimeSeconds} does not fit a cpio header`),
    filesize: fit("filesize", size, `the file has ${size} bytes; cpio archives hold less than 4 GiB each`),
    rdevmajor: device?.major ?? 0,
    rdevminor: device?.minor ?? 0,
  };
}

/** Bytes of a header and its name. */
const encodedBytes = (path: Name) => aligned(headerBytes + path.length + 1);

/** A header and its name, with `padding` more NULs. */
function encode(fields: CpioFields, path: Name, padding: number): Uint8Array {
  const whole = new Uint8Array(encodedBytes(path) + padding);
  // Only what is beyond the usual belongs to the name.
  const namesize = padding === 0 ? path.length + 1 : whole.length - headerBytes;
  const numbers = fieldNames.map((name) => (name === "namesize" ? namesize : fields[name]));
  const text = magics.newc + numbers.map((value) => value.toString(16).toUpperCase().padStart(digits, "0")).join("");
  whole.set(nameToBytes(`${text}${path}` as Name));
  return whole;
}
