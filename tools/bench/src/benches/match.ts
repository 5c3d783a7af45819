import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Bench } from "../bench.js";
import { corpus } from "../corpora.js";
import { measure } from "../measure.js";

export const match: Bench = {
  name: "match",
  about: "sextant match of a signed 200 MB image on disk: time, requests, bytes",
  async run({ folder, short, sextant, runs }) {
    const [program = "", ...before] = sextant;
    const work = join(folder, "match");
    rmSync(work, { recursive: true, force: true });
    mkdirSync(work);
    try {
      const source = corpus("big", folder, short);
      const image = join(work, "big.raw");
      const host = join(work, "os-release");
      writeFileSync(host, 'ID=debian\nVERSION_ID="13"\n');
      const call = (...args: string[]) => {
        const { status, stderr } = spawnSync(program, [...before, ...args], { encoding: "utf8" });
        if (status !== 0) throw new Error(`sextant ${args.join(" ")}: exit code ${status}\n${stderr}`);
        return stderr;
      };
      call("keygen", join(work, "keys"));
      const signed = ["--key", join(work, "keys/sextant.key"), "--certificate", join(work, "keys/sextant.crt")];
      const gates = ["--name", "big", "--id", "debian", "--version-id", "13"];
      call("build", ...gates, "--from", source, ...signed, "-o", image);
      const question = ["match", image, "--host", host, "--json"];
      const stats = call(...question, "--stats");
      const [ours, peer] = await measure(
        [
          { label: "sextant match", command: [...sextant, ...question] },
          { label: "node -e 0", command: [process.execPath, "-e", "0"] },
        ],
        3 * runs,
      );
      const title = `match of a signed image of ${short ? 50 : 200} MB`;
      const goal = "below 250 ms in all, at most 3 requests and 64 KiB";
      return ours ? [{ title, ours, peer, goal, notes: stats.trim().split("\n") }] : [];
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  },
};
