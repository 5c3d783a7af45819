/**
 * The words of the language, in systemd's order, in which it prints them too.
 * Source: systemd.image-policy(7); systemd 262's `image-policy.c` for order and defaults.
 */

/** What a partition is for. */
export const designators = [
  "root",
  "usr",
  "home",
  "srv",
  "esp",
  "xbootldr",
  "swap",
  "root-verity",
  "usr-verity",
  "root-verity-sig",
  "usr-verity-sig",
  "tmp",
  "var",
] as const;
/** A partition that a rule is about. */
export type Designator = (typeof designators)[number];

/** How a partition may be used: these are alternatives. */
export const uses = [
  "verity",
  "signed",
  "encrypted",
  "encryptedwithintegrity",
  "unprotected",
  "unused",
  "absent",
] as const;
/** One way of use. */
export type Use = (typeof uses)[number];

/** What its attributes in the partition table may be. */
export const attributes = ["read-only-on", "read-only-off", "growfs-off", "growfs-on"] as const;
/** One state of one attribute. */
export type Attribute = (typeof attributes)[number];

/** Which file systems it may hold; none named: any. */
export const filesystems = ["btrfs", "erofs", "ext4", "f2fs", "squashfs", "vfat", "xfs"] as const;
/** A file system by its name in Linux. */
export type Filesystem = (typeof filesystems)[number];

/** One word of a rule. */
export type Flag = Use | Attribute | Filesystem;
export const flags: readonly Flag[] = [...uses, ...attributes, ...filesystems];

/** Words that stand for several. */
export const shorthands: Readonly<Record<string, readonly Flag[]>> = {
  open: uses,
  ignore: ["unused", "absent"],
};

/** The partition whose verity data, or signature, a partition holds. */
export const verityOf: Readonly<Partial<Record<Designator, Designator>>> = {
  "root-verity": "root",
  "usr-verity": "usr",
};
export const signatureOf: Readonly<Partial<Record<Designator, Designator>>> = {
  "root-verity-sig": "root",
  "usr-verity-sig": "usr",
};
