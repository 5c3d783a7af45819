import { fromBytes, zeros } from "@sextant/bytes";
import {
  type Directory,
  device,
  directory,
  file,
  type Name,
  nameFromText,
  special,
  symlink,
  type TreeNode,
  whiteout,
  type Xattr,
} from "@sextant/tree";

const text = (value: string) => new TextEncoder().encode(value);

/** Puts nodes into a directory by name. */
export function fill<D extends Directory>(target: D, nodes: Readonly<Record<string, TreeNode>>): D {
  const entries = target.entries as Map<Name, TreeNode>;
  for (const [name, node] of Object.entries(nodes)) entries.set(nameFromText(name), node);
  return target;
}

export const xattr = (name: string, value: string | Uint8Array): Xattr => ({
  name: nameFromText(name),
  value: typeof value === "string" ? text(value) : value,
});

/** Bytes that tell where they are. */
export function pattern(size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = (i ^ (i >>> 8) ^ (i >>> 16)) & 0xff;
  return bytes;
}

/** A small extension: what block 0 must answer for. */
export function extension(usr: Readonly<Record<string, TreeNode>> = {}, lib: Readonly<Record<string, TreeNode>> = {}) {
  const release = file(text("ID=debian\nVERSION_ID=13\n"));
  const releases = fill(directory(), { "extension-release.tool": release });
  return fill(directory(), {
    usr: fill(directory(), { ...usr, lib: fill(directory(), { ...lib, "extension-release.d": releases }) }),
  });
}

/**
 * One of everything that a tree can have, with the owners, times and xattrs that need the larger forms; `disk` leaves out
 * the xattrs that disks have no room for, `small` all that is large.
 */
export function zoo({ disk = false, small = false } = {}): Directory {
  const linked = file(pattern(5000), { mode: 0o4755, uid: 70_000, gid: 2 ** 32 - 2 });
  const shared = [xattr("security.selinux", "system_u:object_r:bin_t:s0"), xattr("user.shared", "x".repeat(300))];
  const many = Array.from({ length: 300 }, (_, i) => xattr(`user.many-${String(i).padStart(3, "0")}`, `${i}`));
  const large = [xattr("user.large", new Uint8Array(60_000).fill(0x61))];
  const twice = fill(directory({ xattrs: many }), { again: fill(directory({ xattrs: many }), {}) });
  return fill(directory({ mode: 0o755, mtimeSeconds: 1_700_000_000, mtimeNanoseconds: 1 }), {
    empty: file(new Uint8Array(0)),
    inline: file(pattern(100), { xattrs: shared }),
    block: file(pattern(4096), { xattrs: shared }),
    "block+1": file(pattern(4097)),
    "tail too large": file(pattern(4096 + 4065)),
    large: file(pattern(small ? 30_001 : 3_000_001), { mtimeSeconds: -1, mtimeNanoseconds: 999_999_999 }),
    sparse: file({
      size: 20_000,
      extents: [{ start: 4096, end: 8192 }],
      open: () => fromBytes(pattern(20_000).fill(0, 0, 4096).fill(0, 8192)),
    }),
    hole: file({ size: 9000, extents: [], open: () => zeros(9000) }),
    a: linked,
    b: linked,
    "link to nowhere": symlink(nameFromText("nowhere")),
    "long link": symlink(nameFromText("t/".repeat(2048).slice(0, 4095))),
    null: device("character-device", 1, 3, { mode: 0o666 }),
    disk: device("block-device", 4095, 2 ** 20 - 1),
    gone: whiteout(),
    fifo: special("fifo"),
    socket: special("socket"),
    [`${"n".repeat(255)}`]: directory({ mode: 0o1777 }),
    " !": fill(directory({ xattrs: [xattr("trusted.overlay.opaque", "y")] }), { b: linked }),
    ...(disk || small ? {} : { "many xattrs": twice, "large xattr": file(pattern(10), { xattrs: large }) }),
    "full directory": fill(
      directory(),
      Object.fromEntries(
        Array.from({ length: small ? 20 : 1000 }, (_, i) => [
          `file ${i}${"-".repeat(small ? 240 : 0)}`,
          file(text(`${i}`)),
        ]),
      ),
    ),
  });
}
