import { inSystemdRoot, type SystemdRootOptions } from "./namespace.js";
import type { RunResult } from "./process.js";

export interface SysextResult extends RunResult {
  /** What `afterwards` printed, seen in the namespace that still has the mounts. */
  readonly afterwards: string;
}

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
    env: { SYSTEMD_LOG_LEVEL: "info", ...env, afterwards },
  });
  const [text = "", later = ""] = result.text.split(fence);
  return { ...result, text, afterwards: later };
}

/** Runs `systemd-dissect ARGS... IMAGE` of the sid root; with `--json=short` or so, `text` is the document. */
export function systemdDissect(
  image: string,
  args: readonly string[],
  options: Pick<SystemdRootOptions, "binds" | "env" | "timeoutMs"> = {},
): Promise<RunResult> {
  return inSystemdRoot({ ...options, argv: ["/usr/bin/systemd-dissect", "--no-pager", ...args, image] });
}
