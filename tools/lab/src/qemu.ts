import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { peer } from "@sextant/peers";
import { LabError } from "./errors.js";

/** A disk as QEMU attaches it. */
export interface Drive {
  /** A raw image. */
  readonly path: string;
  /** At most 20 characters; the guest finds it as `/sys/block/NAME/serial`. */
  readonly serial: string;
  readonly readonly: boolean;
}

/** A virtual machine. */
export interface Machine {
  readonly vmlinuz: string;
  readonly initrd: string;
  /** Added to the kernel's command line. */
  readonly append: string;
  readonly drives: readonly Drive[];
  readonly memoryMiB: number;
  readonly processors: number;
  readonly timeoutSeconds: number;
  /** A file for the serial console. */
  readonly console: string;
}

/** The first slot of the PCI bus that is free on QEMU's `pc` machine without default devices. */
const firstSlot = 4;
/** Of a slot; every disk is one, so that hundreds of them find room. */
const functionsPerSlot = 8;
const slots = 32;

/** Most disks that a machine takes. */
export const maxDrives = (slots - firstSlot) * functionsPerSlot;

function driveArguments({ path, serial, readonly }: Drive, index: number): string[] {
  const slot = firstSlot + Math.floor(index / functionsPerSlot);
  const place = `addr=${slot.toString(16)}.${index % functionsPerSlot},multifunction=on`;
  // QEMU's option syntax has commas doubled.
  const file = path.replaceAll(",", ",,");
  return [
    ...["-drive", `file=${file},format=raw,if=none,id=drive${index},readonly=${readonly ? "on" : "off"},cache=unsafe`],
    ...["-device", `virtio-blk-pci,drive=drive${index},serial=${serial},${place}`],
  ];
}

/** A crash ends the guest; what only takes time there, a sixth of a boot, is left out. */
const commandLine = "console=ttyS0 loglevel=4 panic=-1 mitigations=off cryptomgr.notests=1 random.trust_cpu=on";

function machineArguments(machine: Machine): string[] {
  const { vmlinuz, initrd, append, drives, memoryMiB, processors, console } = machine;
  // Emulation everywhere: what a test sees must not depend on whether this machine has KVM.
  const hardware = ["-accel", "tcg,thread=multi", "-cpu", "max", "-smp", `${processors}`, "-m", `${memoryMiB}`];
  const devices = ["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", `file:${console}`];
  const boot = ["-kernel", vmlinuz, "-initrd", initrd, "-append", `${commandLine} ${append}`];
  return [...hardware, ...devices, ...boot, ...drives.flatMap(driveArguments)];
}

const readConsole = (path: string) => (existsSync(path) ? readFileSync(path, "latin1").replaceAll("\r", "") : "");

/**
 * Runs a machine until it powers itself off. Gives its console. Rejects with `LabError` where QEMU fails or takes longer than
 * the time limit; then it is killed.
 */
export function runMachine(machine: Machine): Promise<string> {
  const program = peer("qemu-system-x86_64")?.command.at(-1);
  if (program === undefined) throw new Error("no qemu-system-x86_64 on this machine (npm run peers)");
  return new Promise((resolve, reject) => {
    // No guest outlives the tests that started it.
    const child = spawn("setpriv", ["--pdeathsig", "KILL", program, ...machineArguments(machine)], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let complaint = "";
    let late = false;
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaint += text;
    });
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, machine.timeoutSeconds * 1000);
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const text = readConsole(machine.console);
      if (late) reject(new LabError(`the guest did not end within ${machine.timeoutSeconds} s`, text));
      else if (code !== 0) reject(new LabError(`QEMU ended with ${signal ?? code}: ${complaint.trim()}`, text));
      else resolve(text);
    });
  });
}
