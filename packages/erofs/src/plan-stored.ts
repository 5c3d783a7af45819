import { file, type Name } from "@sextant/tree";
import { type IndexForm, planMap } from "./compressed/write-map.js";
import { ErofsError } from "./errors.js";
import { inodeSlotBytes } from "./layout.js";
import { newInode, type PlannedInode, pathOf } from "./plan-inodes.js";
import { nodeBytes } from "./plan-layout.js";
import { blockBytes } from "./plan-slots.js";
import { type CompressedContent, type CompressedFile, type FlatFile, noCluster } from "./stored.js";

/**
 * Gives inodes their stored data, and makes the packed inode, which no directory lists. Throws `TypeError` for content that
 * contradicts itself or the tree.
 */
export function attachStored(inodes: readonly PlannedInode[], content: CompressedContent): PlannedInode | undefined {
  const dataBlocks = content.data.size / blockBytes;
  if (!Number.isInteger(dataBlocks)) throw new TypeError(`data of ${content.data.size} bytes is not whole blocks`);
  for (const inode of inodes) {
    if (inode.node.kind !== "file") continue;
    const stored = content.files.get(inode.node);
    if (stored === undefined) continue;
    checkStored(pathOf(inode), inode.size, stored, content);
    inode.stored = stored;
  }
  if (content.packed === undefined) return undefined;
  const { size, file: stored } = content.packed;
  checkStored("the packed inode", size, stored, content);
  const node = file({ size, open: () => content.data }, { mode: 0o600 });
  return Object.assign(newInode(node, undefined, "" as Name), { nlink: 1, stored });
}

function checkStored(path: string, size: number, stored: CompressedFile | FlatFile, content: CompressedContent): void {
  const fail = (message: string) => new TypeError(`content of ${path}: ${message}`);
  const { inline } = stored;
  if (inline && inline.offset + inline.size > content.inline.size)
    throw fail("its inline data ends behind that of all");
  if (inline && (inline.size === 0 || inline.size > Math.min(size, blockBytes - inodeSlotBytes))) {
    throw fail(`${inline.size} bytes are inline`);
  }
  if (stored.kind === "flat") {
    const end = stored.firstBlock * blockBytes + Math.ceil((size - (inline?.size ?? 0)) / blockBytes) * blockBytes;
    if (end > content.data.size) throw fail("its blocks end behind those of all");
    return;
  }
  const { extentsEnd, fragmentOffset } = stored;
  if (extentsEnd > size || extentsEnd < size !== (fragmentOffset !== undefined)) {
    throw fail(`extents end at ${extentsEnd} of ${size}, and ${fragmentOffset ? "there is" : "there is no"} fragment`);
  }
  if (fragmentOffset !== undefined && fragmentOffset + size - extentsEnd > (content.packed?.size ?? 0)) {
    throw fail("its fragment ends behind the packed inode");
  }
  checkExtents(stored, content, fail);
}

function checkExtents(file: CompressedFile, content: CompressedContent, fail: (message: string) => TypeError): void {
  const { starts, clusters, inline, extentsEnd, fragmentOffset } = file;
  const { count, decodedBytes } = content.clusters;
  if (starts.length !== clusters.length || (starts[0] ?? extentsEnd) !== 0) throw fail("extents are missing");
  for (let index = 0; index < starts.length; index++) {
    const bytes = (starts[index + 1] ?? extentsEnd) - (starts[index] ?? 0);
    const cluster = clusters[index] ?? noCluster;
    const isInline = cluster === noCluster;
    if (isInline && (!inline || index < starts.length - 1)) throw fail(`extent ${index} has no cluster`);
    if (bytes <= 0 || (!isInline && cluster >= count)) throw fail(`extent ${index} has ${bytes} bytes`);
    if (!isInline && bytes > (decodedBytes[cluster] ?? 0)) throw fail(`extent ${index} is longer than its cluster`);
  }
  if (inline && (clusters.at(-1) !== noCluster || fragmentOffset !== undefined)) throw fail("no extent is inline");
}

/** What indexes are about, and how they are written. */
export interface MapOptions {
  readonly content: CompressedContent;
  readonly shared: Uint8Array;
  readonly indexes: IndexForm;
  /** Whether blocks have 48 bits. */
  readonly wide: boolean;
  readonly maxDataBlock: number;
}

/** Chooses the form of every map. Throws `RangeError` with the path where extents have none. */
export function planMaps(inodes: readonly PlannedInode[], options: MapOptions): void {
  const { content, shared, indexes, wide, maxDataBlock } = options;
  const choice = { form: indexes, allowExtents: wide || indexes === "extents", maxDataBlock };
  for (const inode of inodes) {
    if (inode.stored?.kind !== "compressed") continue;
    inode.map = planMap({ ...mapInput(inode, inode.stored), content, shared }, choice);
    if (inode.map !== undefined) continue;
    if (wide && inode.stored.inline) {
      throw new ErofsError("LIMIT_SIZE", "a file with clusters beyond 16 TiB cannot have an inline end", {
        path: pathOf(inode),
      });
    }
    throw new RangeError(`indexes cannot tell the extents of ${pathOf(inode)}`);
  }
}

/** What its map is made of, but for what all have in common. */
export function mapInput(inode: PlannedInode, file: CompressedFile) {
  return { file, size: inode.size, blockBytes, bodyEnd: nodeBytes(inode) };
}

/** A block at which the data area begins at the latest, whatever form maps take. */
export function latestDataBlock(
  inodes: readonly PlannedInode[],
  tables: readonly { readonly bytes: number }[],
): number {
  const tableBytes = tables.reduce((sum, { bytes }) => sum + bytes, 0);
  let blocks = 64 + Math.ceil(tableBytes / blockBytes);
  for (const inode of inodes) {
    const { size, entries, stored } = inode;
    // A record or an index for each extent, indexes for each block, and an inline tail with all that it may push aside.
    const mapBytes = stored?.kind === "compressed" ? 64 + 32 * stored.starts.length + 8 * (size / blockBytes) : 0;
    blocks += 2 + Math.ceil((nodeBytes(inode) + mapBytes + (entries ? 4 * size : 0)) / blockBytes);
  }
  return blocks;
}
