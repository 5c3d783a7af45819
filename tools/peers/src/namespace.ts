import { existsSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { readMarker, rootFolder } from "./cache.js";
import type { Suite } from "./catalog.js";
import { type RunOptions, type RunResult, run } from "./process.js";

/** A folder or file of this machine that is seen inside, at `inside` (default: at the same path). */
export interface Bind {
  readonly host: string;
  readonly inside?: string;
}

/**
 * Builds the root in a fresh mount namespace and goes there. A plain chroot would not do: systemd refuses to mount where
 * `/` is no mount point, and its mounts must propagate to the namespaces that it makes itself. The suite's root is the
 * lower layer of an overlay, so whatever runs here leaves the cached one as it is.
 * Arguments: the root, the working folder, pairs of outer and inner paths, `--`, the command.
 */
const enter = `
set -e
cd "$1"; there=$2; shift 2
mount -t tmpfs tmpfs mnt
mkdir mnt/upper mnt/work mnt/root
mount -t overlay -o lowerdir=.,upperdir=mnt/upper,workdir=mnt/work overlay mnt/root
cd mnt/root
for tree in proc dev sys; do mount --rbind "/$tree" "$tree"; done
mount --make-rprivate /
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mkdir -p ".$2"; else mkdir -p ".\${2%/*}"; touch ".$2"; fi
  mount --rbind "$1" ".$2"
  shift 2
done
shift
mount --make-rshared /
exec chroot . /bin/sh -c 'cd "$0" && exec "$@"' "$there" "$@"
`;

/** The checkout that this file belongs to. */
export const repositoryFolder = fileURLToPath(new URL("../../..", import.meta.url)).replace(/\/$/, "");

/**
 * The start of a command line that runs the rest of it inside a suite's root. The machine's temporary folder and the
 * checkout are always bound in at their own paths.
 */
export function namespaceCommand(suite: Suite, binds: readonly Bind[] = [], cwd = "/"): readonly string[] {
  const own = [...new Set([realpathSync(tmpdir()), repositoryFolder])].map((host): Bind => ({ host }));
  const pairs = [...own, ...binds].flatMap(({ host, inside = host }) => [host, inside]);
  const place = ["unshare", "--mount", "--propagation", "private", "sh", "-c", enter, "enter-root"];
  return [...place, rootFolder(suite), cwd, ...pairs, "--"];
}

/** Whether this process may make mount namespaces and the root is there. */
export function canEnter(suite: Suite): boolean {
  return process.getuid?.() === 0 && existsSync("/usr/bin/unshare") && readMarker(suite) !== undefined;
}

export interface SystemdRootOptions extends RunOptions {
  /** The command; or give `script`. */
  readonly argv?: readonly string[];
  /** A shell script, run by bash with `argv` as its positional parameters. */
  readonly script?: string;
  /** What else is seen inside; the temporary folder and the checkout always are. */
  readonly binds?: readonly Bind[];
}

/**
 * Runs a command or a shell script in a private mount namespace whose root is the sid root: current systemd, able to
 * mount, with `/proc`, `/dev` and `/sys` of this machine and empty `/run`. What it mounts or writes outside the bound
 * folders is gone when it ends. Needs root and `npm run peers`.
 */
export function inSystemdRoot(options: SystemdRootOptions): Promise<RunResult> {
  const { argv = [], script, binds = [], cwd, ...rest } = options;
  const command = script === undefined ? argv : ["/bin/bash", "-c", script, "script", ...argv];
  if (command.length === 0) throw new TypeError("give a script or a command");
  return run([...namespaceCommand("sid", binds, cwd), ...command], rest);
}
