import { type Name, nameToBytes } from "@sextant/tree";
import { xxh32 } from "./xxh32.js";

/** EROFS_XATTR_FILTER_SEED; the index of the namespace is added to it. */
const filterSeed = 0x25bbe08f;
/** EROFS_XATTR_FILTER_BITS */
const filterBits = 32;

/** The bit of a name in filters: from the index of its namespace and all that follows, whatever long prefix it has. */
export function filterBit(namespaceIndex: number, rest: string): number {
  return xxh32(nameToBytes(rest as Name), filterSeed + namespaceIndex) % filterBits;
}

/**
 * The name filter of an inode whose xattrs have these bits: one that is set says that no name with that bit is there, so
 * that the kernel need not look (XATTR_FILTER, Linux 6.6).
 */
export function xattrFilter(bits: Iterable<number>): number {
  let filter = 0xffffffff;
  for (const bit of bits) filter &= ~(1 << bit);
  return filter >>> 0;
}
