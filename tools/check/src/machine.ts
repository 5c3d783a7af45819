import { execFileSync } from "node:child_process";
import { homedir } from "node:os";
import { dirname } from "node:path";
import type { MachineWords } from "./rules/text.js";

/** Folders that mean something on every machine, so naming them gives nothing away. */
const everywhere = /^(?:\/|\/root|\/(?:tmp|usr|var|opt|srv|mnt|home|build|dev|run)(?:\/(?:tmp|src|shm|local))?)$/;

/** What this machine must not leave in the repository: its folders, and the hosts that it takes packages from. */
export function machineWords(root: string): MachineWords {
  const paths = [root, dirname(root), homedir()].filter((path) => !everywhere.test(path));
  const urls = [
    ...lines("npm", ["config", "get", "registry"]),
    ...lines("apt-get", ["indextargets", "--format", "$(REPO_URI)"]),
  ];
  const hosts = new Set<string>();
  for (const url of urls) {
    const host = URL.canParse(url) ? new URL(url).hostname : "";
    if (host !== "" && !/^(?:localhost|127\.|\[)/.test(host)) hosts.add(host);
  }
  return { paths: [...new Set(paths)], hosts: [...hosts] };
}

/** The lines that a command prints; none where it is missing or fails. */
function lines(command: string, args: readonly string[]): string[] {
  try {
    const text = execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    return text.split("\n").filter((line) => line !== "");
  } catch {
    return [];
  }
}
