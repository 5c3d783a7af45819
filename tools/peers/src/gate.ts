import { describe, test } from "vitest";
import type { PeerName } from "./catalog.js";
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
