import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Kernel } from "@sextant/peers";
import { LabError } from "./errors.js";
import { type Command, composeGuest, diskSerial, resultsSerial } from "./guest.js";
import { loadModules } from "./modules.js";
import { type Drive, maxDrives, runMachine } from "./qemu.js";
import { type CommandResult, readResults } from "./results.js";

/** A disk of the guest: a raw image, in a file or in memory. */
export interface Disk {
  /** A file of this machine, or the bytes of one. */
  readonly image: string | Uint8Array;
  /** Default true. What a guest writes to a disk in memory is gone with it. */
  readonly readonly?: boolean | undefined;
}

export interface BootOptions {
  readonly kernel: Kernel;
  /** Modules to load, besides those for disks; what they need is loaded with them. */
  readonly modules?: readonly string[] | undefined;
  /** They are `/disks/0`, `/disks/1` and so on in the guest. */
  readonly disks?: readonly Disk[] | undefined;
  /** Run one after another, whatever each comes to. */
  readonly commands: readonly Command[];
  /** Added to the kernel's command line. */
  readonly append?: string | undefined;
  /** Default 120; the guest is killed then. */
  readonly timeoutSeconds?: number | undefined;
  /** Default 512. */
  readonly memoryMiB?: number | undefined;
  /** Default 1: emulated processors that wait for each other cost more than they do. */
  readonly processors?: number | undefined;
  /** Room for all results together; default 256. */
  readonly resultsMiB?: number | undefined;
}

/** What a guest left. */
export interface BootResult {
  readonly results: ReadonlyMap<string, CommandResult>;
  /** The serial console: what the kernel printed. */
  readonly console: string;
  /** From the start of QEMU to its end. */
  readonly seconds: number;
}

const diskModules = ["virtio_pci", "virtio_blk"];
const sectorBytes = 512;

/** QEMU takes whole sectors. */
function writeDisk(path: string, bytes: Uint8Array): string {
  writeFileSync(path, bytes);
  truncateSync(path, Math.ceil(bytes.length / sectorBytes) * sectorBytes);
  return path;
}

/**
 * Boots a kernel in an emulated machine, runs commands in it, and gives what they printed. Needs no root. Rejects with
 * `LabError`, which has the console, where the guest does not come to its end in time.
 */
export async function bootLab(options: BootOptions): Promise<BootResult> {
  const { kernel, modules = [], disks = [], commands, append = "" } = options;
  const { timeoutSeconds = 120, memoryMiB = 512, processors = 1, resultsMiB = 256 } = options;
  if (disks.length >= maxDrives)
    throw new RangeError(`a guest takes fewer than ${maxDrives} disks, not ${disks.length}`);
  const folder = mkdtempSync(join(tmpdir(), "sextant-lab-"));
  const inFolder = (name: string) => join(folder, name);
  try {
    const loaded = await loadModules(kernel, [...diskModules, ...modules]);
    writeFileSync(inFolder("initrd"), await composeGuest(loaded, commands));
    const drives = disks.map(({ image, readonly = true }, index): Drive => {
      const path = typeof image === "string" ? image : writeDisk(inFolder(diskSerial(index)), image);
      return { path, serial: diskSerial(index), readonly };
    });
    const results = writeDisk(inFolder(resultsSerial), new Uint8Array(0));
    truncateSync(results, resultsMiB * 2 ** 20);
    const started = process.hrtime.bigint();
    const console = await runMachine({
      vmlinuz: kernel.vmlinuz,
      initrd: inFolder("initrd"),
      append,
      drives: [...drives, { path: results, serial: resultsSerial, readonly: false }],
      memoryMiB,
      processors,
      timeoutSeconds,
      console: inFolder("console"),
    });
    const seconds = Number(process.hrtime.bigint() - started) / 1e9;
    const { byName, complete } = readResults(results);
    if (!complete)
      throw new LabError(`the guest ended after ${[...byName.keys()].join(", ") || "no command"}`, console);
    return { results: byName, console, seconds };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
