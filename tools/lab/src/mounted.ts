import { nodeHasher } from "@sextant/bytes/node";
import type { Kernel } from "@sextant/peers";
import { type Directory, describeTree } from "@sextant/tree";
import { type BootOptions, bootLab, type Disk } from "./boot.js";
import type { Command } from "./guest.js";
import { describePrinted, statFormat } from "./listing.js";
import type { CommandResult } from "./results.js";

/** A filesystem image for a guest to mount. */
export interface LabImage {
  /** Tells it from the others. */
  readonly name: string;
  /** The path of the image, or its bytes. */
  readonly image: Disk["image"];
  /** Further devices that an EROFS image refers to, in their order. */
  readonly devices?: readonly Disk["image"][] | undefined;
  /** Mount options besides `ro`. */
  readonly options?: string | undefined;
}

/** What a kernel makes of an image. */
export type MountedImage =
  | {
      readonly name: string;
      readonly mounted: true;
      /** The tree as the guest sees it, in the words of `describeTree`. */
      readonly lines: readonly string[];
      /** What commands that read the tree said about files that they could not read. */
      readonly complaints: string;
      /** What the kernel said from the mount to the unmount. */
      readonly kernelLog: readonly string[];
    }
  | {
      readonly name: string;
      readonly mounted: false;
      /** What `mount` said. */
      readonly complaints: string;
      readonly kernelLog: readonly string[];
    };

/** How the guest is made; what `describeMounted` decides itself is not in it. */
export interface DescribeMountedOptions extends Pick<BootOptions, "timeoutSeconds" | "memoryMiB" | "resultsMiB"> {
  /** Default `erofs`; the module is loaded. */
  readonly filesystem?: string | undefined;
}

const steps = ["mount", "stat", "digest", "xattr", "log"] as const;
type Step = (typeof steps)[number];

/** What is done with one image, whose disk is `disk` and whose further devices follow it. */
function scripts(place: string, disk: number, options: readonly string[], filesystem: string): Record<Step, string> {
  const isMounted = `grep -q ' ${place} ' /proc/mounts`;
  const inside = `${isMounted} || exit 0; cd ${place} || exit 1`;
  return {
    mount: `dmesg -c >/dev/null; mkdir ${place} && mount -t ${filesystem} -o ${options.join(",")} /disks/${disk} ${place}`,
    stat: `${inside}; find . -print0 | xargs -0 stat -c '${statFormat}'`,
    digest: `${inside}; find . -type f -print0 | xargs -0 -r sha256sum`,
    xattr: `${inside}; getfattr --recursive --physical --no-dereference --dump --match=- --encoding=hex .`,
    log: `! ${isMounted} || umount ${place}; dmesg`,
  };
}

const commandName = (step: Step, index: number) => `${step}-${index}`;

function plan(images: readonly LabImage[], filesystem: string): { disks: Disk[]; commands: Command[] } {
  const disks: Disk[] = [];
  const commands: Command[] = [];
  for (const [index, { image, devices = [], options }] of images.entries()) {
    const disk = disks.length;
    for (const one of [image, ...devices]) disks.push({ image: one });
    const extra = devices.map((_, number) => `device=/disks/${disk + 1 + number}`);
    const all = ["ro", ...extra, ...(options === undefined ? [] : [options])];
    const byStep = scripts(`/mnt/${index}`, disk, all, filesystem);
    for (const step of steps) commands.push({ name: commandName(step, index), script: byStep[step] });
  }
  return { disks, commands };
}

function conclude(name: string, resultOf: (step: Step) => CommandResult): MountedImage {
  const [mount, stat, digest, xattr] = [resultOf("mount"), resultOf("stat"), resultOf("digest"), resultOf("xattr")];
  const log = Buffer.from(resultOf("log").stdout).toString();
  // The times are those of the emulation.
  const kernelLog = log.split("\n").flatMap((line) => (line === "" ? [] : [line.replace(/^\[ *\d+\.\d+\] /, "")]));
  if (mount.exitCode !== 0) return { name, mounted: false, complaints: mount.stderr.trim(), kernelLog };
  const lines = describePrinted({ stat: stat.stdout, digests: digest.stdout, xattrs: xattr.stdout });
  const complaints = [stat, digest, xattr].map(({ stderr }) => stderr.trim()).filter((text) => text !== "");
  return { name, mounted: true, lines, complaints: complaints.join("\n"), kernelLog };
}

/**
 * Boots a kernel once, mounts each image read-only, reads all of it, and gives what the kernel shows or why it refuses, in
 * the order of the images. Rejects with `LabError` where the guest itself fails, for example by a crash of the kernel.
 */
export async function describeMounted(
  kernel: Kernel,
  images: readonly LabImage[],
  options: DescribeMountedOptions = {},
): Promise<MountedImage[]> {
  const { filesystem = "erofs", ...rest } = options;
  const { disks, commands } = plan(images, filesystem);
  const { results } = await bootLab({ ...rest, kernel, modules: [filesystem], disks, commands });
  return images.map(({ name }, index) =>
    conclude(name, (step) => {
      const result = results.get(commandName(step, index));
      if (result === undefined) throw new Error(`the guest gave no result of ${commandName(step, index)}`);
      return result;
    }),
  );
}

const byPath = (lines: Iterable<string>) => new Map([...lines].map((line) => [line.split(" ", 1)[0] ?? "", line]));

/** The fields of a line that have no equal in the other. */
function apart(line: string, other: string): string {
  const theirs = new Set(other.split(" "));
  return (
    line
      .split(" ")
      .filter((field) => !theirs.has(field))
      .join(" ") || "nothing more"
  );
}

/** Everything in which a mounted image differs from the tree that it was made from, a sentence each; empty where it does not. */
export async function compareMounted(tree: Directory, mounted: MountedImage): Promise<string[]> {
  if (!mounted.mounted) return [`not mounted: ${[mounted.complaints, ...mounted.kernelLog].join("; ")}`];
  const expected: string[] = [];
  for await (const line of describeTree(tree, { hasher: nodeHasher })) expected.push(line);
  const [wanted, found] = [byPath(expected), byPath(mounted.lines)];
  const differences: string[] = [];
  for (const [path, line] of wanted) {
    const other = found.get(path);
    if (other === undefined) differences.push(`${path}: missing`);
    else if (other !== line) differences.push(`${path}: has ${apart(other, line)}, not ${apart(line, other)}`);
  }
  for (const path of found.keys()) if (!wanted.has(path)) differences.push(`${path}: unexpected`);
  if (mounted.complaints !== "") differences.push(mounted.complaints);
  return differences;
}
