/** A magic number that names a file system. Offsets in bytes from its start. */
interface Magic {
  readonly name: string;
  readonly offset: number;
  readonly bytes: readonly number[];
}

/** File systems that systemd's images may hold (dissect-image.c, allowed_fstypes), by the magic of each kernel header. */
const magics: readonly Magic[] = [
  { name: "squashfs", offset: 0, bytes: [0x68, 0x73, 0x71, 0x73] },
  { name: "ext4", offset: 1080, bytes: [0x53, 0xef] },
  { name: "xfs", offset: 0, bytes: [0x58, 0x46, 0x53, 0x42] },
  { name: "f2fs", offset: 1024, bytes: [0x10, 0x20, 0xf5, 0xf2] },
  { name: "vfat", offset: 82, bytes: [0x46, 0x41, 0x54, 0x33, 0x32] },
  { name: "vfat", offset: 54, bytes: [0x46, 0x41, 0x54, 0x31] },
  { name: "LUKS", offset: 0, bytes: [0x4c, 0x55, 0x4b, 0x53, 0xba, 0xbe] },
];

/** Name of the file system that begins with these bytes, or undefined. btrfs needs more than 64 KiB and is not among them. */
export function identify(head: Uint8Array): string | undefined {
  return magics.find(({ offset, bytes }) => bytes.every((byte, i) => head[offset + i] === byte))?.name;
}
