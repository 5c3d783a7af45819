import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { writeCpio } from "@sextant/archive";
import { type PeerName, peer } from "@sextant/peers";
import { directory, file, nameFromText, symlink, type TreeBuilder, treeBuilder } from "@sextant/tree";
import { gather } from "./gather.js";
import type { KernelModule } from "./modules.js";

/** Something to do in the guest. */
export interface Command {
  /** What its result is called. */
  readonly name: string;
  /** For the shell of busybox. Disks are `/disks/0` and so on, in their order. */
  readonly script: string;
}

/** The serial number by which the guest knows the disk that takes the results. */
export const resultsSerial = "results";
/** The serial number of a disk of the caller. */
export const diskSerial = (index: number) => `disk-${index}`;

/**
 * The first process. Each result goes to a disk of its own as it comes, with its lengths before it, so that the kernel's
 * messages get nowhere near, and what came before a crash is there: `NAME EXIT STDOUT-BYTES STDERR-BYTES`, a line feed, and
 * the two outputs; `end` closes it.
 */
const init = `#!/bin/sh
export PATH=/bin HOME=/ LC_ALL=C TZ=UTC
mount -t devtmpfs devtmpfs /dev
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /tmp
stop() { sync; poweroff -f; }
for module in $(cat /lab/order); do
  insmod /lab/modules/$module || { echo "lab: no module $module"; stop; }
done
for disk in /sys/block/*; do
  [ -e $disk/serial ] || continue
  serial=$(cat $disk/serial)
  case $serial in disk-*) ln -s /dev/\${disk##*/} /disks/\${serial#disk-};; ${resultsSerial}) results=/dev/\${disk##*/};; esac
done
[ -n "$results" ] || { echo "lab: no disk for results"; stop; }
exec 3>$results
cd /lab/commands
for number in $(ls | sort -n); do
  name=$(cat $number/name)
  (cd /; exec sh /lab/commands/$number/script) 3>&- </dev/null >/tmp/stdout 2>/tmp/stderr
  echo "$name $? $(stat -c %s /tmp/stdout) $(stat -c %s /tmp/stderr)" >&3
  cat /tmp/stdout /tmp/stderr >&3
  rm /tmp/stdout /tmp/stderr
  sync
done
echo end >&3
stop
`;

function need(name: PeerName): string {
  const program = peer(name)?.command.at(-1);
  if (program === undefined) throw new Error(`no ${name} on this machine (npm run peers)`);
  return program;
}

/** A program of this machine, and what its loader takes in with it, all at their own paths. */
function putProgram(tree: TreeBuilder, program: string): void {
  const loader = "/lib64/ld-linux-x86-64.so.2";
  const { status, stdout, stderr } = spawnSync(loader, ["--list", program], { encoding: "utf8" });
  if (status !== 0) throw new Error(`the libraries of ${program} cannot be told: ${stderr}`);
  const libraries = [...stdout.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].map(([, path = ""]) => path);
  for (const path of libraries) tree.put(nameFromText(path), file(readFileSync(path), { mode: 0o755 }));
  tree.put(nameFromText(`bin/${basename(program)}`), file(readFileSync(program), { mode: 0o755 }));
}

/** The initramfs of a guest: busybox, `getfattr`, the modules, and what shall be done; an uncompressed newc archive. */
export async function composeGuest(
  modules: readonly KernelModule[],
  commands: readonly Command[],
): Promise<Uint8Array> {
  const tree = treeBuilder();
  const put = (path: string, content: string | Uint8Array, mode = 0o644) =>
    tree.put(nameFromText(path), file(typeof content === "string" ? Buffer.from(content) : content, { mode }));
  for (const path of ["dev", "proc", "sys", "tmp", "disks", "mnt"]) tree.put(nameFromText(path), directory());
  const busybox = need("busybox");
  put("bin/busybox", readFileSync(busybox), 0o755);
  const { stdout } = spawnSync(busybox, ["--list"], { encoding: "utf8" });
  for (const applet of stdout.split("\n").filter((name) => name !== "" && name !== "busybox")) {
    tree.put(nameFromText(`bin/${applet}`), symlink(nameFromText("busybox")));
  }
  putProgram(tree, need("getfattr"));
  put("init", init, 0o755);
  put("lab/order", modules.map(({ name }) => `${name}\n`).join(""));
  for (const { name, bytes } of modules) put(`lab/modules/${name}`, bytes);
  for (const [number, { name, script }] of commands.entries()) {
    put(`lab/commands/${number}/name`, name);
    put(`lab/commands/${number}/script`, script);
  }
  return gather(writeCpio(tree.build()));
}
