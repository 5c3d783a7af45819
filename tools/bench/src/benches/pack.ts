import { rmSync } from "node:fs";
import { join } from "node:path";
import { peer } from "@sextant/peers";
import type { Bench, Comparison, Context } from "../bench.js";
import { type CorpusName, corpus } from "../corpora.js";
import { measure } from "../measure.js";

export const pack: Bench = {
  name: "pack",
  about: "sextant pack beside mkfs.erofs, few large and many small files, uncompressed",
  async run(context) {
    const of = (share: number) => `${Math.round(share * (context.short ? 0.25 : 1))}`;
    return [
      ...(await comparePacking(context, "big", `${of(200)} MB in nine files`, "within 3 ×", context.runs)),
      ...(await comparePacking(context, "many", `${of(20_000)} small files`, "within 3 ×", context.runs)),
    ];
  },
};

export const memory: Bench = {
  name: "memory",
  about: "peak memory of packing a tree of 500,000 entries",
  run: (context) =>
    comparePacking(
      context,
      "entries",
      `${context.short ? "50,000" : "500,000"} entries`,
      "peak below 1024 MiB at 500,000 entries",
      1,
    ),
};

async function comparePacking(
  { folder, short, sextant }: Context,
  name: CorpusName,
  title: string,
  goal: string,
  runs: number,
): Promise<Comparison[]> {
  const source = corpus(name, folder, short);
  const image = join(folder, "out.erofs");
  const prepare = () => rmSync(image, { force: true });
  const jobs = [
    { label: "sextant pack", command: [...sextant, "pack", source, "--compress", "none", "-o", image], prepare },
  ];
  const tool = peer("mkfs.erofs");
  if (tool) {
    jobs.push({ label: `mkfs.erofs ${tool.version}`, command: [...tool.command, "--quiet", image, source], prepare });
  }
  const [ours, theirs] = await measure(jobs, runs);
  prepare();
  return ours ? [{ title: `pack ${title}`, ours, peer: theirs, goal }] : [];
}
