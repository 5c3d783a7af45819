import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder, markerName } from "./cache.js";
import { type DebianSuite, type KernelName, kernelPackage, kernelSuites } from "./catalog.js";
import { unpackPackages, withPackages } from "./packages.js";
import { bytesOnDisk, putInPlace, removeFolder } from "./root.js";

/** A kernel of Debian for x86-64, unpacked and not installed. */
export interface Kernel {
  readonly name: KernelName;
  /** As `uname -r` says it, such as `6.12.117+deb13-cloud-amd64`. */
  readonly version: string;
  /** The image that boot loaders and QEMU take. */
  readonly vmlinuz: string;
  /** The folder with `modules.builtin`, and the modules below `kernel`. */
  readonly modulesDirectory: string;
}

/** Where Debian has put modules, now and before. */
const modulePlaces = ["usr/lib/modules", "lib/modules"];

const kernelFolder = (name: KernelName) => join(cacheFolder(), `kernel-${name}`);

function findKernel(name: KernelName, folder: string): Kernel | undefined {
  const modules = modulePlaces.map((place) => join(folder, place)).find(existsSync);
  const version = modules && readdirSync(modules)[0];
  if (modules === undefined || version === undefined) return undefined;
  const modulesDirectory = join(modules, version);
  const images = [join(folder, `boot/vmlinuz-${version}`), join(modulesDirectory, "vmlinuz")];
  const vmlinuz = images.find(existsSync);
  return vmlinuz === undefined ? undefined : { name, version, vmlinuz, modulesDirectory };
}

/** The kernel of a series, or undefined where this machine has none. Looks only, never downloads: `npm run peers` does. */
export function kernel(name: KernelName): Kernel | undefined {
  const folder = kernelFolder(name);
  return existsSync(join(folder, markerName)) ? findKernel(name, folder) : undefined;
}

/** What the kernel's folder takes on disk, in bytes. */
export function kernelBytes(name: KernelName): number | undefined {
  const path = join(kernelFolder(name), markerName);
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as { bytes: number }).bytes : undefined;
}

/** Downloads a kernel with its modules, unpacks it, and puts it in its place when it is complete. */
export async function makeKernel(name: KernelName, mirror: string): Promise<void> {
  const suite: DebianSuite = kernelSuites[name];
  const folder = kernelFolder(name);
  const partial = `${folder}.partial-${process.pid}`;
  const debs = join(partial, "debs");
  mkdirSync(debs, { recursive: true });
  await withPackages(
    suite,
    async (archive) => {
      // The kernel is one package in some suites and several in others, all of them named for its version.
      const names = await archive.closure(kernelPackage, /^linux-(image|base|binary|modules)-\d/);
      await unpackPackages(await archive.download(names, debs), partial);
    },
    mirror,
  );
  for (const path of ["debs", "usr/share"]) await removeFolder(join(partial, path));
  const made = findKernel(name, partial);
  if (made === undefined) throw new Error(`${kernelPackage} of ${suite} has no kernel where it is looked for`);
  const bytes = await bytesOnDisk(partial);
  writeFileSync(join(partial, markerName), `${JSON.stringify({ version: made.version, bytes })}\n`);
  await putInPlace(partial, folder);
}
