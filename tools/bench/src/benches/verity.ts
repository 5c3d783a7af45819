import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { peer } from "@sextant/peers";
import type { Bench, Comparison } from "../bench.js";
import { noise } from "../corpora.js";
import { measure } from "../measure.js";

const script = fileURLToPath(new URL("../../bin/verity.mjs", import.meta.url));

export const verity: Bench = {
  name: "verity",
  about: "the dm-verity tree of 1 GiB with one and two workers, beside veritysetup format",
  async run({ folder, short, runs }) {
    const mebibytes = short ? 256 : 1024;
    const data = noise(mebibytes << 20, folder);
    const tree = join(folder, "out.verity");
    const salt = "5a".repeat(32);
    const prepare = () => rmSync(tree, { force: true });
    const ours = (jobs: number) => ({
      label: `@sextant/verity, ${jobs} ${jobs === 1 ? "job" : "jobs"}`,
      command: [process.execPath, script, data, tree, salt, String(jobs)],
      prepare,
    });
    const jobs = [ours(1), ours(2)];
    const tool = peer("veritysetup");
    if (tool) {
      const command = [...tool.command, "format", `--salt=${salt}`, data, tree];
      jobs.push({ label: `veritysetup ${tool.version}`, command, prepare });
    }
    const [one, two, theirs] = await measure(jobs, runs);
    prepare();
    const title = `verity of ${mebibytes} MiB`;
    const lines: Comparison[] = [];
    if (one) lines.push({ title: `${title}, one worker`, ours: one, peer: theirs, goal: "at most 1 ×" });
    if (two)
      lines.push({ title: `${title}, two workers`, ours: two, peer: theirs, goal: "at most 0.77 × (1.3 × faster)" });
    return lines;
  },
};
