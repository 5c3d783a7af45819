import { compareBytes } from "@sextant/bytes";
import { type Name, nameFromBytes, type Xattr } from "@sextant/tree";
import { sharedXattrIdBytes, xattrHeaderRecord, xattrNamePrefixes } from "../layout.js";
import { filterBit } from "../xattr-filter.js";
import { entryBytes } from "../xattrs.js";
import { maxSharedPerInode } from "./layout.js";
import type { OverlayNode } from "./overlay.js";

/** A name and value, however many inodes have it. */
export interface PlacedXattr {
  readonly name: Name;
  readonly value: Uint8Array;
  readonly nameIndex: number;
  readonly suffix: string;
  readonly filterBit: number;
  /** Of its entry, with padding. */
  readonly bytes: number;
  uses: number;
  /** Where its entry stands in the shared area, in bytes; undefined: only one inode has it. */
  sharedAt: number | undefined;
}

/** The xattrs of an inode: what it refers to and what stands in it. */
export interface XattrParts {
  readonly shared: readonly PlacedXattr[];
  readonly inline: readonly PlacedXattr[];
  /** Of the whole body; 0 where there is none. */
  readonly bytes: number;
}

export interface XattrTable {
  /** In the order in which they stand in the shared area. */
  readonly shared: readonly PlacedXattr[];
  partsOf(node: OverlayNode): XattrParts;
}

/** Shares every xattr that two inodes have. Shared ones stand by name, longest value first, all in falling order. */
export function xattrTable(nodes: readonly OverlayNode[]): XattrTable {
  const known = new Map<string, PlacedXattr>();
  const stored = new Map<Name, StoredName>();
  const placedOf = new Map<OverlayNode, readonly PlacedXattr[]>();
  for (const node of nodes) {
    const placed = node.xattrs.map((xattr) => {
      const key = `${xattr.name}\0${nameFromBytes(xattr.value)}`;
      const found = known.get(key) ?? newXattr(xattr, stored);
      known.set(key, found);
      found.uses += 1;
      return found;
    });
    placedOf.set(node, placed);
  }
  const shared = [...known.values()].filter(({ uses }) => uses > 1).sort((a, b) => order(b, a));
  let at = 0;
  for (const xattr of shared) {
    xattr.sharedAt = at;
    at += xattr.bytes;
  }
  return { shared, partsOf: (node) => split(placedOf.get(node) ?? []) };
}

function order(a: PlacedXattr, b: PlacedXattr): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  return a.value.length - b.value.length || compareBytes(a.value, b.value);
}

type StoredName = Pick<PlacedXattr, "nameIndex" | "suffix" | "filterBit">;

/** Names outside of the namespaces of EROFS are kept under index 0, which Linux does not show. */
function storedName(name: Name): StoredName {
  const [index, prefix] = Object.entries(xattrNamePrefixes).find(([, text]) => name.startsWith(text)) ?? ["0", ""];
  const nameIndex = Number(index);
  const suffix = name.slice(prefix.length);
  return { nameIndex, suffix, filterBit: filterBit(nameIndex, suffix) };
}

function newXattr({ name, value }: Xattr, stored: Map<Name, StoredName>): PlacedXattr {
  const parts = stored.get(name) ?? storedName(name);
  stored.set(name, parts);
  return { name, value, ...parts, bytes: entryBytes(parts.suffix.length, value.length), uses: 0, sharedAt: undefined };
}

function split(xattrs: readonly PlacedXattr[]): XattrParts {
  const shared = xattrs.filter(({ sharedAt }) => sharedAt !== undefined).slice(0, maxSharedPerInode);
  const inline = xattrs.filter((xattr) => !shared.includes(xattr));
  if (xattrs.length === 0) return { shared, inline, bytes: 0 };
  let bytes = xattrHeaderRecord.size + sharedXattrIdBytes * shared.length;
  for (const xattr of inline) bytes += xattr.bytes;
  return { shared, inline, bytes };
}
