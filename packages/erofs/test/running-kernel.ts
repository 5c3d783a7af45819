import { release } from "node:os";
import { canMount } from "@sextant/peers";
import { type ErofsImage, isKernelAtLeast, neededKernel, parseKernelVersion } from "../src/index.js";

/** Whether the kernel that runs here takes an image, as far as its features tell. */
export function mountsHere(image: ErofsImage): boolean {
  const running = parseKernelVersion(release());
  const needed = parseKernelVersion(neededKernel(image).kernel);
  if (running === undefined || needed === undefined) return false;
  return canMount("erofs") && isKernelAtLeast(running, needed);
}
