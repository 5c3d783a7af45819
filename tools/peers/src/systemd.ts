import { inSystemdRoot, type SystemdRootOptions } from "./namespace.js";
import type { RunResult } from "./process.js";

/** What a merge did, and what one could see in it. */
export interface SysextResult extends RunResult {
  /** Names of the extensions that were merged, in systemd's order. Why others were not stands in `stderr`. */
  readonly merged: readonly string[];
  /** What `afterwards` printed, seen in the namespace that still has the mounts. */
  readonly afterwards: string;
}

/** What to run, and on what. */
export interface SysextOptions extends Pick<SystemdRootOptions, "binds" | "env" | "timeoutMs"> {
  /** Default `sysext`. */
  readonly class?: "sysext" | "confext";
  /** Default `merge`. */
  readonly verb?: "merge" | "unmerge" | "refresh" | "status" | "list";
  /** More arguments, such as `--force`. */
  readonly args?: readonly string[];
  /** A bash script that runs after the command, whether it succeeded or not; `$root` is the host tree, merged. */
  readonly afterwards?: string;
}

const script = `
program=$1 root=$2 verb=$3 fence=$4; shift 4
"$program" --root="$root" --no-pager "$@" "$verb"
code=$?
printf '%s' "$fence"
[ -z "$afterwards" ] || eval "$afterwards"
exit $code
`;

/**
 * Runs `systemd-sysext --root=ROOT VERB` (or confext) of the sid root on a host tree of this machine, in a mount namespace
 * of its own, so that the merge is gone afterwards; `afterwards` can look at it while it is there.
 */
export async function systemdSysext(root: string, options: SysextOptions = {}): Promise<SysextResult> {
  const { class: kind = "sysext", verb = "merge", args = [], afterwards = "", env, ...rest } = options;
  const fence = "\n-- afterwards --\n";
  const result = await inSystemdRoot({
    ...rest,
    script,
    argv: [`/usr/bin/systemd-${kind}`, root, verb, fence, ...args],
    // The verdicts on each extension are debug messages.
    env: { SYSTEMD_LOG_LEVEL: "debug", ...env, afterwards },
  });
  const [text = "", later = ""] = result.text.split(fence);
  const [, using = ""] = /^Using extensions (.*)\.$/m.exec(result.stderr) ?? [];
  const merged = [...using.matchAll(/'([^']*)'/g)].map(([, name = ""]) => name);
  return { ...result, text, merged, afterwards: later };
}

/** Runs `systemd-dissect ARGS... IMAGE` of the sid root; with `--json=short` or so, `text` is the document. */
export function systemdDissect(
  image: string,
  args: readonly string[],
  options: Pick<SystemdRootOptions, "binds" | "env" | "timeoutMs"> = {},
): Promise<RunResult> {
  return inSystemdRoot({ ...options, argv: ["/usr/bin/systemd-dissect", "--no-pager", ...args, image] });
}
