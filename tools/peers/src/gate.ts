import { describe, test } from "vitest";
import type { KernelName, PeerName } from "./catalog.js";
import { type Kernel, kernel } from "./kernel.js";
import { canMount } from "./mounts.js";
import { type Peer, peer } from "./peer.js";

function inCi(): boolean {
  const { CI } = process.env;
  return CI === "true";
}

/** What stands for tests that cannot run here: a line and one skipped test, or a failure where nothing may be missing. */
function unavailable(title: string, missing: string, remedy: string): void {
  if (inCi()) {
    test(`${title}: needs ${missing}`, () => {
      throw new Error(`no ${missing} (${remedy})`);
    });
    return;
  }
  process.stderr.write(`skipped: ${title}: no ${missing} (${remedy})\n`);
  test.skip(`${title}: no ${missing}`, () => {});
}

/**
 * `describe` for tests that compare with real tools. Where one is missing it prints one line and skips; with `CI=true` it
 * fails instead. `body` gets exactly the peers of `names`.
 */
export function describeWithPeers<const N extends PeerName>(
  title: string,
  names: readonly N[],
  body: (peers: { readonly [K in N]: Peer }) => void,
): void {
  const peers: Partial<Record<PeerName, Peer>> = {};
  const missing: string[] = [];
  for (const name of names) {
    const one = peer(name);
    if (one === undefined) missing.push(name);
    else peers[name] = one;
  }
  if (missing.length > 0) unavailable(title, missing.join(", "), "npm run peers");
  else describe(title, () => body(peers as { readonly [K in N]: Peer }));
}

/** What a kernel is booted with. */
const bootPeers = ["qemu-system-x86_64", "busybox", "getfattr"] as const satisfies readonly PeerName[];

/** `describe` for tests that boot kernels of these series, one after another; gated as `describeWithPeers`. */
export function describeWithKernels<const N extends KernelName>(
  title: string,
  names: readonly N[],
  body: (kernels: { readonly [K in N]: Kernel }) => void,
): void {
  const kernels: Partial<Record<KernelName, Kernel>> = {};
  const missing: string[] = bootPeers.filter((name) => peer(name) === undefined);
  for (const name of names) {
    const one = kernel(name);
    if (one === undefined) missing.push(`kernel ${name}`);
    else kernels[name] = one;
  }
  if (missing.length > 0) unavailable(title, missing.join(", "), "npm run peers");
  else describe(title, () => body(kernels as { readonly [K in N]: Kernel }));
}

/** `describe` for tests that use loop devices, or mount images of these filesystems; gated as `describeWithPeers`. */
export function describeWithMounts(title: string, fsTypes: readonly string[], body: () => void): void {
  const missing = canMount() ? fsTypes.filter((fsType) => !canMount(fsType)) : ["loop devices", ...fsTypes];
  if (missing.length > 0)
    unavailable(title, `mounts: ${missing.join(", ")}`, "needs root, loop devices and the kernel's drivers");
  else describe(title, body);
}

/** `describe` for tests that give files other owners, make devices or set `trusted.` xattrs; gated as `describeWithPeers`. */
export function describeAsRoot(title: string, body: () => void): void {
  if (process.getuid?.() !== 0) unavailable(title, "root", "run the tests as root");
  else describe(title, body);
}
