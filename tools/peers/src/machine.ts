import { existsSync } from "node:fs";
import { mirrorFromTargets, targetsFormat } from "./mirror.js";
import { type RunResult, run } from "./process.js";

/** Why nothing can be provisioned here, or undefined where it can. */
export function obstacle(): string | undefined {
  if (process.platform !== "linux" || !existsSync("/etc/debian_version")) return "not Debian";
  if (process.getuid?.() !== 0) return "not root";
  return undefined;
}

/** Runs a command of the system; rejects with the end of its output where it fails. */
export async function mustRun(command: readonly string[], env: Readonly<Record<string, string>> = {}, cwd = "/") {
  const result = await run(command, {
    env: { DEBIAN_FRONTEND: "noninteractive", ...env },
    cwd,
    timeoutMs: 600_000,
  });
  if (result.exitCode !== 0) throw new Error(`${command.join(" ")} failed:\n${tail(result)}`);
  return result;
}

const tail = ({ text, stderr }: RunResult) => `${text}\n${stderr}`.trim().split("\n").slice(-20).join("\n");

async function isInstalled(name: string): Promise<boolean> {
  const { exitCode, text } = await run(["dpkg-query", "--status", name]);
  return exitCode === 0 && text.includes("\nStatus: install ok installed\n");
}

/** Installs those of the packages that this machine lacks. Gives their names. */
export async function installPackages(names: readonly string[]): Promise<string[]> {
  const missing: string[] = [];
  for (const name of names) if (!(await isInstalled(name))) missing.push(name);
  if (missing.length === 0) return missing;
  await mustRun(["apt-get", "update"]);
  await mustRun(["apt-get", "install", "--yes", "--no-install-recommends", ...missing]);
  return missing;
}

/** Where apt takes Debian from, and the proxy it uses, as environment variables for debootstrap. */
export async function findMirror(): Promise<{ uri: string; env: Record<string, string> }> {
  const ask = () => mustRun(["apt-get", "indextargets", `--format=${targetsFormat}`, "Created-By: Packages"]);
  let uri = mirrorFromTargets((await ask()).text);
  if (uri === undefined) {
    // apt knows a repository's origin only once it has its index.
    await mustRun(["apt-get", "update"]);
    uri = mirrorFromTargets((await ask()).text);
  }
  if (uri === undefined) throw new Error("apt's configuration names no Debian archive");
  const { text } = await mustRun(["apt-config", "shell", "proxy", "Acquire::http::Proxy"]);
  const proxy = /^proxy='(.*)'$/m.exec(text)?.[1];
  return { uri, env: proxy === undefined || proxy === "DIRECT" ? {} : { http_proxy: proxy, https_proxy: proxy } };
}
