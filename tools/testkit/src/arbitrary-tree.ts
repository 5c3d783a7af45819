import {
  type Attributes,
  type Directory,
  device,
  directory,
  file,
  type MutableDirectory,
  type Name,
  nameFromBytes,
  nameFromText,
  special,
  symlink,
  type TreeNode,
  whiteout,
} from "@sextant/tree";
import fc from "fast-check";
import { arbitraryAttributes, arbitraryName, type TreeOptions } from "./arbitrary-attributes.js";
import { dumpTree } from "./dump-tree.js";
import { seededRandom } from "./random.js";

/** Block ± what an inode or its xattrs take beside an inline tail (EROFS: 32 or 64 bytes, then 12 and multiples of 4). */
const sizeEdges = [0, 4096, 8192, 12288, 16384, 65536, 131072, 1 << 20].flatMap((base) =>
  [-77, -76, -65, -64, -63, -33, -32, -31, -1, 0, 1].map((delta) => base + delta),
);

function contentBytes(size: number, kind: "random" | "zero" | "text", seed: number): Uint8Array {
  if (kind === "zero") return new Uint8Array(size);
  if (kind === "random") return seededRandom(seed).bytes(size);
  const line = new TextEncoder().encode(`line ${seed} of a file that compresses well\n`);
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += line.length) bytes.set(line.subarray(0, size - at), at);
  return bytes;
}

function arbitraryFile(options: TreeOptions): fc.Arbitrary<TreeNode> {
  const { maxFileBytes = 20_000 } = options;
  const edges = sizeEdges.filter((size) => size >= 0 && size <= maxFileBytes);
  const size = fc.oneof(
    { weight: 2, arbitrary: fc.integer({ min: 0, max: Math.min(maxFileBytes, 200) }) },
    { weight: 3, arbitrary: fc.constantFrom(...edges) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: maxFileBytes }) },
  );
  const kind = fc.constantFrom("random" as const, "zero" as const, "text" as const);
  return fc
    .tuple(arbitraryAttributes("file", options), size, kind, fc.nat({ max: 3 }))
    .map(([attributes, bytes, fill, seed]) => file(contentBytes(bytes, fill, seed), attributes));
}

function arbitrarySymlink(options: TreeOptions): fc.Arbitrary<TreeNode> {
  const lengths = fc.constantFrom(1, 2, 59, 60, 61, 255, 1024, 4031, 4032, 4064, 4065, 4094, 4095);
  const odd = ["..", ".", "/", "../../../../etc/passwd", "/absolute", "a//b/", "é"].map(nameFromText);
  const target = fc.oneof(
    fc.constantFrom(...odd),
    lengths.map((length) => nameFromText("t/".repeat(2048).slice(0, length))),
    fc.uint8Array({ min: 1, minLength: 1, maxLength: 40 }).map(nameFromBytes),
  );
  return fc
    .tuple(arbitraryAttributes("other", options), target)
    .map(([attributes, name]) => symlink(name, { ...attributes, mode: 0o777 }));
}

function arbitraryDevice(options: TreeOptions): fc.Arbitrary<TreeNode> {
  const attributes = arbitraryAttributes("other", options);
  const kind = fc.constantFrom("character-device" as const, "block-device" as const);
  const major = fc.constantFrom(0, 1, 8, 255, 256, 511, 4095);
  const minor = fc.constantFrom(0, 1, 255, 256, 257, 65536, 0xf_ffff);
  return fc.oneof(
    fc.tuple(kind, major, minor, attributes).map(([which, high, low, rest]) => device(which, high, low, rest)),
    attributes.map((rest) => whiteout({ ...rest, mode: 0 })),
    attributes.map((rest) => special("fifo", rest)),
  );
}

function arbitraryLeaf(options: TreeOptions): fc.Arbitrary<TreeNode> {
  const { devices = true, sockets = true } = options;
  return fc.oneof(
    { weight: 6, arbitrary: arbitraryFile(options) },
    { weight: 2, arbitrary: arbitrarySymlink(options) },
    { weight: devices ? 2 : 0, arbitrary: arbitraryDevice(options) },
    {
      weight: sockets ? 1 : 0,
      arbitrary: arbitraryAttributes("other", options).map((attributes) => special("socket", attributes)),
    },
  );
}

