import { type ByteSource, crc32cRaw, fromBytes, viewOf } from "@sextant/bytes";
import { directory, file, type LazyNode, type Name, nameFromText, symlink } from "@sextant/tree";
import { open } from "../src/index.js";
import { compactInodeRecord, direntRecord, superblockRecord, superOffset } from "../src/layout.js";
import { pack } from "./helpers.js";
import { fill, pattern, xattr } from "./zoo.js";

/** Reads all there is: attributes, xattrs, entries, targets, and the data that is no hole. */
export async function readAll(source: ByteSource): Promise<void> {
  const visit = async (node: LazyNode): Promise<void> => {
    await node.xattrs();
    if (node.kind === "symlink") await node.readlink();
    if (node.kind === "file") {
      const { size, extents, open: openContent } = node.content();
      const content = openContent();
      for (const { start, end } of extents ?? [{ start: 0, end: size }]) {
        for (let at = start; at < end; at += 1 << 20) await content.read(at, Math.min(end, at + (1 << 20)));
      }
    }
    if (node.kind === "directory") for (const entry of await node.entries()) await visit(await entry.node());
  };
  await visit(await (await open(source)).root());
}

export const { offsets: superField } = superblockRecord;
export const { offsets: inodeField, size: inodeBytes } = compactInodeRecord;
const { offsets: direntField } = direntRecord;

/** `/d/f`, `/l`, `/x`; every inode compact. */
const tree = fill(directory(), {
  d: fill(directory(), { f: file(pattern(5000)), g: file(pattern(4096)) }),
  l: symlink(nameFromText("d/f")),
  x: file(pattern(3), { xattrs: [xattr("user.a", "b"), xattr("user.shared", "value")] }),
  y: file(pattern(3), { xattrs: [xattr("user.shared", "value")] }),
});

/** Sets the checksum to what it should be. */
export function seal(image: Uint8Array): Uint8Array {
  const view = viewOf(image);
  view.setUint32(superOffset + superField.checksum, 0, true);
  view.setUint32(superOffset + superField.checksum, crc32cRaw(0xffffffff, image.subarray(superOffset, 4096)), true);
  return image;
}

export interface Places {
  readonly root: number;
  readonly d: number;
  readonly f: number;
  readonly l: number;
  readonly x: number;
  readonly y: number;
}

/** A good image and where its inodes stand. */
export async function sample(): Promise<{ image: Uint8Array; at: Places }> {
  const image = await pack(tree);
  const root = await (await open(fromBytes(image))).root();
  const offset = async (node: LazyNode | undefined) => 32 * Number(node?.id);
  const d = await root.lookup("d" as Name);
  const at: Places = {
    root: await offset(root),
    d: await offset(d),
    f: await offset(await d?.lookup("f" as Name)),
    l: await offset(await root.lookup("l" as Name)),
    x: await offset(await root.lookup("x" as Name)),
    y: await offset(await root.lookup("y" as Name)),
  };
  return { image, at };
}

export type Damage = (view: DataView, at: Places, image: Uint8Array) => void;
export const field = (offset: (at: Places) => number, bits: 8 | 16 | 32, value: number): Damage => {
  return (view, at) => {
    if (bits === 8) view.setUint8(offset(at), value);
    else if (bits === 16) view.setUint16(offset(at), value, true);
    else view.setUint32(offset(at), value, true);
  };
};
export const inSuper = (name: keyof typeof superField, bits: 8 | 16 | 32, value: number) =>
  field(() => superOffset + superField[name], bits, value);
export const inInode = (of: keyof Places, name: keyof typeof inodeField, bits: 16 | 32, value: number) =>
  field((at) => at[of] + inodeField[name], bits, value);
/** Of the directory `d`: `.`, `..`, `f`, `g`. */
export const inDirent = (index: number, name: keyof typeof direntField, bits: 8 | 16 | 32, value: number) =>
  field((at) => at.d + inodeBytes + index * direntRecord.size + direntField[name], bits, value);
export const inXattrs = (offset: number, bits: 8 | 16 | 32, value: number) =>
  field((at) => at.x + inodeBytes + offset, bits, value);
