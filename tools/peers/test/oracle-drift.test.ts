import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { describeWithPeers, type Peer, type SysextResult, systemdDrift, systemdSysext } from "../src/index.js";

interface Text {
  readonly text: string | null;
  readonly base64: string | null;
}

/** A recorded merge of one image on one host; `README.md` beside the recordings explains the fields. */
interface MatchCase {
  readonly id: string;
  readonly host_os_release: string | null;
  readonly host_os_release_base64: string | null;
  readonly host_os_release_path: string | null;
  readonly host_kind: "host" | "initrd";
  readonly extension_class: "sysext" | "confext";
  readonly image_name: string;
  readonly image_file_name: string;
  readonly image_type: string;
  readonly extension_release: string | null;
  readonly release_files: Readonly<Record<string, Text & { readonly strict_xattr: string | null }>>;
  readonly extra_host_files: Readonly<Record<string, string>>;
  readonly extra: Readonly<Record<string, unknown>>;
  readonly args: readonly string[];
  readonly accepted: boolean;
  readonly reason: string;
  readonly exit_code: number;
  readonly decisive_log: string | null;
}

const recording = fileURLToPath(new URL("../../../test-images/oracle/match-cases.json", import.meta.url));

/** Directory images that one can rebuild from the recording, and one of each kind of verdict, class and host; then every 20th. */
function sample(cases: readonly MatchCase[]): MatchCase[] {
  const seen = new Set<string>();
  return cases
    .filter(({ image_type: type, extra }) => type === "directory" && Object.keys(extra).length === 0)
    .filter(({ extension_release: text }) => process.arch === "x64" || !text?.includes("ARCHITECTURE"))
    .filter(({ reason, extension_class: kind, host_kind: host }, index) => {
      const key = `${reason} ${kind} ${host}`;
      if (seen.has(key) && index % 20 !== 0) return false;
      seen.add(key);
      return true;
    });
}

const bytesOf = ({ text, base64 }: Text) => Buffer.from(base64 ?? text ?? "", base64 === null ? "utf8" : "base64");

function write(path: string, bytes: Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}

async function writeImage(root: string, one: MatchCase, setfattr: Peer): Promise<void> {
  const isSysext = one.extension_class === "sysext";
  const image = join(root, "run", isSysext ? "extensions" : "confexts", one.image_file_name);
  write(join(image, isSysext ? "usr/share/payload" : "etc/payload"), Buffer.from("payload"));
  const releases = join(image, isSysext ? "usr/lib" : "etc", "extension-release.d");
  for (const [name, release] of Object.entries(one.release_files)) {
    const path = join(releases, `extension-release.${name}`);
    write(path, bytesOf(release));
    if (release.strict_xattr === null) continue;
    const attribute = ["-n", "user.extension-release.strict", "-v", release.strict_xattr];
    expect(await setfattr.run([...attribute, path])).toMatchObject({ exitCode: 0 });
  }
}

async function replay(root: string, one: MatchCase, setfattr: Peer): Promise<SysextResult> {
  for (const path of ["usr/share", "opt", "etc"]) mkdirSync(join(root, path), { recursive: true });
  const { host_os_release: text, host_os_release_base64: base64, host_os_release_path: path } = one;
  if (path !== null) write(join(root, path), bytesOf({ text, base64 }));
  if (one.host_kind === "initrd") write(join(root, "etc/initrd-release"), Buffer.of());
  for (const [extra, content] of Object.entries(one.extra_host_files)) write(join(root, extra), Buffer.from(content));
  await writeImage(root, one, setfattr);
  return systemdSysext(root, { class: one.extension_class, args: one.args });
}

/** What the recording says and the running systemd doesn't. */
function differences(one: MatchCase, live: SysextResult): string[] {
  const found: string[] = [];
  const accepted = live.exitCode === 0 && live.merged.includes(one.image_name);
  if (live.exitCode !== one.exit_code) found.push(`exit code ${live.exitCode}, recorded ${one.exit_code}`);
  if (accepted !== one.accepted) found.push(`accepted ${accepted}, recorded ${one.accepted}`);
  if (one.decisive_log !== null && !live.stderr.includes(one.decisive_log.trim())) {
    found.push(`not for the recorded reason ${one.reason}: ${one.decisive_log.trim()}`);
  }
  return found.map((text) => `${one.id}: ${text}`);
}

describeWithPeers("the recorded verdicts", ["systemd-sysext", "setfattr"], (peers) => {
  const folder = mkdtempSync(join(tmpdir(), "sextant-drift-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  test("are those of the systemd that runs here", async () => {
    expect(existsSync(recording)).toBe(true);
    const { cases } = JSON.parse(readFileSync(recording, "utf8")) as { cases: MatchCase[] };
    const chosen = sample(cases);
    expect(chosen.length).toBeGreaterThanOrEqual(20);
    const found: string[] = [];
    for (const [index, one] of chosen.entries()) {
      found.push(...differences(one, await replay(join(folder, String(index)), one, peers.setfattr)));
    }
    const drift = systemdDrift(peers["systemd-sysext"].version);
    if (drift === undefined) expect(found).toEqual([]);
    else process.stderr.write(`${[drift, ...found].join("\n")}\n`);
  });
});
