/**
 * `npm run demo`: two features made of what is on this machine become signed extensions and meet several hosts.
 * It runs the commands that a user would type and shows what they print. No root, no external tool.
 */
import { spawn } from "node:child_process";
import { chmod, copyFile, mkdir, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { architectureFromNode } from "@sextant/extension-release";
import { serve } from "./serve.js";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const output = join(root, "demo-output");
const hosts = join(root, "test-images/hosts");
const command = join(root, "node_modules/.bin/sextant");

/** What this machine builds for; its own runtime is what the feature is made of. */
const architecture = architectureFromNode(process.arch) ?? "x86-64";

const shown = (path: string) => (path.startsWith(root) ? relative(root, path) : path);

/** Prints a command, runs it with its output on ours, and returns its exit code. */
function sextant(expected: number, ...args: string[]): Promise<void> {
  console.log(`\n$ sextant ${args.map(shown).join(" ")}`);
  return new Promise((resolve, reject) => {
    const child = spawn(command, args.map(shown), { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
    child.on("error", reject);
    child.on("close", (exit) => {
      if (exit === expected) resolve();
      else reject(new Error(`sextant ${args[0]} ended with ${exit}, not ${expected}`));
    });
  });
}

async function writeInto(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

/** The runtime that runs this very script plays a fleet agent: one large program that hardly ever runs. */
async function makeFeatures(): Promise<{ agent: string; note: string }> {
  const agent = join(output, "features/fleet-agent");
  const note = join(output, "features/note");
  await mkdir(join(agent, "usr/bin"), { recursive: true });
  await copyFile(process.execPath, join(agent, "usr/bin/fleet-agent"));
  await chmod(join(agent, "usr/bin/fleet-agent"), 0o755);
  await writeInto(
    join(agent, "usr/lib/systemd/system/fleet-agent.service"),
    "[Unit]\nDescription=Fleet agent\n\n[Service]\nExecStart=/usr/bin/fleet-agent --version\n",
  );
  await writeInto(join(note, "usr/share/doc/note/README"), "A feature may be this small.\n");
  return { agent, note };
}

async function main(): Promise<void> {
  const started = process.hrtime.bigint();
  await rm(output, { recursive: true, force: true });
  const { agent, note } = await makeFeatures();
  const { size } = await stat(process.execPath);
  console.log(`sextant demo: two features, below ${shown(output)}/`);
  console.log(`  fleet-agent  this machine's Node runtime, ${(size / 1e6).toFixed(0)} MB, for Debian 13`);
  console.log("  note         one text file, for any host");

  const keys = join(output, "keys");
  await sextant(0, "keygen", keys);
  const sign = ["--key", join(keys, "sextant.key"), "--certificate", join(keys, "sextant.crt"), "--all-root"];
  const agentImage = join(output, "fleet-agent.raw");
  const noteImage = join(output, "note.raw");
  const forDebian = ["--id", "debian", "--version-id", "13", "--arch", architecture];
  await sextant(0, "build", "--name", "fleet-agent", "--from", agent, ...forDebian, ...sign, "-o", agentImage);
  await sextant(
    0,
    "build",
    "--name",
    "note",
    "--from",
    note,
    "--id",
    "_any",
    "--arch",
    "_any",
    ...sign,
    "-o",
    noteImage,
  );

  console.log("\nWhat was built, and whether every block and the signature hold:");
  await sextant(0, "inspect", agentImage);
  await sextant(0, "check", agentImage, "--certificate", join(keys, "sextant.crt"));

  console.log("\nWhich hosts take them? (A host that refuses one makes the exit code 1.)");
  const files = [
    "debian-12.os-release",
    "debian-13.os-release",
    "debian-13-arm64.json",
    "fedora-43.os-release",
    "flatcar.os-release",
  ];
  const hostFlags = files.flatMap((file) => ["--host", join(hosts, file)]);
  await sextant(1, "match", agentImage, noteImage, ...hostFlags, "--arch", architecture, "--stats");

  console.log("\nThe same question about an image on a web server, answered from its first bytes:");
  const server = await serve(output);
  try {
    const url = `${server.url}/fleet-agent.raw`;
    await sextant(0, "match", url, "--host", join(hosts, "debian-13.os-release"), "--arch", architecture, "--stats");
    console.log(`(the server's log: ${server.log().join("; ")})`);
  } finally {
    await server.close();
  }
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  console.log(`\nDone in ${seconds.toFixed(1)} s. The images are in ${shown(output)}/; they were made without root.`);
}

await main();
