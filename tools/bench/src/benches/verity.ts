import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { peer } from "@sextant/peers";
import type { Bench, Comparison } from "../bench.js";
import { noise } from "../corpora.js";
import { type Job, measure } from "../measure.js";

const script = fileURLToPath(new URL("../../bin/verity.mjs", import.meta.url));

export const verity: Bench = {
  name: "verity",
  about: "the dm-verity tree of 1 GiB with one and two workers, beside veritysetup format",
  async run({ folder, short, runs }) {
    const mebibytes = short ? 256 : 1024;
    const data = noise(mebibytes << 20, folder);
    const trees = { ours: join(folder, "ours.verity"), peer: join(folder, "peer.verity") };
    const salt = "5a".repeat(32);
    const uuid = "11111111-2222-4333-8444-555555555555";
    const ours = (jobs: number): Job => ({
      label: `@sextant/verity, ${jobs} ${jobs === 1 ? "job" : "jobs"}`,
      command: [process.execPath, script, data, trees.ours, salt, uuid, String(jobs)],
      prepare: () => rmSync(trees.ours, { force: true }),
    });
    const jobs = [ours(1), ours(2)];
    const tool = peer("veritysetup");
    if (tool) {
      const command = [...tool.command, "format", `--salt=${salt}`, `--uuid=${uuid}`, data, trees.peer];
      const prepare = () => rmSync(trees.peer, { force: true });
      jobs.push({ label: `veritysetup ${tool.version}`, command, prepare });
    }
    const [one, two, theirs] = await measure(jobs, runs);
    const notes = theirs ? [sameBytes(trees.ours, trees.peer)] : [];
    for (const path of Object.values(trees)) rmSync(path, { force: true });
    const title = `verity of ${mebibytes} MiB`;
    const lines: Comparison[] = [];
    if (one) lines.push({ title: `${title}, one worker`, ours: one, peer: theirs, goal: "at most 1 ×", notes });
    if (two)
      lines.push({
        title: `${title}, two workers`,
        ours: two,
        peer: theirs,
        goal: "at most 0.77 × (1.3 × faster)",
        notes,
      });
    return lines;
  },
};

/** A comparison is worth something where both did the same. */
function sameBytes(a: string, b: string): string {
  return readFileSync(a).equals(readFileSync(b))
    ? "both wrote the same bytes"
    : "NOT COMPARABLE: they wrote different bytes";
}
