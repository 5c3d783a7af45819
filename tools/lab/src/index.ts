export { type BootOptions, type BootResult, bootLab, type Disk } from "./boot.js";
export { LabError } from "./errors.js";
export type { Command } from "./guest.js";
export { describePrinted, type Printed } from "./listing.js";
export {
  compareMounted,
  type DescribeMountedOptions,
  describeMounted,
  type LabImage,
  type MountedImage,
} from "./mounted.js";
export type { CommandResult } from "./results.js";