/**
 * Fills a directory until its EROFS entries (12 bytes and the name each, `.` and `..` among them) take exactly `bytes`, or a little
 * more where that cannot be: directory blocks break there.
 */
function fillDirectory(target: MutableDirectory, bytes: number, node: TreeNode): void {
  let used = 2 * 12 + 3;
  for (const name of target.entries.keys()) used += 12 + name.length;
  for (let i = 0; used < bytes; i++) {
    const left = bytes - used - 12;
    // The last name takes what is left; the one before it leaves room for another.
    const length = left <= 255 ? Math.max(left, 4) : Math.min(left - 16, 200);
    const name = nameFromText(`${String(i).padStart(4, "0")}${"f".repeat(Math.max(0, length - 4))}`);
    target.entries.set(name, node.kind === "directory" ? directory(node) : { ...node });
    used += 12 + name.length;
  }
}

interface Placed<T> {
  readonly parent: number;
  readonly name: Name;
  readonly what: T;
}

const placed = <T>(what: fc.Arbitrary<T>): fc.Arbitrary<Placed<T>> =>
  fc.record({ parent: fc.nat({ max: 15 }), name: arbitraryName, what });

interface Parts {
  readonly root: Attributes;
  readonly directories: readonly Placed<Attributes>[];
  readonly leaves: readonly Placed<TreeNode>[];
  readonly links: readonly Placed<number>[];
  readonly full: { readonly parent: number; readonly bytes: number } | undefined;
}

function assemble({ root, directories, leaves, links, full }: Parts): Directory {
  const all: MutableDirectory[] = [directory(root)];
  const at = (index: number) => all[index % all.length] as MutableDirectory;
  // A name that is taken stays with the node that has it.
  for (const { parent, name, what } of directories) {
    const into = at(parent);
    if (into.entries.has(name)) continue;
    const made = directory(what);
    into.entries.set(name, made);
    all.push(made);
  }
  const linkable: TreeNode[] = [];
  for (const { parent, name, what } of leaves) {
    if (at(parent).entries.has(name)) continue;
    at(parent).entries.set(name, what);
    linkable.push(what);
  }
  for (const { parent, name, what } of links) {
    const node = linkable[what % Math.max(1, linkable.length)];
    if (node && !at(parent).entries.has(name)) at(parent).entries.set(name, node);
  }
  if (full) fillDirectory(at(full.parent), full.bytes, file(Uint8Array.of(1)));
  return all[0] as Directory;
}

/** Shows a failing tree as a listing instead of thousands of bytes. */
function withListing(tree: Directory): Directory {
  return Object.defineProperty(tree, fc.toStringMethod, { value: () => `\n${dumpTree(tree)}`, enumerable: false });
}

/**
 * Trees aimed at the edges of formats: long, odd and non-UTF-8 names, names around `.` and `..`, owners around 2^16 and
 * 2^32, sizes around blocks and inline tails, directories that fill a block to the byte, hard links, symlinks of up to
 * 4095 bytes, device numbers that need all their bits, whiteouts, opaque directories, ACLs, capabilities, shared and empty
 * xattr values, times before 1970 and with nanoseconds.
 */
export function arbitraryTree(options: TreeOptions = {}): fc.Arbitrary<Directory> {
  const { maxDirectories = 6, maxLeaves = 14, hardLinks = true } = options;
  const attributes = arbitraryAttributes("directory", options);
  const full = fc.record({
    parent: fc.nat({ max: 15 }),
    bytes: fc.constantFrom(4032, 4064, 4095, 4096, 4097, 8191, 8192, 8193),
  });
  return fc
    .record({
      root: attributes,
      directories: fc.array(placed(attributes), { maxLength: maxDirectories }),
      leaves: fc.array(placed(arbitraryLeaf(options)), { maxLength: maxLeaves }),
      links: fc.array(placed(fc.nat({ max: 31 })), { maxLength: hardLinks ? 4 : 0 }),
      full: fc.option(full, { freq: 4, nil: undefined }),
    })
    .map((parts) => withListing(assemble(parts)));
}
