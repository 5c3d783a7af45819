/**
 * The floors of the house: a package imports only from lower ones. Packages that are still to come stand here
 * already, so that their place is decided before their first import.
 */
export const floors: readonly (readonly string[])[] = [
  ["bytes", "workers"],
  ["extension-release", "image-policy", "tree", "codecs", "elf", "verity", "signing"],
  ["archive", "erofs", "squashfs", "ddi", "merge-planner", "squashfs-tools-wrapper"],
  ["image"],
  ["workspace", "initrd", "publish"],
  ["cli", "explorer"],
];

/** The floor of a package or app by its short name, or undefined if nobody gave it one. */
export function floorOf(name: string): number | undefined {
  const floor = floors.findIndex((names) => names.includes(name));
  return floor < 0 ? undefined : floor;
}

/** Packages that read and write an on-disk format: the same functions and file names in each. */
export const formatPackages: readonly string[] = ["erofs", "squashfs", "ddi"];

/** What a format package exports, and the files that it is made of. */
export const formatExports: readonly string[] = ["open", "plan", "emit", "check"];
export const formatFiles: readonly string[] = [
  "layout.ts",
  "read.ts",
  "plan.ts",
  "write.ts",
  "check.ts",
  "dump.ts",
  "errors.ts",
  "index.ts",
];

/** What only tests import. */
export const testOnly: readonly string[] = ["@sextant/testkit", "@sextant/peers", "vitest", "fast-check"];
