import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describeWithPeers, oracleSystemdVersion, type Peer, type SysextResult, systemdSysext } from "@sextant/peers";
import { expect, it } from "vitest";
import { type Content, type ImageCase, imageCases, release } from "./image-cases.js";

type Peers = Readonly<Record<"mkfs.erofs" | "setfattr" | "systemd-sysext", Peer>>;

/** Runs a peer that must succeed. */
async function must(peer: Peer, ...args: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await peer.run(args);
  if (exitCode !== 0) throw new Error(`${peer.name} ${args.join(" ")}: ${stderr}`);
}

async function place(root: string, path: string, content: Content, { setfattr }: Peers): Promise<void> {
  const at = join(root, path);
  mkdirSync(dirname(at), { recursive: true });
  if (typeof content === "string") writeFileSync(at, content);
  else if ("link" in content) symlinkSync(content.link, at);
  else if ("directory" in content) mkdirSync(at);
  else {
    writeFileSync(at, content.text);
    const value = `0x${Buffer.from(content.strict).toString("hex")}`;
    await must(setfattr, "-n", "user.extension-release.strict", "-v", value, at);
  }
}

/** Lays out a host with the one image of a case, and lets systemd-sysext merge it in a namespace of its own. */
async function merge(row: ImageCase, peers: Peers): Promise<SysextResult> {
  const { kind = "sysext", name = "foo", form } = row;
  const folder = mkdtempSync(join(tmpdir(), "sextant-judge-"));
  try {
    const root = join(folder, "root");
    const store = join(root, "var/lib", kind === "sysext" ? "extensions" : "confexts");
    for (const directory of ["etc", "usr/share", "opt", "run"]) mkdirSync(join(root, directory), { recursive: true });
    writeFileSync(join(root, "etc/os-release"), release);
    const tree = form === "raw" ? join(folder, "tree") : join(store, name);
    for (const directory of [store, join(tree, kind === "sysext" ? "usr" : "etc")])
      mkdirSync(directory, { recursive: true });
    for (const [path, content] of Object.entries(row.files)) await place(tree, path, content, peers);
    if (form === "raw") await must(peers["mkfs.erofs"], join(store, `${name}.raw`), tree);
    const args = row.force ? ["--force"] : [];
    return await systemdSysext(root, { class: kind, args, env: { SYSTEMD_LOG_LEVEL: "debug" } });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What systemd's log says where an image is taken, or passed over, or makes the command fail. */
const marks: readonly (readonly [reason: string, mark: RegExp])[] = [
  ["accept:forced", /Force mode enabled/],
  ["accept:version-or-level", /Version info of extension .* matches host/],
  ["reject:no-release-data", /carries no release data, ignoring|Failed to mount image: No medium found/],
  ["reject:forbidden-os-release", /Extension contains '\/usr\/lib\/os-release', which is not allowed, refusing/],
  ["fatal:forbidden-os-release", /Conflicting content found in image/],
  ["fatal:metadata-no-release-file", /Failed to read metadata for image .*: No medium found/],
  ["fatal:metadata-ambiguous-release-files", /Failed to (?:read metadata for|mount) image.*: Name not unique/],
  ["fatal:metadata-unreadable-release-file", /Failed to read metadata for image .*: Is a directory/],
  ["fatal:symlink-loop", /Failed to read metadata for image .*: Too many levels of symbolic links/],
  ["fatal:name", /Failed to read metadata for image .*: File name too long/],
  ["fatal:mstack", /Failed to read metadata for image .*: Operation not supported/],
];

describeWithPeers(
  "systemd-sysext judges images as judgeImage does",
  ["mkfs.erofs", "setfattr", "systemd-sysext"],
  (peers) => {
    const version = Number.parseInt(peers["systemd-sysext"].version, 10);

    it.each(
      imageCases
        .filter(({ slow }) => slow !== true)
        .map((row) => [row.form, row.what, row.force ? "forced" : "", row] as const),
    )("%s: %s %s", async (_form, _what, _forced, row) => {
      const { exitCode, stderr } = await merge(row, peers);
      const said = marks.find(([reason]) => reason === row.reason)?.[1].test(stderr);
      const same = exitCode === (row.reason.startsWith("fatal:") ? 1 : 0) && said === true;
      if (version === oracleSystemdVersion) expect([same, same ? "" : stderr]).toEqual([true, ""]);
      else if (!same) process.stderr.write(`drift: systemd ${version} does not say ${row.reason} of ${row.what}\n`);
    });
  },
);
