import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { peerEnvironment, run } from "./process.js";

const succeeds = (program: string, args: readonly string[]) =>
  spawnSync(program, args, { env: peerEnvironment(), stdio: "ignore" }).status === 0;

let loopsWork: boolean | undefined;

/** Tries it: containers often have root without loop devices. */
function probeLoops(): boolean {
  if (process.getuid?.() !== 0) return false;
  const folder = mkdtempSync(join(tmpdir(), "sextant-loop-"));
  try {
    const file = join(folder, "file");
    writeFileSync(file, "");
    truncateSync(file, 1 << 20);
    const { status, stdout } = spawnSync("losetup", ["--find", "--show", "--read-only", file], {
      env: peerEnvironment(),
      encoding: "utf8",
    });
    if (status !== 0) return false;
    return succeeds("losetup", ["--detach", stdout.trim()]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function kernelHas(fsType: string): boolean {
  const listed = () => readFileSync("/proc/filesystems", "utf8").split(/\s+/).includes(fsType);
  return listed() || (succeeds("modprobe", ["--quiet", fsType]) && listed());
}

/** Whether this process can mount images in loop devices here, and the kernel knows the filesystem. */
export function canMount(fsType?: string): boolean {
  loopsWork ??= probeLoops();
  return loopsWork && (fsType === undefined || kernelHas(fsType));
}

/**
 * Mounts an image read-only through a loop device, calls `use` with the mount point, and unmounts, whatever happened.
 * Needs root (`canMount`). Rejects with the kernel's words where the image does not mount.
 */
export async function withLoopMount<T>(
  imagePath: string,
  fsType: string,
  use: (mountPoint: string) => Promise<T> | T,
): Promise<T> {
  const mountPoint = mkdtempSync(join(tmpdir(), "sextant-mount-"));
  try {
    const { exitCode, stderr } = await run(["mount", "-t", fsType, "-o", "ro,loop", imagePath, mountPoint]);
    if (exitCode !== 0) throw new Error(`mount of ${imagePath} as ${fsType} failed: ${stderr.trim()}`);
    try {
      return await use(mountPoint);
    } finally {
      const { exitCode: left } = await run(["umount", mountPoint]);
      // Somebody still has a file open: let go of the name now, the kernel does the rest at the last close.
      if (left !== 0) await run(["umount", "--lazy", mountPoint]);
    }
  } finally {
    rmdirSync(mountPoint);
  }
}
