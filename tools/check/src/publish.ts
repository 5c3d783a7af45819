import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { type Finding, reporter } from "./finding.js";
import type { Member, Workspace } from "./workspace.js";

const run = promisify(execFile);

type Report = (file: string, line: number, message: string) => void;

interface Packed {
  readonly member: Member;
  /** Path of the tarball. */
  readonly tarball: string;
  /** Paths in the tarball. */
  readonly files: readonly string[];
}

/**
 * Packs everything that is published, lints the tarballs with publint and attw, installs them all into an empty folder
 * outside the workspace, imports each entry point there and runs the command. Needs a build; takes third parties'
 * packages from npm's registry or cache.
 */
export async function checkPublishing(root: string, workspace: Workspace): Promise<Finding[]> {
  const { findings, error } = reporter("publish");
  const published = workspace.members.filter((member) => !member.manifest.private);
  for (const member of published) {
    if (existsSync(join(root, member.directory, "dist"))) continue;
    error(`${member.directory}/package.json`, 1, "is not built; run npm run build");
  }
  if (findings.length > 0) return findings;
  const folder = await mkdtemp(join(tmpdir(), "sextant-publish-"));
  try {
    const packed = await pack(root, published, folder);
    const steps = [installAll(packed, folder, error), lintAll(root, packed, error)];
    // Both to their ends, because the folder goes away with the first error.
    for (const result of await Promise.allSettled(steps)) if (result.status === "rejected") throw result.reason;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return findings;
}

async function pack(root: string, members: readonly Member[], folder: string): Promise<Packed[]> {
  const chosen = members.flatMap((member) => ["--workspace", member.directory]);
  const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder, ...chosen];
  const { stdout } = await run("npm", args, { cwd: root, maxBuffer: 64 << 20 });
  const listed = JSON.parse(stdout) as { name: string; filename: string; files: { path: string }[] }[];
  return members.map((member) => {
    const entry = listed.find(({ name }) => name === member.manifest.name);
    if (!entry) throw new Error(`npm pack made no tarball of ${member.manifest.name}`);
    return { member, tarball: join(folder, entry.filename), files: entry.files.map(({ path }) => path) };
  });
}

/** What is in a tarball: what was built, the manifest, and papers. No sources, tests or settings. */
function checkContents(root: string, { member, files }: Packed, error: Report): void {
  const manifest = `${member.directory}/package.json`;
  for (const file of files) {
    if (/^(?:dist|bin)\/|^(?:package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(file)) continue;
    error(manifest, 1, `would publish ${file}`);
  }
  // Nothing imports a worker's file by name, and without it work is only slower, so nobody would notice.
  const worker = existsSync(join(root, member.directory, "src/worker.ts"));
  if (worker && !files.includes("dist/worker.js")) error(manifest, 1, "would not publish dist/worker.js");
}

async function lintAll(root: string, packed: readonly Packed[], error: Report): Promise<void> {
  for (const one of packed) {
    checkContents(root, one, error);
    await lint(root, one, error);
  }
}

async function lint(root: string, { member, tarball }: Packed, error: Report): Promise<void> {
  const file = `${member.directory}/package.json`;
  const { buffer, byteOffset, byteLength } = await readFile(tarball);
  const { messages, pkg } = await publint({
    pack: { tarball: buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer },
    strict: true,
  });
  for (const message of messages) error(file, 1, `publint: ${formatMessage(message, pkg, { color: false })}`);

  const args = ["--profile", "esm-only", "--no-definitely-typed", "--format", "json", tarball];
  const attw = join(root, "node_modules/.bin/attw");
  const { stdout, failed } = await run(attw, args, { maxBuffer: 64 << 20 }).then(
    (result) => ({ stdout: result.stdout, failed: false }),
    (problem: { stdout: string }) => ({ stdout: problem.stdout, failed: true }),
  );
  const { analysis, problems } = JSON.parse(stdout) as { analysis: { types: unknown }; problems?: unknown };
  if (failed) error(file, 1, `attw: ${JSON.stringify(problems)}`);
  if (member.kind === "package" && !analysis.types) error(file, 1, "attw: has no types");
}

/** Installs the tarballs side by side, as somebody would who has never seen this workspace, and tries them. */
async function installAll(packed: readonly Packed[], folder: string, error: Report): Promise<void> {
  const place = join(folder, "place");
  const tarballs = packed.map(({ tarball }) => tarball);
  // npm installs into the nearest folder upwards that has a package.json.
  await mkdir(place);
  await writeFile(join(place, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const quiet = ["--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"];
  await run("npm", ["install", ...quiet, ...tarballs], { cwd: place, maxBuffer: 64 << 20 });
  for (const { member } of packed) {
    const { name, version, bin, exports } = member.manifest;
    const at = `${member.directory}/package.json`;
    for (const entry of Object.keys(exports ?? {})) {
      if (entry === "./package.json") continue;
      const specifier = `${name}${entry.slice(1)}`;
      const script = `import * as all from ${JSON.stringify(specifier)}; process.stdout.write(String(Object.keys(all).length));`;
      const { stdout, message } = await attempt(process.execPath, ["--input-type=module", "-e", script], place);
      if (message) error(at, 1, `import ${specifier} fails: ${message}`);
      else if (stdout === "0") error(at, 1, `${specifier} exports nothing`);
    }
    for (const command of Object.keys(bin ?? {})) {
      const program = join(place, "node_modules/.bin", command);
      const { stdout } = await attempt(program, ["--version"], place);
      if (stdout.trim() !== version) error(at, 1, `${command} --version says "${stdout.trim()}", not ${version}`);
      for (const args of await firstSteps(place)) {
        const { message } = await attempt(program, args, place);
        if (message) error(at, 1, `${command} ${args[0]} fails: ${message}`);
      }
    }
  }
}

/** Makes a feature of one file; the arguments that sign it, look at it and check it, so that each layer is used once. */
async function firstSteps(place: string): Promise<string[][]> {
  await mkdir(join(place, "feature/usr/share/note"), { recursive: true });
  await writeFile(join(place, "feature/usr/share/note/text"), "A feature may be this small.\n");
  await writeFile(join(place, "os-release"), "ID=debian\nVERSION_ID=13\n");
  const certificate = ["--certificate", "keys/sextant.crt"];
  const gates = ["--name", "note", "--id", "debian", "--version-id", "13"];
  return [
    ["keygen", "keys"],
    ["build", ...gates, "--from", "feature", "--key", "keys/sextant.key", ...certificate, "-o", "note.raw"],
    ["match", "note.raw", "--host", "os-release"],
    ["check", "note.raw", ...certificate],
  ];
}

async function attempt(command: string, args: readonly string[], cwd: string) {
  try {
    const { stdout } = await run(command, args, { cwd });
    return { stdout, message: undefined };
  } catch (problem) {
    const { stderr, message } = problem as { stderr?: string; message: string };
    return { stdout: "", message: (stderr || message).trim().split("\n").slice(-3).join(" | ") };
  }
}
